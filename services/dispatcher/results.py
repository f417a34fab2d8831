"""What the results of one round of asking tell of a message and of its recipients (CF-12)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from msgspec import structs

from domain.failures import ErrorCode, Failure, Origin
from domain.lifecycle import FailedAt
from domain.polling import Tally, counted
from schemas.topics.provider_events import StatusReported
from schemas.topics.send_requests import SendRequested
from services.dispatcher.facts import failure_of, reason_of
from services.dispatcher.store.follow_ups import FollowUp

NOBODY_GOT_IT: Final = "no recipient got it"


@dataclass(frozen=True, slots=True)
class Told:
    """What one round of asking tells, and what is known after it."""

    events: list[StatusReported]
    already: frozenset[str]
    tally: Tally
    is_last: bool


def told_by(
    before: FollowUp, request: SendRequested, results: Iterable[StatusReported], *, is_last: bool
) -> Told:
    """Return what new results tell: each of its participant, and once a word of the message.

    The message is sent as soon as one recipient got it, and failed when none did. A result that
    names no participant is the message's own word.
    """
    fresh = [
        structs.replace(one, message_id=before.message_id, polled=True)
        for one in results
        if one.participant not in before.already
    ]
    of_participants = [one for one in fresh if one.participant is not None]
    failed = [FailedAt(one.occurred_at, _failure_of(one)) for one in of_participants if _fails(one)]
    sent = [one.occurred_at for one in of_participants if not _fails(one)]
    tally = counted(before.tally, sent, failed)
    if before.tally.sent_at is None and tally.sent_at is not None:
        fresh.append(_word(before, request, status="sent", occurred_at=tally.sent_at))
    elif is_last and (verdict := tally.verdict) is not None:
        why = reason_of(replace(verdict.failure, detail=NOBODY_GOT_IT))
        word = _word(before, request, status="failed", occurred_at=verdict.at)
        fresh.append(structs.replace(word, failure=why))
    names = frozenset(one.participant for one in of_participants if one.participant)
    return Told(fresh, before.already | names, tally, is_last)


def _word(
    of: FollowUp,
    request: SendRequested,
    *,
    status: Literal["sent", "failed"],
    occurred_at: datetime,
) -> StatusReported:
    return StatusReported(
        channel=of.channel,
        provider_message_id=of.provider_message_id,
        message_id=of.message_id,
        status=status,
        occurred_at=occurred_at,
        sender_id=request.sender_id,
        polled=True,
    )


def _fails(result: StatusReported) -> bool:
    return result.status == "failed"


def _failure_of(result: StatusReported) -> Failure:
    if result.failure is None:
        return Failure(ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER)
    return failure_of(result.failure)
