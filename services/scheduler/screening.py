"""Which rows of a job can be sent, and why the others are skipped (IM-21, IM-25, peers row 12).

What is cheap is checked when the job is accepted; whether a plainly spelled number exists is asked
when the row is fed, because that takes 30 µs a number: three seconds of a job of 100,000.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from domain.failures import ErrorCode
from domain.identity import JobId, message_id_for_row
from domain.recipients import InvalidRecipient, to_e164
from schemas.http.jobs import JobRecipient
from schemas.sealed import JobRow
from schemas.topics.send_requests import SendRequested
from services.scheduler.drafts import Draft
from services.scheduler.store.jobs import Job
from services.scheduler.store.rows import ERASED, NewRow, Refusal, WaitingRow

_PLAIN: Final = re.compile(r"\+[1-9][0-9]{6,14}")

_LONGEST_KEPT: Final = 40
"""Characters kept of what is no phone number."""


def screen(job_id: JobId, draft: Draft, recipients: Iterable[JobRecipient]) -> Iterator[NewRow]:
    """Return a row for each recipient, numbered from 1, with what is wrong with it."""
    for number, recipient in enumerate(recipients, start=1):
        message_id = message_id_for_row(job_id, number)
        phone, encoded = recipient.phone, msgspec.json.encode(recipient.variables).decode()
        refusal = _phone_problem(phone) or _content_problem(draft, recipient.variables, encoded)
        if refusal is None:
            yield NewRow(number, message_id, JobRow(phone, recipient.variables), None)
        else:
            yield NewRow(number, message_id, JobRow(phone[:_LONGEST_KEPT], {}), refusal)


def compose(job: Job, draft: Draft, row: WaitingRow) -> SendRequested | Refusal:
    """Return the record of a row, or why it is skipped after all."""
    if row.who is None:
        return ERASED
    try:
        recipient = to_e164(row.who.recipient)
    except InvalidRecipient as error:
        return Refusal(ErrorCode.INVALID_RECIPIENT, str(error))
    content = draft.filled(row.who.variables)
    if isinstance(content, Refusal):
        return content
    return SendRequested(
        message_id=row.message_id,
        channel="whatsapp",
        sender_id=job.sender_id,
        recipient=recipient,
        content=content,
        requested_at=job.created_at,
        priority=job.priority,
        expires_at=job.expires_at,
        when_limited=job.when_limited,
        tenant_id=job.tenant_id,
        job_id=job.job_id,
    )


def _phone_problem(phone: str) -> Refusal | None:
    if _PLAIN.fullmatch(phone) is None:
        try:
            to_e164(phone)
        except InvalidRecipient as error:
            return Refusal(ErrorCode.INVALID_RECIPIENT, str(error))
    return None


def _content_problem(draft: Draft, variables: Mapping[str, str], encoded: str) -> Refusal | None:
    problem = draft.problem(variables, encoded)
    return None if problem is None else Refusal(ErrorCode.UNKNOWN_ERROR, problem)
