"""What is asked about a group send: results, pages, reminders, cancelling (WX 2, 3)."""

import pytest

from tests.simulator.group_sends import (
    CANCEL,
    DAY_S,
    LIST,
    OF_SENDER,
    REMIND,
    RESULT,
    SENDER,
    TASK,
    TEXT,
    confirmed,
    created,
    statuses,
    true_life,
)
from tests.simulator.product import Json, Product
from tests.simulator.wecom_calls import CHATS, called, code_of, time_passes


async def test_results_are_not_ready_while_the_send_is_being_dispatched(product: Product) -> None:
    await product.knobs(wx_dispatching_s=3)
    await time_passes(product, 0)
    msgid = await created(product)
    now = int(product.simulator.world.clock.now())
    span = {"chat_type": "single", "start_time": now - 60, "end_time": now + 60}

    early = [
        await code_of(product, TASK, msgid=msgid),
        await code_of(product, RESULT, msgid=msgid, userid=SENDER),
        await code_of(product, LIST, **span),
    ]
    await time_passes(product, 3)

    assert early == [41063] * 3
    assert await statuses(product, msgid) == {SENDER: 2}
    [listed] = (await called(product, LIST, **span))["group_msg_list"]
    assert listed == {"msgid": msgid, "create_time": now, "create_type": 0, "text": TEXT}


async def test_of_groups_only_those_that_were_sent_to_are_listed(product: Product) -> None:
    await product.knobs(wx_confirm=[0, 0, 1])
    group: Json = {"chat_type": "group", "chat_id_list": [CHATS[0], CHATS[3], "wr_quota"]}
    msgid = await created(product, external_userid=[], **group)

    before = await called(product, RESULT, msgid=msgid, userid=SENDER)
    await confirmed(product, msgid)
    after = await called(product, RESULT, msgid=msgid, userid=SENDER)

    assert before["send_list"] == []
    assert [row["chat_id"] for row in after["send_list"]] == [CHATS[0], CHATS[3]]
    assert {row["status"] for row in after["send_list"]} == {1}


async def test_reminding_moves_late_members_and_is_limited_to_three_a_day(
    product: Product,
) -> None:
    await product.knobs(wx_confirm=[0, 1, 0], wx_confirm_s=[60, 60])
    await time_passes(product, 0)
    msgid = await created(product)

    codes = [await code_of(product, REMIND, msgid=msgid) for _ in range(4)]
    await time_passes(product, 60)
    finished = await statuses(product, msgid)
    await time_passes(product, DAY_S)

    assert codes == [0, 0, 0, 41094]
    assert finished == {SENDER: 2}
    assert await code_of(product, REMIND, msgid=msgid) == 0


async def test_cancelling_keeps_what_was_sent_and_ends_the_rest(product: Product) -> None:
    await product.knobs(wx_confirm=[0, 0, 1])
    msgid = await created(product)
    await confirmed(product, msgid, count=1)

    assert await code_of(product, CANCEL, msgid=msgid) == 0

    asked = {"msgid": msgid, "userid": SENDER}
    codes = [await code_of(product, call, msgid=msgid) for call in (CANCEL, REMIND, TASK)]
    assert [*codes, await code_of(product, RESULT, **asked)] == [41093] * 4
    assert await confirmed(product, msgid) == 404
    truth = await true_life(product, msgid)
    assert truth["is_cancelled"]
    assert [row["status"] for row in truth["tasks"][0]["rows"]] == [1, 0, 0]


@pytest.mark.parametrize("call", [TASK, RESULT, REMIND, CANCEL])
async def test_the_id_of_a_group_send_must_be_there_and_known(product: Product, call: str) -> None:
    assert await code_of(product, call) == 41046
    assert await code_of(product, call, msgid="msgUnknown") == 41047


async def test_results_are_asked_of_a_member_who_was_asked(product: Product) -> None:
    msgid = await created(product)

    assert await code_of(product, RESULT, msgid=msgid) == 41009
    assert await code_of(product, RESULT, msgid=msgid, userid="lisi") == 60111


async def pages(product: Product, name: str, of: str, **asked: object) -> list[list[Json]]:
    found: list[list[Json]] = []
    cursor = ""
    while cursor or not found:
        page = await called(product, name, **asked, cursor=cursor)
        assert page["errcode"] == 0, page
        found.append(page[of])
        cursor = page["next_cursor"]
    return found


async def test_results_come_page_by_page(product: Product) -> None:
    targets = [f"wmSim{number}" for number in range(1001)]
    msgid = await created(product, *targets)
    asked = {"msgid": msgid, "userid": SENDER}

    default = await pages(product, RESULT, "send_list", **asked)
    largest = await pages(product, RESULT, "send_list", **asked, limit=1000)
    too_large = await pages(product, RESULT, "send_list", **asked, limit=1001)
    await product.knobs(wx_page_size=400)
    small = await pages(product, RESULT, "send_list", **asked)

    assert [len(page) for page in default] == [500, 500, 1]
    assert [len(page) for page in largest] == [1000, 1]
    assert [len(page) for page in too_large] == [500, 500, 1]
    assert [len(page) for page in small] == [400, 400, 201]
    assert [row["external_userid"] for page in default for row in page] == targets


async def test_a_page_may_be_empty_and_a_cursor_stale(product: Product) -> None:
    msgid = await created(product)
    asked = {"msgid": msgid, "userid": SENDER}
    cursor = (await called(product, RESULT, **asked, limit=1))["next_cursor"]

    await product.knobs(wx_empty_pages=1)
    empty = await called(product, RESULT, **asked, limit=1, cursor=cursor)
    await product.knobs(wx_empty_pages=0, wx_stale_cursor=1)
    stale = await called(product, RESULT, **asked, cursor=cursor)
    first = await called(product, RESULT, **asked)
    foreign = await called(product, TASK, msgid=msgid, cursor=cursor)

    assert (empty["send_list"], empty["next_cursor"]) == ([], cursor)
    assert (stale["errcode"], stale["send_list"]) == (50100, [])
    assert (first["errcode"], foreign["errcode"]) == (0, 50100)


async def test_the_list_takes_a_month_at_most_and_shows_fifty_a_page(product: Product) -> None:
    ids = [await created(product, OF_SENDER[0], text={"content": str(n)}) for n in range(51)]
    now = int(product.simulator.world.clock.now())
    month = {"chat_type": "single", "start_time": now - 30 * DAY_S, "end_time": now + 60}

    found = await pages(product, LIST, "group_msg_list", **month)
    others = await called(product, LIST, **{**month, "chat_type": "group"})
    personal = await called(product, LIST, **month, filter_type=1)
    before = await called(product, LIST, **{**month, "end_time": now - DAY_S})

    assert [len(page) for page in found] == [50, 1]
    assert [listed["msgid"] for page in found for listed in page] == ids
    for empty in (others, personal, before):
        assert (empty["errcode"], empty["group_msg_list"]) == (0, [])
    wrong = [
        {**month, "start_time": now - 32 * DAY_S},
        {**month, "start_time": now + 61},
        {**month, "filter_type": 3},
        {"chat_type": "single"},
    ]
    assert [await code_of(product, LIST, **asked) for asked in wrong] == [40058] * 4
