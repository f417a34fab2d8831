"""What WeCom answers: tokens, files, and what customers said (WX 1, 7, 10, 13)."""

import json

import pytest

from simulator.samples import SAMPLES
from tests.simulator.product import Json, Product
from tests.simulator.pushes import CORP_ID, WECOM, WECOM_SECRET, opened

CREDENTIALS = {"corpid": CORP_ID, "corpsecret": WECOM_SECRET}
DESK = "wkSimulatedDesk0000000000"


async def token_of(product: Product) -> str:
    return (await product.wecom("gettoken", **CREDENTIALS)).body["access_token"]


async def said(product: Product, *texts: str, **more: object) -> list[Json]:
    """Let a customer speak; return the events that tell of it."""
    for text in texts:
        question = {"from": "wmCustomer", "text": text, **more}
        assert (await product.order("POST", "wecom/kf", question)).status == 200
    await product.order("POST", "flush")
    return [opened(WECOM, taken.query, taken.raw) for taken in product.taken]


async def synced(product: Product, **body: object) -> Json:
    asked = json.dumps({"open_kfid": DESK, **body}).encode()
    return (await product.wecom("kf/sync_msg", asked, access_token=await token_of(product))).body


async def test_the_token_stays_the_same_while_it_lives(product: Product) -> None:
    first = (await product.wecom("gettoken", **CREDENTIALS)).body
    await product.order("POST", "clock", {"advance_s": 3600})
    second = (await product.wecom("gettoken", **CREDENTIALS)).body
    await product.order("POST", "clock", {"advance_s": 3601})
    third = (await product.wecom("gettoken", **CREDENTIALS)).body

    assert (first["errcode"], first["errmsg"], first["expires_in"]) == (0, "ok", 7200)
    assert first["access_token"] == second["access_token"] != third["access_token"]
    assert second["expires_in"] in {3599, 3600}


async def test_a_token_may_end_early_by_knob_or_by_command(product: Product) -> None:
    await product.knobs(wx_token_early=7000)
    token = await token_of(product)
    before = await product.wecom("media/get", access_token=token, media_id="x")
    await product.order("POST", "clock", {"advance_s": 201})
    after = await product.wecom("media/get", access_token=token, media_id="x")
    other = await token_of(product)
    await product.order("POST", "wecom/token")
    ended = await product.wecom("media/get", access_token=other, media_id="x")

    assert [reply.body["errcode"] for reply in (before, after, ended)] == [40007, 42001, 42001]


async def test_wrong_secrets_are_refused_and_five_of_them_block_for_an_hour(
    product: Product,
) -> None:
    wrong = {**CREDENTIALS, "corpsecret": "guessed"}
    codes = [(await product.wecom("gettoken", **wrong)).body["errcode"] for _ in range(5)]
    blocked = (await product.wecom("gettoken", **CREDENTIALS)).body
    await product.order("POST", "clock", {"advance_s": 3601})
    later = (await product.wecom("gettoken", **CREDENTIALS)).body

    assert codes == [40001] * 5
    assert (blocked["errcode"], later["errcode"]) == (45009, 0)
    assert "hint: [" in blocked["errmsg"]
    assert blocked["errmsg"].endswith("devtool/query?e=45009")


@pytest.mark.parametrize(("storm", "allowed"), [(False, 20), (True, 5)])
async def test_frequent_token_calls_are_refused(
    product: Product, *, storm: bool, allowed: int
) -> None:
    await product.knobs(wx_token_storm=storm)

    for _ in range(allowed):
        assert (await product.wecom("gettoken", **CREDENTIALS)).body["errcode"] == 0
    over = (await product.wecom("gettoken", **CREDENTIALS)).body
    await product.order("POST", "clock", {"advance_s": 61})

    assert over["errcode"] == 45009
    assert (await product.wecom("gettoken", **CREDENTIALS)).body["errcode"] == 0


@pytest.mark.parametrize(
    ("name", "query", "code"),
    [
        ("media/get", {}, 41001),
        ("media/get", {"access_token": "made-up"}, 40014),
        ("gettoken", {**CREDENTIALS, "corpid": "ww_other"}, 40013),
        ("kf/sync_msg", {"access_token": "any"}, 43002),
        ("no/such_call", {}, 40066),
    ],
)
async def test_a_call_that_is_wrong_is_answered_200_with_a_code(
    product: Product, name: str, query: Json, code: int
) -> None:
    reply = await product.wecom(name, **query)

    assert (reply.status, reply.body["errcode"]) == (200, code)
    [call] = await product.calls(code=str(code))
    assert (call["path"], call["decision"]) == (f"/wecom/cgi-bin/{name}", "refused")


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"wx_ip": True}, 60020),
        ({"wx_busy": 1}, -1),
        ({"wx_concurrency": 1}, 45033),
        ({"wx_freq": "media/get"}, 45009),
    ],
)
async def test_a_knob_refuses_calls(product: Product, knobs: Json, code: int) -> None:
    token = await token_of(product)
    await product.knobs(**knobs)

    refused = (await product.wecom("media/get", access_token=token, media_id="x")).body

    assert refused["errcode"] == code


