"""What WeChat pushes, by command: plain and sealed, XML and JSON (WX 14.2 to 14.4)."""

import pytest

from tests.simulator.product import Json, Product
from tests.simulator.pushes import ORIGINAL_ID, WECHAT, WECHAT_PATH, opened, parsed

SENT = "subscribe_msg_sent_event"
POPUP = "subscribe_msg_popup_event"
CHANGE = "subscribe_msg_change_event"
OPENID = "oABCD_example_openid"


async def pushed(product: Product, path: str, **order: object) -> Json:
    """Order something of WeChat's world; return what its push said."""
    reply = await product.order("POST", f"wechat/{path}", {"from": OPENID, **order})
    assert reply.status == 200, reply.body
    await product.order("POST", "flush")
    taken = product.taken[-1]
    return opened(WECHAT, taken.query, taken.raw)


@pytest.mark.parametrize("mode", ["plain", "safe"])
@pytest.mark.parametrize("form", ["xml", "json"])
async def test_a_user_writes_in_every_mode_and_form(product: Product, mode: str, form: str) -> None:
    await product.knobs(wc_push_mode=mode, wc_push_format=form)

    message = await pushed(product, "inbound", text="确认", menu_id="confirm")

    [taken] = product.taken
    assert taken.path == WECHAT_PATH
    assert (message["Content"], message["bizmsgmenuid"]) == ("确认", "confirm")
    assert (message["ToUserName"], message["FromUserName"]) == (ORIGINAL_ID, OPENID)
    assert message["MsgType"] == "text"
    assert ("encrypt_type" in taken.query) == (mode == "safe")
    assert ("Content" in parsed(taken.raw)) == (mode == "plain")
    assert taken.headers["Content-Type"] == ("text/xml" if form == "xml" else "application/json")


async def test_a_repeated_message_keeps_its_id(product: Product) -> None:
    first = await pushed(product, "inbound", text="修改", msg_id=7)
    again = await pushed(product, "inbound", text="修改", msg_id=7)

    assert first["MsgId"] == again["MsgId"] == "7"
    assert product.taken[0].raw != product.taken[1].raw


@pytest.mark.parametrize(
    ("event", "wrapper", "entry"),
    [
        (POPUP, "SubscribeMsgPopupEvent", {"SubscribeStatusString": "accept", "PopupScene": "0"}),
        (CHANGE, "SubscribeMsgChangeEvent", {"SubscribeStatusString": "reject"}),
        (SENT, "SubscribeMsgSentEvent", {"ErrorCode": "0", "ErrorStatus": "success"}),
    ],
)
async def test_an_event_has_its_list_in_xml(
    product: Product, event: str, wrapper: str, entry: Json
) -> None:
    message = await pushed(product, "events", event=event, template_id="T-1")

    held = message[wrapper]["List"]
    assert message["Event"] == event
    assert held["TemplateId"] == "T-1"
    assert entry.items() <= held.items()
    assert ("MsgID" in held) == (event == SENT)


async def test_a_sent_event_may_name_its_message_and_a_failure(product: Product) -> None:
    message = await pushed(
        product,
        "events",
        event=SENT,
        msg_id=1700827132819554304,
        error_code=4,
        error_status="system error",
    )

    held = message["SubscribeMsgSentEvent"]["List"]
    assert (held["MsgID"], held["ErrorCode"]) == ("1700827132819554304", "4")


@pytest.mark.parametrize(
    ("shape", "entries", "expected"),
    [("object", 1, dict), ("array", 1, list), ("object", 2, list), ("array", 2, list)],
)
async def test_a_list_in_json_is_an_object_or_an_array(
    product: Product, shape: str, entries: int, expected: type
) -> None:
    await product.knobs(wc_push_format="json", wc_list_shape=shape)

    message = await pushed(product, "events", event=POPUP, entries=entries, status="reject")

    assert isinstance(message["List"], expected)
    one = message["List"] if expected is dict else message["List"][-1]
    assert one["SubscribeStatusString"] == "reject"


async def test_both_shapes_come_unless_one_was_asked_for(product: Product) -> None:
    await product.knobs(wc_push_format="json")

    lists = [(await pushed(product, "events", event=SENT))["List"] for _ in range(16)]

    assert {isinstance(held, list) for held in lists} == {True, False}


async def test_an_event_of_the_future_is_told_as_it_was_ordered(product: Product) -> None:
    entered = await pushed(product, "events", event="user_enter_tempsession")
    future = await pushed(product, "events", event="future_event", fields={"Depth": 3})

    assert entered["Event"] == "user_enter_tempsession"
    assert future["Depth"] == "3"


async def test_a_url_is_verified_by_an_echo_that_comes_back_unchanged(product: Product) -> None:
    good = await product.order("POST", "wechat/verification")
    product.receiver.echo = lambda query: query["echostr"] + "\n"
    bad = await product.order("POST", "wechat/verification")

    assert (good.body["verified"], bad.body["verified"]) == (True, False)


@pytest.mark.parametrize("mode", ["plain", "safe"])
async def test_what_is_hostile_depends_on_the_mode(product: Product, mode: str) -> None:
    await product.knobs(wc_push_mode=mode)
    product.receiver.always = 403

    wrong = await product.order("POST", "wechat/hostile", {"kind": "wrong_signature"})
    pad = await product.order("POST", "wechat/hostile", {"kind": "pad_0"})
    await product.order("POST", "flush")

    assert (wrong.status, pad.status) == (200, 422 if mode == "plain" else 200)
    with pytest.raises(AssertionError):
        opened(WECHAT, product.taken[0].query, product.taken[0].raw)
    assert (await product.verdict())["forged_callbacks_refused"]["ok"]


async def test_there_are_no_other_channels(product: Product) -> None:
    reply = await product.order("POST", "telegram/hostile", {"kind": "stale"})

    assert reply.status == 404
