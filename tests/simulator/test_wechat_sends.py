"""What WeChat does with subscribe and customer-service messages (WX 14.2, 14.3)."""

import asyncio

import aiohttp
import pytest

from simulator.samples import SAMPLES
from simulator.wechat.templates import PREVIEW
from tests.eventually import eventually, seconds
from tests.simulator.product import Json, Product, Reply
from tests.simulator.pushes import APP_ID, WECHAT, WECHAT_SECRET, opened

USER = "oSimulatedUser00000000000001"
OTHER_USER = "oSimulatedUser00000000000002"
STRANGER = "oABCD_example_openid"
DATA = {"thing1": "Course", "time2": "2025-06-10 18:00", "phrase3": "待确认"}


async def token_of(product: Product) -> str:
    asked = {"grant_type": "client_credential", "appid": APP_ID, "secret": WECHAT_SECRET}
    return (await product.wechat("stable_token", asked)).body["access_token"]


async def called(product: Product, name: str, body: object) -> Reply:
    return await product.wechat(name, body, access_token=await token_of(product))


async def notified(product: Product, user: str = USER, **more: object) -> Json:
    data = {key: {"value": value} for key, value in DATA.items()}
    body: Json = {"touser": user, "template_id": PREVIEW, "data": data, **more}
    return (await called(product, "message/subscribe/send", body)).body


async def notified_with(product: Product, key: str, value: str) -> Json:
    await product.order("PUT", "wechat/templates", {"id": "T", "keys": [key]})
    return await notified(product, template_id="T", data={key: {"value": value}})


async def wrote(product: Product, user: str = USER) -> None:
    assert (await product.order("POST", "wechat/inbound", {"from": user})).status == 200


async def written_to(product: Product, kind: str = "text", **content: object) -> Json:
    body = {"touser": USER, "msgtype": kind, kind: content or {"content": "Hi"}}
    return (await called(product, "message/custom/send", body)).body


async def sent_events(product: Product, count: int) -> list[Json]:
    """Wait for so many sent events; return what they say."""

    def told() -> list[Json]:
        pushes = [opened(WECHAT, taken.query, taken.raw) for taken in product.taken]
        return [push for push in pushes if push.get("Event") == "subscribe_msg_sent_event"]

    await eventually(lambda: len(told()) >= count, within=seconds(10))
    return [push["SubscribeMsgSentEvent"]["List"] for push in told()]


async def test_a_subscribe_message_uses_up_a_consent_and_its_outcome_is_told(
    product: Product,
) -> None:
    accepted = await notified(product, page="pages/confirm?token=abc", lang="en_US")
    refused = await notified(product)
    [event] = await sent_events(product, 1)

    assert (accepted["errcode"], refused["errcode"]) == (0, 43101)
    assert event == {
        "TemplateId": PREVIEW,
        "MsgID": str(accepted["msgid"]),
        "ErrorCode": "0",
        "ErrorStatus": "success",
    }
    listed = (await product.order("GET", f"ledger/messages?id={accepted['msgid']}")).body["items"]
    assert [(item["recipient"], item["status"]) for item in listed] == [(USER, "sent")]


async def test_a_refused_message_uses_up_no_consent(product: Product) -> None:
    wrong = await notified(product, page="pages/nowhere")

    assert (wrong["errcode"], (await notified(product))["errcode"]) == (41030, 0)


async def test_ten_users_have_consented_and_others_do_so_by_command(product: Product) -> None:
    tenth = await notified(product, "oSimulatedUser00000000000010")
    eleventh = await notified(product, "oSimulatedUser00000000000011")
    popup = {"from": STRANGER, "event": "subscribe_msg_popup_event", "template_id": PREVIEW}
    await product.order("POST", "wechat/events", popup)
    consent = {"from": STRANGER, "template_id": PREVIEW, "count": 1}
    await product.order("POST", "wechat/consents", consent)

    codes = [(await notified(product, STRANGER))["errcode"] for _ in range(3)]

    assert (tenth["errcode"], eleventh["errcode"]) == (0, 43101)
    assert codes == [0, 0, 43101]


