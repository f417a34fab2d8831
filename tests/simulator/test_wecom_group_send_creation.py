"""What is asked when a group send is created, and who gets it (4.1; WX 2)."""

import aiohttp
import pytest

from simulator.samples import SAMPLES
from simulator.wecom.directory import Directory
from tests.simulator.group_sends import (
    CREATE,
    DAY_S,
    LIST,
    OF_SENDER,
    SENDER,
    TEXT,
    created,
    rows,
    statuses,
)
from tests.simulator.product import Json, Product
from tests.simulator.wecom_calls import (
    CHATS,
    CUSTOMERS,
    called,
    code_of,
    media_id_of,
    short,
    time_passes,
    uploaded,
)


def link(**fields: str) -> Json:
    return {"msgtype": "link", "link": {"title": "t", "url": "https://example.com", **fields}}


async def test_a_text_of_4000_bytes_is_the_longest(product: Product) -> None:
    longest = "中" * 1333 + "x"

    assert await code_of(product, CREATE, sender=SENDER, text={"content": longest}) == 0
    assert await code_of(product, CREATE, sender=SENDER, text={"content": longest + "x"}) == 45002


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"text": TEXT}, 40063),
        ({"sender": SENDER}, 44004),
        ({"sender": SENDER, "text": {"content": ""}}, 44004),
        ({"sender": "nobody", "text": TEXT}, 60111),
        ({"sender": SENDER, "text": TEXT, "chat_type": "both"}, 40058),
        ({"sender": SENDER, "text": TEXT, "chat_id_list": CHATS[:1]}, 40058),
        ({"sender": SENDER, "text": TEXT, "external_userid": ["x"] * 10_001}, 40058),
        ({"sender": SENDER, "text": TEXT, "external_userid": ["wmUnknown"]}, 41048),
        ({"sender": SENDER, "text": TEXT, "external_userid": ["wm1_invalid"]}, 41048),
        ({"sender": SENDER, "text": TEXT, "external_userid": [CUSTOMERS[1]]}, 41048),
        ({"chat_type": "group", "text": TEXT}, 41009),
        ({"chat_type": "group", "sender": "wangwu", "text": TEXT, "external_userid": ["x"]}, 40058),
        ({"chat_type": "group", "sender": "wangwu", "text": TEXT, "allow_select": True}, 40058),
        ({"chat_type": "group", "sender": SENDER, "text": TEXT, "chat_id_list": CHATS[1:2]}, 41048),
        (
            {"chat_type": "group", "sender": SENDER, "text": TEXT, "chat_id_list": ["x"] * 2001},
            40058,
        ),
        ({"tag_filter": {"group_list": [{"tag_list": ["etNone"]}]}, "text": TEXT}, 40068),
        ({"tag_filter": {"group_list": [{"tag_list": ["x"] * 101}]}, "text": TEXT}, 40058),
        ({"sender": SENDER, "text": TEXT, "misspelt": 1}, 40058),
        ({"sender": 7, "text": TEXT}, 40058),
    ],
    ids=short,
)
async def test_what_is_wrong_with_a_group_send_is_refused(
    product: Product, order: Json, code: int
) -> None:
    answer = await called(product, CREATE, **order)

    assert answer["errcode"] == code
    assert "hint: [" in answer["errmsg"]
    assert (
        f"from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
        in answer["errmsg"]
    )
    assert (await product.order("GET", "wecom/group_sends")).body["total"] == 0


@pytest.mark.parametrize(
    ("attachment", "code"),
    [
        (link(), 0),
        (link(title="中" * 43), 41082),
        (link(title=""), 40063),
        (link(url=""), 40063),
        (link(url="u" * 2049), 41082),
        (link(desc="d" * 512), 0),
        (link(desc="d" * 513), 41082),
        (link(picurl="p" * 2049), 41082),
        ({"msgtype": "image", "image": {}}, 41006),
        ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "image", "image": {"pic_url": "https://example.com/a.png"}}, 40058),
        ({"msgtype": "image"}, 41065),
        ({"msgtype": "image", "link": {"title": "t", "url": "u"}}, 41065),
        ({"msgtype": "voice"}, 41065),
        ({"msgtype": "video", "video": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "file", "file": {"media_id": ""}}, 41006),
        ({"msgtype": "miniprogram", "miniprogram": {"title": "t"}}, 40063),
    ],
    ids=short,
)
async def test_attachments_are_checked(product: Product, attachment: Json, code: int) -> None:
    assert await code_of(product, CREATE, sender=SENDER, attachments=[attachment]) == code


async def test_nine_attachments_are_the_most(product: Product) -> None:
    nine = [link()] * 9

    assert await code_of(product, CREATE, sender=SENDER, attachments=nine) == 0
    assert await code_of(product, CREATE, sender=SENDER, attachments=[*nine, link()]) == 41064


