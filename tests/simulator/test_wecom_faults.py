"""What goes wrong between the product and WeCom, and what the ledger makes of it (7.1, 7.3, 9)."""

import asyncio
import json

import aiohttp
import pytest

from tests.eventually import eventually, seconds
from tests.simulator.group_sends import CREATE, RESULT, SENDER, TASK, TEXT, created, rows
from tests.simulator.product import Json, Product, Reply, a_product
from tests.simulator.wecom_calls import (
    AGENT,
    CREDENTIALS,
    called,
    code_of,
    time_passes,
    token_of,
)

ORDER: Json = {"sender": SENDER, "text": TEXT}
MESSAGE: Json = {
    "touser": "zhangsan",
    "msgtype": "text",
    "agentid": AGENT,
    "text": {"content": "预览"},
}


async def posted(product: Product, name: str, body: bytes) -> Reply:
    return await product.wecom(name, body, access_token=await token_of(product))


async def befalls(product: Product, name: str, **knobs: object) -> None:
    """Let something go wrong with the next call of this name."""
    dotted = {knob.replace("_", ".", 1): value for knob, value in knobs.items()}
    rule = {"match": {"call": name}, "knobs": dotted, "count": 1}
    assert (await product.order("POST", "rules", rule)).status == 200


async def accepted(product: Product) -> int:
    return (await product.verdict())["no_double_send"]["accepted_sends"]


@pytest.mark.parametrize(
    ("fault", "sends"),
    [
        ("net_reset_before", 0),
        ("net_reset_after", 1),
        ("net_timeout_before", 0),
        ("net_timeout_after", 1),
    ],
)
@pytest.mark.parametrize(("name", "order"), [(CREATE, ORDER), ("message/send", MESSAGE)])
async def test_a_call_without_an_answer_was_processed_or_not(
    product: Product, name: str, order: Json, fault: str, sends: int
) -> None:
    await befalls(product, name, **{fault: 1})

    call = asyncio.create_task(called(product, name, **order))

    async def noted() -> bool:
        return len(await product.calls(fault=fault.replace("_", ".", 1))) == 1

    await eventually(noted, within=seconds(5))
    if "reset" in fault:
        with pytest.raises(aiohttp.ClientError):
            await call
    else:
        assert not call.done()
        call.cancel()
    assert await accepted(product) == sends


@pytest.mark.parametrize(
    ("knobs", "sends"), [({"net_http_5xx": 1}, 0), ({"net_bad_body": 1}, 1)], ids=str
)
async def test_an_answer_may_say_nothing(product: Product, knobs: Json, sends: int) -> None:
    await befalls(product, CREATE, **knobs)
    order = json.dumps(ORDER, ensure_ascii=False).encode()
    token = await token_of(product)
    url = f"{product.simulator.base_url}/wecom/cgi-bin/{CREATE}"

    async with product.session.post(url, data=order, params={"access_token": token}) as answer:
        body = await answer.read()

    assert (answer.status == 200) == (sends == 1)
    assert b'"msgid"' not in body
    assert await accepted(product) == sends


async def test_an_outage_befalls_every_call(product: Product) -> None:
    await product.knobs(net_outage="reset")

    for name in ("gettoken", "media/get"):
        with pytest.raises(aiohttp.ClientError):
            await product.wecom(name)


async def test_a_body_must_be_an_object_in_utf_8_without_escapes(product: Product) -> None:
    backslash = json.dumps({"content": "C:\\users 中"}, ensure_ascii=False)
    bodies = {
        b"{": 40058,
        b"[]": 40058,
        b'{"text": "\xff"}': 40058,
        b"[" * 100_000: 40058,
        b'{"text": {"content": "\\u4e2d"}}': 40033,
        f'{{"sender": "zhangsan", "text": {backslash}}}'.encode(): 0,
    }

    answers = [(await posted(product, CREATE, body)).body for body in bodies]

    assert [answer["errcode"] for answer in answers] == list(bodies.values())
    assert all("Warning: wrong json format." in answer["errmsg"] for answer in answers[:4])