async def test_faults_of_the_network_befall_these_calls_too(product: Product) -> None:
    await product.knobs(net_http_5xx=1)

    assert (await product.wecom("gettoken", **CREDENTIALS)).status >= 500


async def test_a_call_is_known_by_its_host_as_well(product: Product) -> None:
    url = f"{product.simulator.base_url}/cgi-bin/gettoken"

    async with product.session.get(
        url, params=CREDENTIALS, headers={"Host": "qyapi.weixin.qq.com"}
    ) as answer:
        found = await answer.json(content_type=None)

    assert found["errcode"] == 0


async def test_a_file_is_fetched_for_three_days(product: Product) -> None:
    order = {"sample": "png", "filename": "plan.png"}
    media_id = (await product.order("POST", "wecom/media", order)).body["id"]
    asked = {"access_token": await token_of(product), "media_id": media_id}

    fetched = await product.wecom("media/get", **asked)
    await product.order("POST", "clock", {"advance_s": 3 * 86_400 + 1})
    asked["access_token"] = await token_of(product)
    gone = await product.wecom("media/get", **asked)

    assert fetched.raw == SAMPLES["png"].data
    assert fetched.headers["Content-Type"] == "image/png"
    assert 'filename="plan.png"' in fetched.headers["Content-Disposition"]
    assert gone.body["errcode"] == 40007


async def test_a_download_fails_as_ordered(product: Product) -> None:
    order = {"fault": "download_500", "times": 1}
    media_id = (await product.order("POST", "wecom/media", order)).body["id"]
    asked = {"access_token": await token_of(product), "media_id": media_id}

    answers = [(await product.wecom("media/get", **asked)).status for _ in range(2)]

    assert answers == [500, 200]


async def test_customers_words_are_told_of_and_fetched_page_by_page(product: Product) -> None:
    events = await said(product, "确认", "修改", "hello")

    last = events[-1]
    first = await synced(product, token=last["Token"], limit=2)
    second = await synced(product, token=last["Token"], cursor=first["next_cursor"])
    third = await synced(product, token=last["Token"], cursor=second["next_cursor"])

    assert {event["Event"] for event in events} == {"kf_msg_or_event"}
    assert {event["OpenKfId"] for event in events} == {DESK}
    assert all("Content" not in event for event in events)
    words = [message["text"]["content"] for message in first["msg_list"] + second["msg_list"]]
    assert words == ["确认", "修改", "hello"]
    assert [page["has_more"] for page in (first, second, third)] == [1, 0, 0]
    assert third["msg_list"] == []
    assert {message["origin"] for message in first["msg_list"]} == {3}


async def test_a_menu_entry_and_a_system_event_are_told_apart(product: Product) -> None:
    await said(product, "确认", menu_id="confirm")
    failure = {"event_type": "msg_send_fail", "fail_msgid": "m-1", "fail_type": 4}
    await said(product, "", type="event", content=failure, origin=4)

    [clicked, failed] = (await synced(product))["msg_list"]

    assert clicked["text"] == {"content": "确认", "menu_id": "confirm"}
    assert failed["event"] == failure
    assert "external_userid" not in failed


async def test_pages_may_be_empty_or_smaller_than_asked(product: Product) -> None:
    events = await said(product, "a", "b", "c")
    token = events[-1]["Token"]

    await product.knobs(wx_page_size=1)
    small = await synced(product, token=token)
    await product.knobs(wx_empty_pages=1)
    empty = await synced(product, token=token, cursor=small["next_cursor"])

    assert (len(small["msg_list"]), small["has_more"]) == (1, 1)
    assert (empty["msg_list"], empty["has_more"]) == ([], 1)


async def test_what_nobody_told_of_is_found_by_asking(product: Product) -> None:
    await said(product, "确认", is_silent=True)

    found = await synced(product)

    assert product.taken == []
    assert [message["text"]["content"] for message in found["msg_list"]] == ["确认"]


async def test_asking_is_refused_for_what_is_wrong_with_it(product: Product) -> None:
    [event] = await said(product, "确认")
    token = event["Token"]

    unknown = await synced(product, open_kfid="wkOther")
    wrong = await synced(product, token="made-up")
    cursor = await synced(product, token=token, cursor="made-up")
    escaped = await product.wecom(
        "kf/sync_msg", b'{"open_kfid":"\\u0061"}', access_token=await token_of(product)
    )
    often = [await synced(product) for _ in range(6)][-1]
    await product.order("POST", "clock", {"advance_s": 601})
    late = await synced(product, token=token)

    codes = [found["errcode"] for found in (unknown, wrong, cursor, escaped.body, often, late)]
    assert codes == [95000, 95007, 50100, 40033, 45009, 95007]
    assert wrong["msg_list"] == []


async def test_what_was_said_is_kept_for_three_days(product: Product) -> None:
    await said(product, "old")
    await product.order("POST", "clock", {"advance_s": 2 * 86_400})
    await said(product, "new")
    await product.order("POST", "clock", {"advance_s": 86_401})

    found = await synced(product)

    assert [message["text"]["content"] for message in found["msg_list"]] == ["new"]
