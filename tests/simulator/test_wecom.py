"""What WeCom calls back, by command (simulator-behaviour 4.3; WX 8, 9)."""

import pytest

from simulator.app import running
from simulator.tencent.crypto import CryptoError
from simulator.tencent.forgeries import FORGERIES
from simulator.wecom.events import EXAMPLES
from tests.eventually import eventually, seconds
from tests.simulator.product import Json, Product, Taken, a_product, settings
from tests.simulator.pushes import CORP_ID, WECOM, WECOM_PATH, opened, parsed


async def pushed(product: Product, path: str, **order: object) -> Json:
    """Order something of WeCom's world; return what its callback said."""
    await ordered(product, path, **order)
    return told(product)[-1]


async def ordered(product: Product, path: str, **order: object) -> Json:
    reply = await product.order("POST", f"wecom/{path}", order)
    assert reply.status == 200, reply.body
    await product.order("POST", "flush")
    return reply.body


def told(product: Product) -> list[Json]:
    return [opened(WECOM, taken.query, taken.raw) for taken in product.taken]


async def in_ledger(product: Product, **wanted: str) -> list[Json]:
    query = "&".join(f"{name}={value}" for name, value in {"provider": "wecom", **wanted}.items())
    return (await product.order("GET", f"ledger/callbacks?{query}")).body["items"]


@pytest.mark.parametrize("text", ["确认", "修改", " 确认 。", "“修改”", "x ]]> & <y>", ""])
async def test_a_member_writes_in_the_chat_with_the_app(product: Product, text: str) -> None:
    made = await ordered(product, "inbound", **{"from": "zhangsan", "text": text})

    [message] = told(product)
    assert message["Content"] == text
    assert (message["ToUserName"], message["FromUserName"]) == (CORP_ID, "zhangsan")
    assert (message["MsgType"], message["MsgId"]) == ("text", made["id"])
    [taken] = product.taken
    envelope = parsed(taken.raw)
    assert taken.path == WECOM_PATH
    assert (envelope["ToUserName"], envelope["AgentID"]) == (CORP_ID, message["AgentID"])


async def test_each_push_is_sealed_anew_with_paddings_over_the_whole_range(
    product: Product,
) -> None:
    for length in range(32):
        await product.order("POST", "wecom/inbound", {"from": "zhangsan", "text": "x" * length})
    await product.order("POST", "flush")

    assert sorted(len(message["Content"]) for message in told(product)) == list(range(32))
    assert len({taken.query["nonce"] for taken in product.taken}) == 32
    assert len({message["MsgId"] for message in told(product)}) == 32


async def test_the_same_message_may_be_told_twice_in_another_seal(product: Product) -> None:
    for _ in range(2):
        await ordered(product, "inbound", **{"from": "zhangsan", "text": "确认", "msg_id": 7})

    first, second = product.taken
    assert first.raw != second.raw
    assert {message["MsgId"] for message in told(product)} == {"7"}


@pytest.mark.parametrize("kind", ["image", "voice", "video", "file"])
async def test_what_a_member_sends_can_be_fetched(product: Product, kind: str) -> None:
    message = await pushed(product, "inbound", **{"from": "zhangsan", "type": kind})

    token = (await product.wecom("gettoken", **CREDENTIALS)).body["access_token"]
    fetched = await product.wecom("media/get", access_token=token, media_id=message["MediaId"])

    assert message["MsgType"] == kind
    assert fetched.status == 200
    assert fetched.raw
    assert "attachment" in fetched.headers["Content-Disposition"]


async def test_a_member_taps_a_button_of_a_card(product: Product) -> None:
    tap = {"from": "zhangsan", "key": "confirm", "task_id": "preview-8f2c"}

    made = await ordered(product, "clicks", **tap)
    again = await ordered(product, "clicks", **tap, is_menu=True, selected={"day": ["mon", "tue"]})

    button, menu = told(product)
    assert (button["Event"], button["EventKey"]) == ("template_card_event", "confirm")
    assert (button["TaskId"], button["CardType"]) == ("preview-8f2c", "button_interaction")
    assert button["ResponseCode"] == made["response_code"] != again["response_code"]
    assert menu["Event"] == "template_card_menu_event"
    assert menu["SelectedItems"]["SelectedItem"] == {
        "QuestionKey": "day",
        "OptionIds": {"OptionId": ["mon", "tue"]},
    }