async def test_a_user_who_switches_a_template_off_is_not_written_to(product: Product) -> None:
    await product.knobs(wc_consent=5)
    change = {"from": USER, "event": "subscribe_msg_change_event", "template_id": PREVIEW}
    await product.order("POST", "wechat/events", change)

    codes = [(await notified(product, user))["errcode"] for user in (USER, OTHER_USER)]

    assert codes == [43101, 0]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"touser": "o b"}, 40003, "invalid openid"),
        ({"touser": "oUser_invalid"}, 40003, "invalid openid"),
        ({"touser": "oUser_noconsent"}, 43101, "user refuse to accept the msg"),
        ({"template_id": "T-unknown"}, 40037, "invalid template_id"),
        ({"page": "index"}, 41030, "invalid page"),
        ({"data": {}}, 47003, "argument invalid! data.thing1.value is empty"),
        ({"lang": "de"}, 47003, "argument invalid!"),
    ],
)
async def test_a_wrong_subscribe_message_is_refused_by_its_field(
    product: Product, changes: Json, code: int, words: str
) -> None:
    refused = await notified(product, **changes)

    assert refused["errcode"] == code
    assert refused["errmsg"].startswith(words)


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("thing1", "a" * 20, "a" * 21),
        ("thing1", "课程提醒 🎉", "two\nlines"),
        ("number1", "-12.50", "1" * 33),
        ("letter1", "Ab", "A1"),
        ("symbol1", "+-*/!", "!!!!!!"),
        ("character_string1", "A-17 #3", "确认"),
        ("time1", "2025年6月10日 18:00~19:30", "tomorrow"),
        ("date1", "2025-06-10", ""),
        ("amount1", "¥1234.50元", "12345678901"),
        ("phone_number1", "+86-0766-66888866", "1" * 18),
        ("car_number1", "粤A8Z888挂", "粤A8Z888挂挂"),
        ("name1", "Ada Lovelace", "李" * 11),
        ("phrase1", "待确认", "ok"),
        ("enum1", "anything", ""),
    ],
)
async def test_a_value_has_the_form_that_its_key_wants(
    product: Product, key: str, right: str, wrong: str
) -> None:
    await product.knobs(wc_consent=9)

    refused = await notified_with(product, key, wrong)

    assert refused["errcode"] == 47003
    assert f"data.{key}.value" in refused["errmsg"]
    assert (await notified_with(product, key, right))["errcode"] == 0


async def test_an_answer_may_lack_the_id_that_the_event_names(product: Product) -> None:
    await product.knobs(wc_msgid=0)

    assert await notified(product) == {"errcode": 0, "errmsg": "ok"}
    [event] = await sent_events(product, 1)
    assert event["MsgID"]


@pytest.mark.parametrize(
    ("user", "told"), [("oUser_sentfail", "on"), (USER, "failing")], ids=["magic", "knob"]
)
async def test_a_message_may_fail_after_it_was_accepted(
    product: Product, user: str, told: str
) -> None:
    await product.knobs(wc_sent_event=told)

    accepted = await notified(product, user)
    [event] = await sent_events(product, 1)

    assert accepted["errcode"] == 0
    assert event["ErrorCode"] != "0"


async def test_a_sent_event_may_be_missing(product: Product) -> None:
    await product.knobs(wc_sent_event="missing")
    silent = await notified(product)
    await product.order("POST", "clock", {"advance_s": 5})
    await product.knobs(wc_sent_event="on")

    await notified(product, OTHER_USER)

    [event] = await sent_events(product, 1)
    assert event["MsgID"] != str(silent["msgid"])


async def test_two_of_a_template_at_once_are_refused_by_knob(product: Product) -> None:
    await product.knobs(wc_together_ms=100, wc_consent=9)
    await product.order("POST", "clock", {"pause": True})

    codes = [(await notified(product, user))["errcode"] for user in (USER, USER, OTHER_USER)]
    await product.order("POST", "clock", {"advance_s": 0.2})

    assert codes == [0, 43108, 0]
    assert (await notified(product))["errcode"] == 0


