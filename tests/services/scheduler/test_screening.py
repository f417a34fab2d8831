"""Which rows of a job are skipped at once, and what becomes a record (IM-21, IM-25)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.content import LONGEST_TEXT, render
from domain.identity import JobId, message_id_for_row
from schemas.http.jobs import JobRecipient
from schemas.sealed import JobRow
from schemas.topics.contents import words_of
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from schemas.topics.task_changes import JobStatus
from services.scheduler.drafts import Draft, draft_of
from services.scheduler.screening import compose, screen
from services.scheduler.store.jobs import Job
from services.scheduler.store.rows import NewRow, WaitingRow

JOB = JobId("0f3c")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
A_PHONE = "+16505550001"
A_JOB = Job(
    job_id=JOB,
    tenant_id=None,
    channel="whatsapp",
    sender_id="1",
    content={},
    priority="low",
    when_limited="wait",
    expires_at=NOON + timedelta(hours=1),
    status=JobStatus.PENDING,
    created_at=NOON,
)

templates = st.lists(st.sampled_from(["{a}", "{b}", "Hi ", "x" * 2_000]), min_size=1).map("".join)
values = st.dictionaries(st.sampled_from("abc"), st.text(max_size=2_100), max_size=3)


def screened(body: str, phone: str = A_PHONE, **variables: str) -> NewRow:
    recipient = JobRecipient(phone=phone, variables=variables)
    (row,) = screen(JOB, draft_of({"type": "text", "body": body}), [recipient])
    return row


@given(templates, values)
def test_what_is_let_in_can_be_rendered_and_is_a_valid_record(
    body: str, variables: dict[str, str]
) -> None:
    draft = draft_of({"type": "text", "body": body})
    row = screened(body, **variables)

    if row.refusal is None:
        waiting = WaitingRow(row.row, row.message_id, row.who)
        record = SEND_REQUESTS.record(must_compose(draft, waiting), source="tests", at=NOON)
        sent = SEND_REQUESTS.decode(record.value)
        assert words_of(sent.content) == render(body, variables)
        assert 0 < len(words_of(sent.content)) <= LONGEST_TEXT
        assert "\x00" not in words_of(sent.content)


@given(st.text(), st.text())
def test_no_reason_repeats_what_the_caller_wrote(phone: str, value: str) -> None:
    row = screened("Hi {name}", phone, name=value)

    if row.refusal is not None:
        assert len(phone) < 3 or phone not in row.refusal.detail


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, "no value for a, b"),
        ({"a": ""}, "no value for b"),
        ({"a": "", "b": ""}, "body is empty"),
        ({"a": "x" * 2_049, "b": ""}, "body is longer than 4096 characters"),
        ({"a": "x", "b": "\x00"}, "a variable contains the NUL character"),
        ({"a": "x", "b": "y", "\x00": ""}, "a variable contains the NUL character"),
    ],
)
def test_a_text_that_cannot_be_sent_has_its_reason(variables: dict[str, str], reason: str) -> None:
    row = screened("{a}{b}{a}", **variables)

    assert row.refusal is not None
    assert row.refusal.detail == reason


def test_the_words_backslash_u0000_are_no_nul() -> None:
    assert screened("Hi {name}", name="\\u0000").refusal is None


def test_a_row_says_of_its_job_how_urgent_it_is_and_how_long_it_may_wait() -> None:
    row = WaitingRow(1, message_id_for_row(JOB, 1), JobRow(A_PHONE, {}))

    request = must_compose(draft_of({"type": "text", "body": "Hi"}), row)

    assert (request.priority, request.when_limited) == ("low", "wait")
    assert (request.expires_at, request.job_id) == (A_JOB.expires_at, JOB)


def must_compose(draft: Draft, row: WaitingRow) -> SendRequested:
    """Return the record of a row that has one."""
    composed = compose(A_JOB, draft, row)
    assert isinstance(composed, SendRequested)
    return composed