@pytest.mark.parametrize(("event", "change"), EXAMPLES)
async def test_an_event_has_its_fields_and_no_app(
    product: Product, event: str, change: str | None
) -> None:
    message = await pushed(product, "events", event=event, change=change)

    assert (message["Event"], message["FromUserName"]) == (event, "sys")
    assert message.get("ChangeType") == change
    assert EXAMPLES[event, change].keys() <= message.keys()
    assert "AgentID" not in message
    assert "AgentID" not in parsed(product.taken[-1].raw)


async def test_an_event_of_the_future_is_told_as_it_was_ordered(product: Product) -> None:
    message = await pushed(
        product, "events", event="future_event", fields={"Depth": 3}, is_of_app=True
    )

    assert (message["Event"], message["Depth"], message["AgentID"]) == (
        "future_event",
        "3",
        "1000002",
    )


async def test_versions_of_a_groups_members_form_a_chain(product: Product) -> None:
    update = {"event": "change_external_chat", "change": "update"}

    await ordered(product, "events", **update)
    await product.knobs(wx_cb_loss=1)
    await ordered(product, "events", **update)
    await product.knobs(wx_cb_loss=0)
    await ordered(product, "events", **update)

    first, third = told(product)
    assert first["CurMemVer"] != first["LastMemVer"]
    assert third["LastMemVer"] != first["CurMemVer"]
    [lost] = await in_ledger(product, state="lost")
    assert lost["attempts"] == []


async def test_a_url_is_verified_by_an_echo_that_needs_encoding(product: Product) -> None:
    echoes: list[str] = []

    def echo(query: dict[str, str]) -> str:
        echoes.append(query["echostr"])
        signed = WECOM.sign(query["timestamp"], query["nonce"], query["echostr"])
        assert query["msg_signature"] == signed
        return WECOM.decrypt(query["echostr"]).decode()

    product.receiver.echo = echo
    good = await product.order("POST", "wecom/verification")
    product.receiver.echo = lambda query: f'"{echo(query)}"'
    quoted = await product.order("POST", "wecom/verification")

    assert good.body == {"verified": True, "problem": None}
    assert quoted.body["verified"] is False
    assert all(set("+/=") <= set(found) for found in echoes)
    assert len(set(echoes)) == 2


@pytest.mark.parametrize(
    ("retry_on", "status", "attempts"),
    [("network", 500, 1), ("any", 500, 3), ("any", 204, 3), ("any", 200, 1)],
)
async def test_a_push_is_tried_three_times_for_what_is_tried_again(
    product: Product, retry_on: str, status: int, attempts: int
) -> None:
    await product.knobs(wx_retry_on=retry_on)
    await product.order("POST", "clock", {"scale": 100})
    product.receiver.always = status

    await ordered(product, "inbound", **{"from": "zhangsan", "text": "确认"})
    state = "delivered" if status == 200 else "dropped"

    async def settled() -> bool:
        return len(await in_ledger(product, state=state)) == 1

    await eventually(settled, within=seconds(5))
    assert len(product.taken) == attempts
    assert len({taken.raw for taken in product.taken}) == 1


async def test_nobody_there_is_tried_three_times(product: Product) -> None:
    await product.order("PUT", "wecom/callback", {"url": "http://127.0.0.1:9/away"})
    await product.order("POST", "clock", {"scale": 100})

    await ordered(product, "inbound", **{"from": "zhangsan", "text": "确认"})

    async def dropped() -> bool:
        return len(await in_ledger(product, state="dropped")) == 1

    await eventually(dropped, within=seconds(5))
    [callback] = await in_ledger(product)
    assert [attempt["status"] for attempt in callback["attempts"]] == [0, 0, 0]


