"""Messages of the app to members: checks, repetitions, limits, cards (4.1; WX 5)."""

import pytest

from simulator.samples import SAMPLES
from tests.simulator.product import Json, Product
from tests.simulator.wecom_calls import AGENT, called, code_of, media_id_of, short, time_passes

SEND = "message/send"
UPDATE = "message/update_template_card"
DAY_S = 86_400
BUTTONS: list[Json] = [
    {"text": "确认", "style": 1, "key": "confirm"},
    {"text": "修改", "style": 2, "key": "modify"},
]


def message(**fields: object) -> Json:
    """Return a text to one member, or what the fields say instead; None leaves one out."""
    order: Json = {"touser": "zhangsan", "msgtype": "text", "agentid": AGENT, **fields}
    if order["msgtype"] == "text":
        order.setdefault("text", {"content": "预览"})
    return {name: value for name, value in order.items() if value is not None}


def card(**fields: object) -> Json:
    """Return a card with two buttons, or what the fields say instead."""
    title = {"title": "Preview", "desc": "Please check"}
    about: Json = {"card_type": "button_interaction", "main_title": title, "task_id": "p-1"}
    made = {**about, "button_list": BUTTONS, **fields}
    kept = {name: value for name, value in made.items() if value is not None}
    return message(msgtype="template_card", template_card=kept)


def of(msgtype: str, **content: object) -> Json:
    return message(msgtype=msgtype, **{msgtype: content})


ARTICLE = {"title": "t", "url": "https://example.com"}


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (message(agentid=None), 41011),
        (message(agentid=7), 301002),
        (message(agentid="1000002"), 40058),
        (message(touser=None), 82001),
        (message(touser="nobody|no_invalid"), 81013),
        (message(touser=None, toparty="2", totag="9"), 81013),
        (message(touser="|".join(["zhangsan"] * 1001)), 40032),
        (message(toparty="|".join(["1"] * 101)), 40058),
        (message(msgtype="fax", fax={}), 40008),
        (message(text={"content": ""}), 44004),
        (message(text={}), 44004),
        (message(msgtype="markdown"), 44004),
        (message(text={"contents": "x"}), 40058),
        (message(misspelt=1), 40058),
        (message(duplicate_check_interval=14_401), 40058),
        (message(enable_duplicate_check=2), 40058),
        (of("markdown", content="x" * 2048), 0),
        (of("markdown", content="中" * 683), 45002),
        (of("image"), 41006),
        (of("file", media_id="unknown"), 40007),
        (of("video", media_id="unknown"), 40007),
        (of("textcard", title="t", description="d", url="u"), 0),
        (of("textcard", title="t", description="d"), 40063),
        (of("textcard", title="t" * 129, description="d", url="u"), 40058),
        (of("textcard", title="t", description="d" * 513, url="u"), 40058),
        (of("textcard", title="t", description="d", url="u", btntxt="五个字了吧"), 40058),
        (of("news", articles=[ARTICLE] * 8), 0),
        (of("news", articles=[ARTICLE] * 9), 45008),
        (of("news", articles=[]), 44004),
        (of("news", articles=[{"title": "t"}]), 40063),
        (of("news", articles=[{"title": "t", "appid": "wx1", "pagepath": "p"}]), 0),
        (of("news", articles=[{**ARTICLE, "title": "中" * 43}]), 40058),
        (of("mpnews", articles=[{"title": "t", "thumb_media_id": "x", "content": "c"}]), 40007),
        (of("miniprogram_notice", appid="wx1", title="t"), 0),
        (of("miniprogram_notice", title="t"), 40063),
        ({**of("miniprogram_notice", appid="wx1", title="t"), "touser": "@all"}, 40058),
        (card(), 0),
        (card(card_type="text_notice", task_id=None), 0),
        (card(card_type="other"), 42014),
        (card(main_title=None), 42015),
        (card(task_id=None), 42016),
        (card(task_id="a b"), 42016),
        (card(task_id="x" * 129), 42016),
        (card(button_list=[]), 42018),
        (card(button_list=BUTTONS * 4), 42018),
        (card(button_list=[{"text": "x", "key": "k" * 1025}]), 42018),
        (card(card_type="vote_interaction"), 42019),
        (card(card_type="multiple_interaction"), 42019),
    ],
    ids=short,
)
async def test_a_message_is_checked(product: Product, order: Json, code: int) -> None:
    assert await code_of(product, SEND, **order) == code

    sends = await product.calls(path="/wecom/cgi-bin/message/send")
    assert [call["decision"] for call in sends] == ["refused" if code else "accepted"]


async def test_a_message_reaches_those_who_exist_and_names_the_others(product: Product) -> None:
    answer = await called(product, SEND, **message(touser="zhangsan|NoBody|x_Invalid|lisi"))

    assert (answer["errcode"], answer["invaliduser"]) == (0, "nobody|x_invalid")
    [kept] = (await product.order("GET", f"ledger/messages?id={answer['msgid']}")).body["items"]
    assert (kept["status"], kept["recipient"]) == ("sent", "zhangsan|NoBody|x_Invalid|lisi")