async def test_files_are_sent_as_what_they_were_uploaded_as_for_three_days(
    product: Product,
) -> None:
    image = await media_id_of(product, SAMPLES["png"].data, "image")
    file = await media_id_of(product, SAMPLES["pdf"].data, "file")
    url = (await uploaded(product, SAMPLES["jpeg"].data, "media/uploadimg")).body["url"]
    program = {"title": "t", "pic_media_id": image, "appid": "wx1", "page": "/index.html"}
    good: list[Json] = [
        {"msgtype": "image", "image": {"media_id": image}},
        {"msgtype": "image", "image": {"pic_url": url}},
        {"msgtype": "file", "file": {"media_id": file}},
        {"msgtype": "miniprogram", "miniprogram": program},
    ]
    wrong: Json = {"msgtype": "image", "image": {"media_id": file}}

    assert await code_of(product, CREATE, sender=SENDER, attachments=good) == 0
    assert await code_of(product, CREATE, sender=SENDER, attachments=[wrong]) == 40004
    await time_passes(product, 3 * DAY_S + 1)
    assert await code_of(product, CREATE, sender=SENDER, attachments=good[:1]) == 40007
    assert await code_of(product, CREATE, sender=SENDER, attachments=good[1:2]) == 0


async def test_who_cannot_be_reached_stands_in_the_fail_list(product: Product) -> None:
    targets = [OF_SENDER[0], "wmUnknown", CUSTOMERS[1], "wm7_invalid", OF_SENDER[0]]

    made = await called(product, CREATE, external_userid=targets, sender=SENDER, text=TEXT)

    assert made["fail_list"] == ["wmUnknown", CUSTOMERS[1], "wm7_invalid"]
    assert await rows(product, made["msgid"]) == {OF_SENDER[0]: 1}


async def test_some_are_refused_at_creation_by_knob(product: Product) -> None:
    await product.knobs(wx_fail_list=0.5)

    made = await called(product, CREATE, sender=SENDER, text=TEXT)

    assert 0 < len(made["fail_list"]) < len(OF_SENDER)


async def test_without_a_sender_each_customers_own_member_is_asked(product: Product) -> None:
    msgid = await created(product, *CUSTOMERS[1:4], sender="")

    assert await statuses(product, msgid) == {"lisi": 2, "wangwu": 2, "zhangsan": 2}
    assert await rows(product, msgid, "lisi") == {CUSTOMERS[1]: 1}


async def test_a_sender_alone_means_all_of_the_members_customers(product: Product) -> None:
    msgid = await created(product, external_userid=[])

    assert set(OF_SENDER) <= (await rows(product, msgid)).keys()


async def test_tags_within_a_list_widen_and_a_second_list_narrows(product: Product) -> None:
    level, region = Directory(0).tag_groups
    [gold, silver, _], [north, _] = level.tags, region.tags
    wide: Json = {"group_list": [{"tag_list": [gold.id, silver.id]}]}
    narrow: Json = {"group_list": [*wide["group_list"], {"tag_list": [north.id]}]}

    one = await created(product, external_userid=[], tag_filter=wide)
    other = await created(product, external_userid=[], tag_filter=narrow)

    first, second = await rows(product, one), await rows(product, other)
    assert second.keys() < first.keys() <= set(CUSTOMERS)
    assert second


async def test_a_second_send_of_the_same_is_a_double(product: Product) -> None:
    await created(product, *OF_SENDER[:2])
    assert (await product.verdict())["no_double_send"]["ok"]

    await created(product, *reversed(OF_SENDER[:2]))

    found = (await product.verdict())["no_double_send"]
    shown = (await product.order("GET", "wecom/group_sends")).body["items"]
    assert (found["ok"], found["doubles"]) == (False, 1)
    assert found["examples"] == {shown[0]["key"]: 2}


async def test_a_file_that_was_uploaded_again_does_not_hide_a_double(product: Product) -> None:
    for _ in range(2):
        image = await media_id_of(product, SAMPLES["png"].data, "image")
        await created(product, attachments=[{"msgtype": "image", "image": {"media_id": image}}])

    assert (await product.verdict())["no_double_send"]["doubles"] == 1


async def test_what_is_accepted_without_an_answer_is_found_by_the_list(product: Product) -> None:
    rule = {"match": {"call": CREATE}, "knobs": {"net.reset_after": 1}, "count": 1}
    await product.order("POST", "rules", rule)

    with pytest.raises(aiohttp.ClientError):
        await created(product)

    now = int(product.simulator.world.clock.now())
    span = {"chat_type": "single", "start_time": now - 60, "end_time": now + 60}
    [listed] = (await called(product, LIST, **span))["group_msg_list"]
    [call] = await product.calls(decision="accepted")
    assert (listed["text"], call["fault"], call["answer"]) == (TEXT, "net.reset_after", 0)
    assert set((await rows(product, listed["msgid"])).values()) == {1}
