"""Which rows of a job can be sent, and why the others are skipped (IM-21, IM-25, peers row 12).

What is cheap is checked when the job is accepted; whether a plainly spelled number exists is asked
when the row is fed, because that takes 30 µs a number: three seconds of a job of 100,000.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from domain.content import LONGEST_TEXT, TextTooLong, render, variables_of
from domain.failures import ErrorCode
from domain.identity import JobId, message_id_for_row
from domain.recipients import InvalidRecipient, to_e164
from schemas.http.jobs import JobRecipient
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import SendRequested
from services.scheduler.store.jobs import Job
from services.scheduler.store.rows import NewRow, Refusal, WaitingRow

_PLAIN: Final = re.compile(r"\+[1-9][0-9]{6,14}")

_LONGEST_KEPT: Final = 40
"""Characters kept of what is no phone number."""

_NO_VARIABLES: Final = "{}"


def screen(
    job_id: JobId, content: TextContent, recipients: Iterable[JobRecipient]
) -> Iterator[NewRow]:
    """Return a row for each recipient, numbered from 1, with what is wrong with it."""
    needed = variables_of(content.body)
    for number, recipient in enumerate(recipients, start=1):
        message_id = message_id_for_row(job_id, number)
        phone, variables = recipient.phone, msgspec.json.encode(recipient.variables).decode()
        refusal = _phone_problem(phone) or _text_problem(content.body, needed, recipient, variables)
        if refusal is None:
            yield NewRow(number, message_id, phone, variables, None)
        else:
            yield NewRow(number, message_id, _harmless(phone), _NO_VARIABLES, refusal)


def compose(job: Job, content: TextContent, row: WaitingRow) -> SendRequested | Refusal:
    """Return the record of a row, or why it is skipped after all."""
    try:
        recipient = to_e164(row.recipient)
    except InvalidRecipient as error:
        return Refusal(ErrorCode.INVALID_RECIPIENT, str(error))
    return SendRequested(
        message_id=row.message_id,
        channel="whatsapp",
        sender_id=job.sender_id,
        recipient=recipient,
        content=msgspec.structs.replace(content, body=render(content.body, row.variables)),
        requested_at=job.created_at,
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


def _text_problem(
    text: str, needed: AbstractSet[str], recipient: JobRecipient, encoded: str
) -> Refusal | None:
    variables = recipient.variables
    if not needed <= variables.keys():
        names = ", ".join(sorted(needed - variables.keys()))
        return _unsendable(f"no value for {names}")
    # A NUL is spelled like this in JSON; PostgreSQL stores no text that contains one.
    if "\\u0000" in encoded and any("\x00" in part for pair in variables.items() for part in pair):
        return _unsendable("a variable contains the NUL character")
    # Rendering takes four times as long as this bound, and few rows are doubtful.
    longest = len(text) + text.count("{") * len(encoded)
    if longest <= LONGEST_TEXT and not text.startswith("{"):
        return None
    try:
        return None if render(text, variables) else _unsendable("the text is empty")
    except TextTooLong:
        return _unsendable(f"the text is longer than {LONGEST_TEXT} characters")


def _unsendable(detail: str) -> Refusal:
    return Refusal(ErrorCode.UNKNOWN_ERROR, detail)


def _harmless(phone: str) -> str:
    return phone.replace("\x00", "\ufffd")[:_LONGEST_KEPT]
