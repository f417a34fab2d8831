"""Which rows of a job are skipped at once, and what becomes a record (IM-21, IM-25)."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.content import LONGEST_TEXT, render
from domain.identity import JobId
from schemas.http.jobs import JobRecipient
from schemas.topics.contents import TextContent, words_of
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from schemas.topics.task_changes import JobStatus
from services.scheduler.screening import compose, screen
from services.scheduler.store.jobs import Job
from services.scheduler.store.rows import NewRow, WaitingRow

JOB = JobId("0f3c")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
A_PHONE = "+16505550001"

templates = st.lists(st.sampled_from(["{a}", "{b}", "Hi ", "x" * 2_000]), min_size=1).map("".join)
values = st.dictionaries(st.sampled_from("abc"), st.text(max_size=2_100), max_size=3)


def screened(body: str, phone: str = A_PHONE, **variables: str) -> NewRow:
    recipient = JobRecipient(phone=phone, variables=variables)
    (row,) = screen(JOB, TextContent(body=body), [recipient])
    return row


@given(templates, values)
def test_what_is_let_in_can_be_rendered_and_is_a_valid_record(
    body: str, variables: dict[str, str]
) -> None:
    content = TextContent(body=body)
    row = screened(body, **variables)

    if row.refusal is None:
        waiting = WaitingRow(row.row, row.message_id, row.recipient, json.loads(row.variables))
        record = SEND_REQUESTS.record(must_compose(content, waiting), source="tests", at=NOON)
        sent = SEND_REQUESTS.decode(record.value)
        assert words_of(sent.content) == render(body, variables)
        assert 0 < len(words_of(sent.content)) <= LONGEST_TEXT
        assert "\x00" not in words_of(sent.content)


@given(st.text(), st.text())
def test_no_reason_repeats_what_the_caller_wrote_and_every_row_can_be_stored(
    phone: str, value: str
) -> None:
    row = screened("Hi {name}", phone, name=value)

    assert "\x00" not in row.recipient
    if row.refusal is not None:
        assert len(phone) < 3 or phone not in row.refusal.detail


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, "no value for a, b"),
        ({"a": ""}, "no value for b"),
        ({"a": "", "b": ""}, "the text is empty"),
        ({"a": "x" * 2_049, "b": ""}, "the text is longer than 4096 characters"),
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


def must_compose(content: TextContent, row: WaitingRow) -> SendRequested:
    """Return the record of a row that has one."""
    job = Job(
        job_id=JOB,
        tenant_id=None,
        channel="whatsapp",
        sender_id="1",
        content={},
        status=JobStatus.PENDING,
        created_at=NOON,
    )
    composed = compose(job, content, row)
    assert isinstance(composed, SendRequested)
    return composed
