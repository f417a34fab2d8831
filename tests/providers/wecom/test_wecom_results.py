"""What became of a group send, out of rows that somebody asked for (PC-10, CF-12, WX 3)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.failures import ErrorCode, Origin
from domain.identity import MessageId, SenderId
from providers.callbacks import Reason
from providers.wecom.results import GroupSend, of_send_list
from schemas.topics.provider_events import PROVIDER_EVENTS, StatusReported
from tests.given import NOON

TASK = GroupSend(
    corp_id="ww_corp",
    sender_id=SenderId("ww_corp.1"),
    message_id=MessageId("order-17"),
    msgid="msgGCAAAXtWyujaWJHDDGi0mAAAA",
    created_at=NOON,
)
CUSTOMER = "wmqfasd1e19278asdasAAAA"


def a_row(**what_matters: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {
        "external_userid": CUSTOMER,
        "userid": "zhangsan",
        "status": 1,
        "send_time": 1552536375,
        **what_matters,
    }


def test_a_sent_row_is_a_message_sent_to_one_participant() -> None:
    callback = of_send_list(TASK, [a_row()])

    assert callback.ignored == ()
    assert callback.events == (
        StatusReported(
            channel="wecom",
            provider_message_id=TASK.msgid,
            message_id="order-17",
            status="sent",
            occurred_at=datetime(2019, 3, 14, 4, 6, 15, tzinfo=UTC),
            sender_id="ww_corp.1",
            account_id="ww_corp",
            participant=CUSTOMER,
        ),
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [(2, ErrorCode.INVALID_RECIPIENT), (3, ErrorCode.DAILY_LIMIT_EXCEEDED)],
)
def test_a_final_failure_is_a_failed_message(status: int, code: ErrorCode) -> None:
    row = a_row(status=status)
    del row["send_time"]

    (event,) = of_send_list(TASK, [row]).events

    assert isinstance(event, StatusReported)
    assert event.status == "failed"
    assert event.failure is not None
    assert (event.failure.code, event.failure.provider_code) == (code, str(status))
    assert event.failure.origin is Origin.PROVIDER


def test_a_row_that_is_not_final_says_nothing() -> None:
    unsent = a_row(status=0)
    del unsent["send_time"]

    callback = of_send_list(TASK, [unsent, a_row(status=0, send_time=0)])

    assert (callback.events, callback.ignored) == ((), ())


def test_a_sent_row_without_its_time_has_that_of_the_task() -> None:
    (event,) = of_send_list(TASK, [a_row(send_time=0)]).events

    assert isinstance(event, StatusReported)
    assert event.occurred_at == NOON


def test_a_group_is_named_by_its_chat() -> None:
    row = a_row(external_userid=..., chat_id="wrOgQhDgAAMYQiS5")
    del row["external_userid"]

    (event,) = of_send_list(TASK, [row]).events

    assert isinstance(event, StatusReported)
    assert event.participant == "wrOgQhDgAAMYQiS5"


def test_a_row_that_is_asked_for_again_is_the_same_statement() -> None:
    rows = [a_row(), a_row(external_userid="wmOther", status=2, send_time=0)]

    first, again = of_send_list(TASK, rows), of_send_list(TASK, rows)

    ids = [PROVIDER_EVENTS.event_id(event) for event in first.events]
    assert ids == [PROVIDER_EVENTS.event_id(event) for event in again.events]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (a_row(status=9), Reason.UNKNOWN_STATUS),
        (a_row(status="1"), Reason.MALFORMED),
        (a_row(external_userid=None), Reason.MALFORMED),
        (a_row(external_userid=""), Reason.MALFORMED),
        (a_row(external_userid="x" * 129), Reason.MALFORMED),
        (a_row(send_time=-1), Reason.MALFORMED),
        ({}, Reason.MALFORMED),
        ("row", Reason.MALFORMED),
        (None, Reason.MALFORMED),
    ],
)
def test_a_broken_row_is_told_and_its_neighbours_live(broken: object, reason: Reason) -> None:
    callback = of_send_list(TASK, [a_row(external_userid="a"), broken, a_row(external_userid="b")])

    assert len(callback.events) == 2
    (ignored,) = callback.ignored
    assert ignored.reason is reason
    assert ignored.where.startswith("send_list[1]")