@pytest.mark.parametrize(
    ("knobs", "code"),
    [({"wx_ip": True}, 60020), ({"wx_busy": 1}, -1), ({"wx_concurrency": 1}, 45033)],
    ids=str,
)
async def test_a_knob_refuses_a_send_and_nothing_is_sent(
    product: Product, knobs: Json, code: int
) -> None:
    await befalls(product, CREATE, **knobs)

    assert [await code_of(product, CREATE, **ORDER) for _ in range(2)] == [code, 0]
    assert await accepted(product) == 1


async def test_one_call_is_called_too_often_while_others_are_not(product: Product) -> None:
    await time_passes(product, 0)
    msgid = await created(product)
    await product.order("PATCH", "knobs?for_s=60", {"wx.freq": TASK})

    busy = [
        await code_of(product, TASK, msgid=msgid),
        await code_of(product, RESULT, msgid=msgid, userid=SENDER),
    ]
    await time_passes(product, 60)

    assert busy == [45009, 0]
    assert await code_of(product, TASK, msgid=msgid) == 0


async def test_above_the_base_frequency_a_calls_name_is_blocked_for_a_minute(
    product: Product,
) -> None:
    product.simulator.world.wecom.frequencies.most = 3
    await time_passes(product, 0)
    msgid = await created(product)

    codes = [await code_of(product, TASK, msgid=msgid) for _ in range(4)]
    other = await code_of(product, RESULT, msgid=msgid, userid=SENDER)
    # Sending does not count.
    sends = {await code_of(product, CREATE, **ORDER) for _ in range(5)}
    await time_passes(product, 59)
    soon = await code_of(product, TASK, msgid=msgid)
    await time_passes(product, 1)

    assert (codes, other, sends, soon) == ([0, 0, 0, 45009], 0, {0}, 45009)
    assert await code_of(product, TASK, msgid=msgid) == 0


async def test_above_so_many_calls_at_once_more_are_refused(product: Product) -> None:
    await product.knobs(wx_max_concurrency=1)
    await befalls(product, CREATE, net_timeout_after=1)
    held = asyncio.create_task(called(product, CREATE, **ORDER))
    await eventually(
        lambda: len(list(product.simulator.world.wecom.group_sends)) == 1, within=seconds(5)
    )

    crowded = (await product.wecom("gettoken", **CREDENTIALS)).body["errcode"]
    held.cancel()

    async def is_free() -> bool:
        return (await product.wecom("gettoken", **CREDENTIALS)).body["errcode"] == 0

    assert crowded == 45033
    await eventually(is_free, within=seconds(5))


async def test_a_rule_chooses_by_recipient_and_by_text(product: Product) -> None:
    for match in ({"recipient": "lisi"}, {"text_contains": "覽"}):
        rule = {"match": {"call": "message/send", **match}, "knobs": {"wx.busy": 1}}
        await product.order("POST", "rules", rule)

    codes = [
        await code_of(product, "message/send", **MESSAGE),
        await code_of(product, "message/send", **{**MESSAGE, "touser": "lisi"}),
        await code_of(product, "message/send", **{**MESSAGE, "text": {"content": "預覽"}}),
    ]

    assert codes == [0, -1, -1]


async def test_a_refusal_for_good_must_not_be_tried_again(product: Product) -> None:
    wrong = {**MESSAGE, "touser": "nobody"}
    assert await code_of(product, "message/send", **wrong) == 81013
    assert (await product.verdict())["ok"]

    await code_of(product, "message/send", **wrong)

    found = await product.verdict()
    assert (found["ok"], found["no_retry_of_permanent_errors"]["ok"]) == (False, False)


async def test_uses_of_a_token_that_has_ended_are_counted(product: Product) -> None:
    old = await token_of(product)
    await product.order("POST", "wecom/token")
    for _ in range(2):
        await product.wecom("media/get", access_token=old)
    await token_of(product)
    await product.wecom("media/get", access_token=old)

    assert (await product.verdict())["token_discipline"] == {
        "calls": {"wecom": 2},
        "uses_of_ended": {"wecom": 3},
        "uses_of_replaced": {"wecom": 1},
    }


async def test_the_same_seed_and_calls_have_the_same_outcome() -> None:
    found: list[Json] = []
    for _ in range(2):
        async with a_product() as product:
            await product.knobs(wx_status2=0.3, wx_status3=0.3, wx_fail_list=0.2)
            msgid = await created(product, external_userid=[])
            found.append(await rows(product, msgid))

    assert found[0] == found[1]
    assert set(found[0].values()) == {1, 2, 3}