async def test_after_many_failures_events_are_dropped_untried_until_the_url_is_saved(
    product: Product,
) -> None:
    await product.knobs(wx_drop_after=2)
    product.receiver.always = 500
    for _ in range(3):
        await ordered(product, "events", event="low_active")
    product.receiver.always = None
    await ordered(product, "events", event="low_active")

    assert [taken.answered for taken in product.taken] == [500, 500]
    product.receiver.echo = lambda query: WECOM.decrypt(query["echostr"]).decode()
    await product.order("POST", "wecom/verification")
    await ordered(product, "events", event="low_active")

    assert [taken.answered for taken in product.taken] == [500, 500, 200]
    assert len(await in_ledger(product, state="lost")) == 2


async def test_a_replay_pushes_the_same_bytes_again(product: Product) -> None:
    await ordered(product, "inbound", **{"from": "zhangsan", "text": "确认"})

    await product.order("POST", "replay", {"last": 1})
    await product.order("POST", "flush")

    first, again = product.taken
    assert (first.raw, first.query) == (again.raw, again.query)


def is_refused(taken: Taken) -> bool:
    """Judge as a careful receiver would."""
    if b"<!DOCTYPE" in taken.raw:
        return True
    try:
        message = opened(WECOM, taken.query, taken.raw)
    except (AssertionError, CryptoError, ValueError, KeyError, LookupError):
        return True
    return not message


@pytest.mark.parametrize("kind", FORGERIES)
async def test_what_is_hostile_must_be_refused(product: Product, kind: str) -> None:
    product.receiver.always = 403

    reply = await product.order("POST", "wecom/hostile", {"kind": kind})
    await product.order("POST", "flush")

    [callback] = await in_ledger(product, kind="forged")
    assert callback["number"] == reply.body["callback"]
    assert (await product.verdict())["forged_callbacks_refused"]["ok"]
    if kind == "large_body":
        assert [attempt["status"] for attempt in callback["attempts"]] in ([413], [0])
        return
    [taken] = product.taken
    if kind == "stale":
        now = product.simulator.world.clock.now()
        assert int(taken.query["timestamp"]) < now - 3000
    else:
        assert is_refused(taken)


async def test_a_product_that_takes_a_hostile_push_is_found_out(product: Product) -> None:
    await product.knobs(wx_cb_bad_crypto=1)

    await ordered(product, "inbound", **{"from": "zhangsan", "text": "确认"})

    assert len(product.taken) == 2
    assert (await product.verdict())["ok"] is False
    unknown = await product.order("POST", "wecom/hostile", {"kind": "no such"})
    assert (unknown.status, "pad_33" in unknown.body["error"]) == (422, True)


async def test_a_signature_is_right_where_only_the_text_was_changed(product: Product) -> None:
    await product.order("POST", "wecom/hostile", {"kind": "changed_text"})
    await product.order("POST", "flush")

    [taken] = product.taken
    encrypted = parsed(taken.raw)["Encrypt"]
    signed = WECOM.sign(taken.query["timestamp"], taken.query["nonce"], encrypted)
    assert taken.query["msg_signature"] == signed
    with pytest.raises(CryptoError, match="length"):
        WECOM.decrypt(encrypted)


async def test_callbacks_may_be_json(product: Product) -> None:
    await product.knobs(wx_cb_format="json")

    message = await pushed(product, "inbound", **{"from": "zhangsan", "text": "确认"})

    [taken] = product.taken
    assert taken.headers["Content-Type"] == "application/json"
    assert parsed(taken.raw).keys() == {"tousername", "agentid", "encrypt"}
    assert message["Content"] == "确认"


async def test_without_a_key_the_settings_are_named() -> None:
    async with running(settings()) as simulator, a_product() as product:
        product.simulator = simulator

        reply = await product.order("POST", "wecom/inbound", {"from": "zhangsan"})
        other = await product.order("POST", "wechat/inbound", {"from": "openid"})

        assert (reply.status, other.status) == (422, 422)
        assert "SIM_WECOM_AES_KEY" in reply.body["error"]
        assert "SIM_WECHAT_AES_KEY" in other.body["error"]


async def test_a_reset_begins_tokens_files_and_failures_anew(product: Product) -> None:
    token = (await product.wecom("gettoken", **CREDENTIALS)).body["access_token"]

    await product.order("POST", "reset")
    used = await product.wecom("media/get", access_token=token, media_id="m")

    assert used.body["errcode"] == 40014


CREDENTIALS = {"corpid": CORP_ID, "corpsecret": "secret-of-the-app"}