async def test_five_messages_are_taken_within_48_hours_of_a_users_own(product: Product) -> None:
    before = await written_to(product)
    await wrote(product)
    codes = [(await written_to(product))["errcode"] for _ in range(6)]
    await wrote(product)
    again = await written_to(product)
    await product.order("POST", "clock", {"advance_s": 48 * 3600})
    late = await written_to(product)

    assert before["errcode"] == late["errcode"] == 45015
    assert codes == [0, 0, 0, 0, 0, 45047]
    assert again == {"errcode": 0, "errmsg": "ok"}


async def test_three_are_taken_within_a_minute_of_a_press_on_the_menu(product: Product) -> None:
    await product.order("POST", "wechat/events", {"from": USER, "event": "CLICK"})

    codes = [(await written_to(product))["errcode"] for _ in range(4)]

    assert codes == [0, 0, 0, 45047]


async def test_each_type_needs_what_it_consists_of(product: Product) -> None:
    await wrote(product)
    entries = [{"id": "confirm", "content": "确认"}, {"id": "modify", "content": "修改"}]

    codes = [
        (await written_to(product, "msgmenu", head_content="?", list=entries))["errcode"],
        (await written_to(product, "msgmenu", head_content="?", list=[]))["errcode"],
        (await written_to(product, "text", content=""))["errcode"],
        (await written_to(product, "image", media_id="unknown"))["errcode"],
        (await written_to(product, "hologram", media_id="unknown"))["errcode"],
    ]

    assert codes == [0, 44004, 44004, 40007, 40008]


async def test_a_file_is_uploaded_sent_and_kept_for_three_days(product: Product) -> None:
    await wrote(product)
    token = await token_of(product)
    form = aiohttp.FormData()
    form.add_field("media", SAMPLES["png"].data, filename="plan.png", content_type="image/png")
    url = f"{product.simulator.base_url}/wechat/cgi-bin/media/upload"

    async with product.session.post(
        url, params={"access_token": token, "type": "image"}, data=form
    ) as answer:
        uploaded = await answer.json()
    media_id = uploaded["media_id"]
    page = {"title": "Task", "pagepath": "pages/task", "thumb_media_id": media_id}
    sent = [
        (await written_to(product, "image", media_id=media_id))["errcode"],
        (await written_to(product, "miniprogrampage", **page))["errcode"],
    ]
    fetched = await product.wechat("media/get", access_token=token, media_id=media_id)
    await product.order("POST", "clock", {"advance_s": 3 * 86_400 + 1})
    await wrote(product)
    gone = await written_to(product, "image", media_id=media_id)

    assert uploaded["type"] == "image"
    assert fetched.raw == SAMPLES["png"].data
    assert (sent, gone["errcode"]) == ([0, 0], 40007)


async def test_what_is_no_json_is_refused(product: Product) -> None:
    codes = [
        (await called(product, name, b"{'touser'")).body["errcode"]
        for name in ("message/subscribe/send", "message/custom/send")
    ]

    assert codes == [47001, 47001]


async def test_a_rule_refuses_by_the_words_of_a_message(product: Product) -> None:
    rule = {
        "match": {"call": "message/custom/send", "text_contains": "lottery"},
        "knobs": {"wc.refuse": 45168},
    }
    await product.order("POST", "rules", rule)
    await wrote(product)

    codes = [
        (await written_to(product, content=words))["errcode"] for words in ("lottery", "homework")
    ]

    assert codes == [45168, 0]


async def test_an_accepted_send_may_lose_its_answer(product: Product) -> None:
    token = await token_of(product)
    await product.knobs(net_reset_after=1)
    data = {key: {"value": value} for key, value in DATA.items()}
    body = {"touser": USER, "template_id": PREVIEW, "data": data}

    with pytest.raises(aiohttp.ClientError):
        await product.wechat("message/subscribe/send", body, access_token=token)

    assert len(await product.calls(decision="accepted", recipient=USER)) == 1
    assert len(await sent_events(product, 1)) == 1


async def test_sends_at_once_never_use_more_consents_than_there_are(product: Product) -> None:
    await product.knobs(wc_consent=3)

    replies = await asyncio.gather(*(notified(product) for _ in range(8)))

    assert sorted(reply["errcode"] for reply in replies) == [0] * 3 + [43101] * 5
