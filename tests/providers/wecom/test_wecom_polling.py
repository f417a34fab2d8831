"""What WeCom is asked about group sends, and what its answers make of them (PC-10, CF-12, WX 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.failures import ErrorCode, Origin
from domain.identity import ProviderMessageId, SenderId
from providers.contract import AskLater, Finder, Found, Message, Polled, Poller, Sent
from schemas.topics.contents import DocumentContent, ImageContent, LinkContent
from tests.given import NOON
from tests.providers.wecom.scripts import Script, a_wecom, told
from tests.providers.wecom.sends import (
    CORP,
    SENDER,
    a_channel,
    a_group_send,
    a_message,
    a_store,
    settings_for,
)
from tests.providers.whatsapp.wire import Answer, resets

MSGID = "msgGCAAAXtWyujaWJHDDGi0mAAAA"
TASK, RESULT, LIST = "get_groupmsg_task", "get_groupmsg_send_result", "get_groupmsg_list_v2"
SENT, UNSENT, UNFRIENDED = 1, 0, 2
CONFIRMED_AT = 1_772_450_000

Answers = Mapping[str, Sequence[Answer]]


def a_sent(message: Message, *already: str) -> Sent:
    return Sent(message, ProviderMessageId(MSGID), NOON, frozenset(already))


def for_customers(*targets: str) -> Message:
    return a_group_send(targets=targets)


def members(*userids: str, **more: object) -> Answer:
    return told(task_list=[{"userid": userid, "status": 0} for userid in userids], **more)


def rows(*of: tuple[str, int], **more: object) -> Answer:
    listed = [a_row(target, status) for target, status in of]
    return told(send_list=listed, **more)


def a_row(target: str, status: int) -> dict[str, Any]:
    row = {"external_userid": target, "userid": "zhangsan", "status": status}
    return row | {"send_time": CONFIRMED_AT} if status == SENT else row


async def polled(sent: Sent, answers: Answers, store: Path) -> tuple[Polled, Script]:
    async with (
        a_wecom(answers) as script,
        a_channel(settings_for(script.url), a_store(store)) as channel,
    ):
        return await channel.poll(sent), script


def statuses(polled: Polled) -> dict[str | None, str]:
    return {report.participant: report.status for report in polled.results}


async def test_each_target_has_a_result_of_its_own(tmp_path: Path) -> None:
    sent = a_sent(for_customers("wmA", "wmB", "wmC"))
    answers = {TASK: [members("zhangsan")], RESULT: [rows(("wmA", SENT), ("wmB", UNFRIENDED))]}

    told_of, script = await polled(sent, answers, tmp_path)

    assert statuses(told_of) == {"wmA": "sent", "wmB": "failed"}
    assert not told_of.complete
    first, second = told_of.results
    assert (first.provider_message_id, first.message_id) == (MSGID, sent.message.message_id)
    assert (first.account_id, first.sender_id) == (CORP, SENDER)
    assert first.occurred_at == datetime.fromtimestamp(CONFIRMED_AT, UTC)
    assert second.occurred_at == sent.accepted_at
    assert second.failure is not None
    assert second.failure.code is ErrorCode.INVALID_RECIPIENT
    (asked,) = script.calls(RESULT)
    assert asked.json == {"msgid": MSGID, "userid": "zhangsan", "limit": 1_000}


async def test_it_is_complete_when_no_target_is_left(tmp_path: Path) -> None:
    sent = a_sent(for_customers("wmA", "wmB", "wmRefused"), "wmB", "wmRefused")
    answers = {TASK: [members("zhangsan")], RESULT: [rows(("wmA", SENT), ("wmB", SENT))]}

    told_of, _ = await polled(sent, answers, tmp_path)

    assert statuses(told_of) == {"wmA": "sent"}
    assert told_of.complete


async def test_every_member_is_asked_until_nobody_is_left(tmp_path: Path) -> None:
    sent = a_sent(for_customers("wmA", "wmB"))
    answers = {
        TASK: [members("zhangsan", "lisi", "wangwu")],
        RESULT: [rows(("wmA", SENT)), rows(("wmB", SENT))],
    }

    told_of, script = await polled(sent, answers, tmp_path)

    assert told_of.complete
    assert [call.json["userid"] for call in script.calls(RESULT)] == ["zhangsan", "lisi"]


async def test_pages_are_read_to_the_end_also_empty_ones(tmp_path: Path) -> None:
    sent = a_sent(for_customers("wmA", "wmB"))
    answers = {
        TASK: [members(next_cursor="t1"), members("zhangsan", next_cursor="")],
        RESULT: [
            rows(("wmA", SENT), next_cursor="r1"),
            rows(next_cursor="r2"),
            rows(("wmB", SENT), next_cursor=""),
        ],
    }

    told_of, script = await polled(sent, answers, tmp_path)

    assert told_of.complete
    assert [call.json.get("cursor") for call in script.calls(RESULT)] == [None, "r1", "r2"]


async def test_a_cursor_that_ended_means_from_the_beginning(tmp_path: Path) -> None:
    sent = a_sent(for_customers("wmA"))
    answers = {
        TASK: [members("zhangsan")],
        RESULT: [rows(next_cursor="r1"), told(errcode=50100, send_list=[]), rows(("wmA", SENT))],
    }

    told_of, script = await polled(sent, answers, tmp_path)

    assert told_of.complete
    assert [call.json.get("cursor") for call in script.calls(RESULT)] == [None, "r1", None]


async def test_groups_are_named_by_their_chats_and_are_done_when_all_were_sent(
    tmp_path: Path,
) -> None:
    sent = a_sent(a_group_send(target_kind="groups", targets=("wrA", "wrB")))
    first = told(send_list=[{"chat_id": "wrA", "userid": "z", "status": SENT, "send_time": 1}])

    told_of, _ = await polled(sent, {TASK: [members("z")], RESULT: [first]}, tmp_path)

    assert statuses(told_of) == {"wrA": "sent"}
    assert not told_of.complete


async def test_strangers_and_broken_rows_cost_nobody_a_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent = a_sent(for_customers("wmA", "wmB"))
    listed = [a_row("wmStranger", SENT), None, a_row("wmA", 9), a_row("wmB", SENT)]
    answers = {TASK: [members("zhangsan")], RESULT: [told(send_list=listed)]}

    told_of, _ = await polled(sent, answers, tmp_path)

    assert statuses(told_of) == {"wmB": "sent"}
    assert [record.message for record in caplog.records] == ["wecom.row_ignored"] * 2


@pytest.mark.parametrize(
    "answers",
    [
        {TASK: [told(errcode=41063, task_list=[])]},
        {TASK: [told(errcode=45009)]},
        {TASK: [resets]},
        {TASK: [told(task_list=7)]},
        {TASK: [members("z")], RESULT: [told(errcode=50100)]},
        {TASK: [members("z")], RESULT: [rows(next_cursor="r1")]},
    ],
)
async def test_what_wecom_cannot_say_now_is_asked_later(answers: Answers, tmp_path: Path) -> None:
    with pytest.raises(AskLater):
        await polled(a_sent(for_customers("wmA")), answers, tmp_path)


async def test_what_is_known_is_told_although_the_rest_has_to_wait(tmp_path: Path) -> None:
    sent = a_sent(for_customers("wmA", "wmB"))
    answers = {TASK: [members("zhangsan", "lisi")], RESULT: [rows(("wmA", SENT)), resets]}

    told_of, _ = await polled(sent, answers, tmp_path)

    assert statuses(told_of) == {"wmA": "sent"}
    assert not told_of.complete


async def test_whom_a_cancelled_task_had_not_reached_has_failed(tmp_path: Path) -> None:
    sent = a_sent(for_customers("wmA", "wmB"), "wmA")

    told_of, _ = await polled(sent, {TASK: [told(errcode=41093)]}, tmp_path)

    (report,) = told_of.results
    assert told_of.complete
    assert (report.participant, report.status) == ("wmB", "failed")
    assert report.failure is not None
    assert report.failure.detail == "the group send was cancelled"


async def test_whoever_has_no_result_in_time_was_not_confirmed(tmp_path: Path) -> None:
    sent = a_sent(for_customers("wmA", "wmB", "wmC"), "wmB")
    over = NOON + timedelta(hours=24)
    async with a_channel(settings_for("http://nowhere"), a_store(tmp_path)) as channel:
        reports = channel.unanswered(sent, at=over)

    assert [(report.participant, report.status) for report in reports] == [
        ("wmA", "failed"),
        ("wmC", "failed"),
    ]
    for report in reports:
        assert report.occurred_at == over
        assert report.failure is not None
        assert report.failure.code is ErrorCode.UNKNOWN_ERROR
        assert report.failure.origin is Origin.LOCAL
        assert report.failure.detail == "not confirmed"


async def test_only_group_sends_are_polled(tmp_path: Path) -> None:
    async with a_channel(settings_for("http://nowhere"), a_store(tmp_path)) as channel:
        assert isinstance(channel, Poller)
        assert isinstance(channel, Finder)
        assert channel.is_polled(a_group_send().content)
        assert not channel.is_polled(a_message().content)


async def test_an_app_that_left_the_settings_is_asked_later(tmp_path: Path) -> None:
    sent = a_sent(replace(for_customers("wmA"), sender_id=SenderId("ww0")))
    with pytest.raises(AskLater, match="WECOM_APPS"):
        await polled(sent, {}, tmp_path)


async def found(
    message: Message, listed: Sequence[Mapping[str, object]], store: Path, more: Answers
) -> tuple[Found | None, Script]:
    """Look for the task of a message called for at noon; return the likeliest."""
    async with (
        a_wecom({LIST: [told(group_msg_list=listed)], **more}) as script,
        a_channel(settings_for(script.url), a_store(store)) as channel,
    ):
        return next(iter(await channel.find(message, called_at=NOON)), None), script


def a_task(msgid: str = MSGID, *, after_s: int = 1, **what_matters: object) -> dict[str, object]:
    """Return a task as the list shows it: made so long after noon, with the ordinary text."""
    return {
        "msgid": msgid,
        "create_time": int(NOON.timestamp()) + after_s,
        "create_type": 0,
        "text": {"content": "春季特惠"},
        **what_matters,
    }


NOBODY = {TASK: [members()]}


async def test_the_task_that_fits_is_the_one_of_the_lost_answer(tmp_path: Path) -> None:
    it, script = await found(a_group_send(), [a_task()], tmp_path, NOBODY)

    assert it is not None
    assert it.provider_message_id == MSGID
    asked = script.calls(LIST)[0].json
    assert (asked["chat_type"], asked["filter_type"]) == ("single", 0)
    noon = int(NOON.timestamp())
    assert asked["start_time"] <= noon < noon + 20 < asked["end_time"]


@pytest.mark.parametrize(
    "other",
    [
        a_task(text={"content": "夏季特惠"}),
        a_task(text=None),
        a_task(attachments=[{"msgtype": "image", "image": {"media_id": "M"}}]),
    ],
)
async def test_another_text_or_attachment_is_another_task(
    other: dict[str, object], tmp_path: Path
) -> None:
    it, _ = await found(a_group_send(), [other], tmp_path, NOBODY)

    assert it is None


async def test_attachments_are_compared_by_their_types(tmp_path: Path) -> None:
    attachments = (
        ImageContent(id="M"),
        DocumentContent(id="F"),
        LinkContent(title="t", url="https://a.b/"),
    )
    listed = [{"msgtype": "image"}, {"msgtype": "file"}, {"msgtype": "link"}]
    message = a_group_send(text=None, attachments=attachments)

    it, _ = await found(message, [a_task(text=None, attachments=listed)], tmp_path, NOBODY)

    assert it is not None
    assert it.provider_message_id == MSGID


async def test_a_task_that_names_other_customers_is_another_part_of_the_campaign(
    tmp_path: Path,
) -> None:
    listed = [a_task("theirs", after_s=1), a_task("ours", after_s=2)]
    answers = {
        TASK: [members("zhangsan")],
        RESULT: [rows(("wmOther", UNSENT)), rows(("wmA", UNSENT))],
    }

    it, _ = await found(for_customers("wmA"), listed, tmp_path, answers)

    assert it is not None
    assert it.provider_message_id == "ours"


async def test_a_task_that_names_us_goes_before_one_that_names_nobody(tmp_path: Path) -> None:
    listed = [a_task("nobodys", after_s=1), a_task("ours", after_s=2)]
    answers = {TASK: [members(), members("zhangsan")], RESULT: [rows(("wmA", UNSENT))]}

    it, _ = await found(for_customers("wmA"), listed, tmp_path, answers)

    assert it is not None
    assert it.provider_message_id == "ours"


async def test_of_several_alike_the_first_after_the_call_is_taken(tmp_path: Path) -> None:
    groups = a_group_send(target_kind="groups", targets=("wrA",))
    listed = [a_task("before", after_s=-1), a_task("later", after_s=3), a_task("ours", after_s=1)]

    it, _ = await found(groups, listed, tmp_path, NOBODY)

    assert it is not None
    assert it.provider_message_id == "ours"


async def test_whatever_may_be_ours_is_told_the_likeliest_first(tmp_path: Path) -> None:
    listed = [a_task("theirs"), a_task("perhaps"), a_task("late", after_s=9), a_task("near")]
    answers = {
        TASK: [members("zhangsan"), members(), members("zhangsan"), members("zhangsan")],
        RESULT: [rows((who, UNSENT)) for who in ("wmOther", "wmA", "wmA")],
    }

    async with (
        a_wecom({LIST: [told(group_msg_list=listed)], **answers}) as script,
        a_channel(settings_for(script.url), a_store(tmp_path)) as channel,
    ):
        found = await channel.find(for_customers("wmA"), called_at=NOON)

    assert [one.provider_message_id for one in found] == ["near", "late", "perhaps"]
    assert found[1].created_at == NOON + timedelta(seconds=9)


async def test_a_clock_that_is_a_little_behind_hides_no_task(tmp_path: Path) -> None:
    it, _ = await found(a_group_send(), [a_task(after_s=-2)], tmp_path, NOBODY)

    assert it is not None
    assert it.provider_message_id == MSGID


@pytest.mark.parametrize(
    "answers",
    [{LIST: [told(errcode=41063)]}, {LIST: [resets]}, {TASK: [told(errcode=41063)]}],
)
async def test_a_list_that_is_not_there_yet_is_looked_at_later(
    answers: Answers, tmp_path: Path
) -> None:
    with pytest.raises(AskLater):
        await found(a_group_send(), [a_task()], tmp_path, answers)


async def test_of_other_messages_wecom_has_no_list(tmp_path: Path) -> None:
    it, script = await found(a_message(), [], tmp_path, {})

    assert it is None
    assert script.calls() == []