@pytest.mark.parametrize("target", [{"touser": "@all"}, {"toparty": "1"}, {"totag": "1"}])
async def test_everybody_is_reached_at_once(product: Product, target: Json) -> None:
    answer = await called(product, SEND, **message(**{"touser": None, **target}))

    assert (answer["errcode"], answer["invaliduser"], answer["invalidparty"]) == (0, "", "")


async def test_a_file_is_sent_as_what_it_was_uploaded_as(product: Product) -> None:
    voice = await media_id_of(product, SAMPLES["amr"].data, "voice")

    assert await code_of(product, SEND, **of("voice", media_id=voice)) == 0
    assert await code_of(product, SEND, **of("image", media_id=voice)) == 40004
    await time_passes(product, 3 * DAY_S + 1)
    assert await code_of(product, SEND, **of("voice", media_id=voice)) == 40007


async def test_a_repetition_within_its_interval_is_not_delivered(product: Product) -> None:
    order = message(enable_duplicate_check=1, duplicate_check_interval=60)
    await time_passes(product, 0)

    first, again = [await called(product, SEND, **order) for _ in range(2)]

    assert (again["errcode"], again["msgid"]) == (0, first["msgid"])
    assert (await product.verdict())["no_double_send"]["ok"]
    await time_passes(product, 60)
    assert (await called(product, SEND, **order))["msgid"] != first["msgid"]
    assert (await product.verdict())["no_double_send"]["doubles"] == 1


async def test_without_a_check_a_repetition_is_a_double(product: Product) -> None:
    for _ in range(2):
        assert await code_of(product, SEND, **message()) == 0

    assert (await product.verdict())["no_double_send"]["doubles"] == 1


@pytest.mark.parametrize(("silent", "status"), [(True, "accepted"), (False, "sent")])
async def test_above_thirty_a_minute_a_member_is_not_reached_and_nobody_is_told(
    product: Product, *, silent: bool, status: str
) -> None:
    await product.knobs(wx_silent_drop=silent)
    await time_passes(product, 0)

    answers = [await called(product, SEND, **message(text={"content": str(n)})) for n in range(31)]
    other = await called(product, SEND, **message(touser="lisi"))
    kept = (await product.verdict())["member_limits_kept"]
    await time_passes(product, 60)
    later = await called(product, SEND, **message())

    assert {answer["errcode"] for answer in [*answers, other, later]} == {0}
    found = (await product.order("GET", "ledger/messages")).body["items"]
    assert [item["status"] for item in found] == ["sent"] * 30 + [status, "sent", "sent"]
    assert kept == {"ok": False, "above": 1}


async def test_a_message_is_recalled_within_a_day(product: Product) -> None:
    msgid = (await called(product, SEND, **message()))["msgid"]

    early = await code_of(product, "message/recall", msgid=msgid)
    await time_passes(product, DAY_S + 1)
    late = await code_of(product, "message/recall", msgid=msgid)

    assert [early, late] == [0, 42052]
    assert await code_of(product, "message/recall", msgid="unknown") == 40058


async def test_only_cards_that_can_be_changed_have_a_code(product: Product) -> None:
    notice = await called(product, SEND, **card(card_type="text_notice", task_id=None))
    menu = await called(
        product, SEND, **card(card_type="text_notice", task_id="m", action_menu={"desc": "d"})
    )
    buttons = await called(product, SEND, **card())
    again = await called(product, SEND, **card())

    assert "response_code" not in notice
    assert menu["response_code"] != buttons["response_code"]
    assert again["errcode"] == 42017


async def update(product: Product, code: str, **fields: object) -> int:
    order: Json = {"userids": ["zhangsan"], "agentid": AGENT, "button": {"replace_name": "done"}}
    given = {**order, "response_code": code, **fields}
    kept = {name: value for name, value in given.items() if value is not None}
    return await code_of(product, UPDATE, **kept)


async def test_a_code_changes_a_card_once_within_72_hours(product: Product) -> None:
    await time_passes(product, 0)
    sent = (await called(product, SEND, **card()))["response_code"]
    tap = {"from": "zhangsan", "key": "confirm", "task_id": "p-1"}
    tapped = (await product.order("POST", "wecom/clicks", tap)).body["response_code"]
    old = (await product.order("POST", "wecom/clicks", tap)).body["response_code"]

    assert [await update(product, code) for code in (sent, tapped)] == [0, 0]
    assert [await update(product, code) for code in (sent, tapped, "made-up")] == [60140] * 3
    await time_passes(product, 3 * DAY_S)
    assert await update(product, old) == 60140


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"agentid": None}, 41011),
        ({"agentid": 7}, 301002),
        ({"button": None}, 40058),
        ({"userids": ["nobody"]}, 81013),
        ({"button": None, "template_card": {"card_type": "other"}}, 42014),
        ({"button": None, "template_card": card(task_id="p-2")["template_card"]}, 0),
    ],
    ids=short,
)
async def test_a_change_of_a_card_is_checked(product: Product, fields: Json, code: int) -> None:
    sent = (await called(product, SEND, **card()))["response_code"]

    assert await update(product, sent, **fields) == code
    # A refused change does not use the code up.
    assert await update(product, sent) == (0 if code else 60140)
