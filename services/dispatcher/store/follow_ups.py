"""The messages whose results have to be asked for (domain/polling.py), a statement a function."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from domain.lifecycle import FailedAt
from domain.polling import Tally
from runtime.vault import Vault
from schemas.topics.provider_events import FailureReason
from schemas.topics.send_requests import SEND_REQUESTS
from services.dispatcher.facts import failure_of, reason_of
from services.dispatcher.store.requests import PLACE, disclosed


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A message that its provider took, and what is known of its results."""

    message_id: str
    channel: str
    provider_message_id: str
    request: bytes
    accepted_at: datetime
    next_at: datetime
    """When it is asked for next; of a claimed one, until when nobody else asks."""
    already: frozenset[str] = frozenset()
    """The participants whose results are known."""
    tally: Tally = field(default_factory=Tally)
    """What these add up to."""
    delays: int = 0
    """How often in a row the provider could not tell."""


_ADD = sa.text(
    """
    INSERT INTO follow_ups
        (message_id, channel, provider_message_id, request, accepted_at, next_at, already,
         failed_at, failure)
    SELECT message_id, channel, provider_message_id, request, accepted_at, next_at, already,
           failed_at, CAST(failure AS jsonb)
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:channels AS text[]), CAST(:provider_ids AS text[]),
        CAST(:requests AS bytea[]), CAST(:accepted_ats AS timestamptz[]),
        CAST(:next_ats AS timestamptz[]), CAST(:alreadies AS bytea[]),
        CAST(:failed_ats AS timestamptz[]), CAST(:failures AS text[])
    ) AS f(message_id, channel, provider_message_id, request, accepted_at, next_at, already,
           failed_at, failure)
    ON CONFLICT (message_id) DO NOTHING
    """
)


def add(connection: sa.Connection, vault: Vault, follow_ups: Sequence[FollowUp]) -> None:
    """Enter messages just taken. One that is known already stays as it is."""
    requests, alreadies = _sealed(connection, vault, follow_ups)
    columns: dict[str, list[Any]] = {
        "message_ids": [one.message_id for one in follow_ups],
        "channels": [one.channel for one in follow_ups],
        "provider_ids": [one.provider_message_id for one in follow_ups],
        "requests": requests,
        "accepted_ats": [one.accepted_at for one in follow_ups],
        "next_ats": [one.next_at for one in follow_ups],
        "alreadies": alreadies,
        "failed_ats": [_failed_at(one.tally) for one in follow_ups],
        "failures": [_failure(one.tally) for one in follow_ups],
    }
    connection.execute(_ADD, columns)


_CLAIM_DUE = sa.text(
    """
    WITH due AS (
        SELECT message_id FROM follow_ups
        WHERE channel = :channel AND next_at <= :now
        ORDER BY next_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE follow_ups f SET next_at = :until
    FROM due WHERE f.message_id = due.message_id
    RETURNING f.message_id, f.channel, f.provider_message_id, f.request, f.accepted_at, f.next_at,
              f.already, f.sent_at, f.failed_at, f.failure, f.delays
    """
)


def claim_due(
    connection: sa.Connection,
    vault: Vault,
    channel: str,
    *,
    limit: int,
    now: datetime,
    until: datetime,
) -> list[FollowUp]:
    """Return messages that it is time to ask for; nobody else gets them until then."""
    values = {"channel": channel, "limit": limit, "now": now, "until": until}
    rows = connection.execute(_CLAIM_DUE, values).all()
    requests = disclosed(connection, vault, [row.request for row in rows])
    alreadies = disclosed(connection, vault, [row.already for row in rows])
    found: list[FollowUp] = []
    for row, request, already in zip(rows, requests, alreadies, strict=True):
        if request is None or already is None:
            finish(connection, row.message_id)  # its recipient was erased: nothing more is asked
        else:
            found.append(_row(row, request, already))
    return found


_PUT_BACK = sa.text(
    """
    UPDATE follow_ups
    SET next_at = :next_at, delays = :delays, already = :already, sent_at = :sent_at,
        failed_at = :failed_at, failure = CAST(:failure AS jsonb)
    WHERE message_id = :message_id AND next_at = :until
    """
)


def put_back(connection: sa.Connection, vault: Vault, claimed: FollowUp, after: FollowUp) -> None:
    """Store what a claimed message is like now, unless the claim has run out."""
    _, (already,) = _sealed(connection, vault, [after])
    connection.execute(
        _PUT_BACK,
        {
            "message_id": claimed.message_id,
            "until": claimed.next_at,
            "next_at": after.next_at,
            "delays": after.delays,
            "already": already,
            "sent_at": after.tally.sent_at,
            "failed_at": _failed_at(after.tally),
            "failure": _failure(after.tally),
        },
    )


_FINISH = sa.text("DELETE FROM follow_ups WHERE message_id = :message_id")


def finish(connection: sa.Connection, message_id: str) -> None:
    """Forget a message all of whose results are told."""
    connection.execute(_FINISH, {"message_id": message_id})


def _sealed(
    connection: sa.Connection, vault: Vault, follow_ups: Sequence[FollowUp]
) -> tuple[list[bytes], list[bytes]]:
    """Return the envelopes of the requests, and those of the participants."""
    decoded = [SEND_REQUESTS.decode(one.request) for one in follow_ups]
    people = [vault.person(request.channel, request.recipient) for request in decoded]
    participants = [msgspec.msgpack.encode(sorted(one.already)) for one in follow_ups]
    letters = [
        *zip(people, (one.request for one in follow_ups), strict=True),
        *zip(people, participants, strict=True),
    ]
    envelopes = vault.enclose(connection, letters, place=PLACE)
    return envelopes[: len(people)], envelopes[len(people) :]


def _row(row: Any, request: bytes, already: bytes) -> FollowUp:  # noqa: ANN401 - of _CLAIM_DUE
    failed = None
    if row.failure is not None:
        reason = msgspec.convert(row.failure, FailureReason)
        failed = FailedAt(row.failed_at, failure_of(reason))
    return FollowUp(
        message_id=row.message_id,
        channel=row.channel,
        provider_message_id=row.provider_message_id,
        request=request,
        accepted_at=row.accepted_at,
        next_at=row.next_at,
        already=frozenset(msgspec.msgpack.decode(already, type=list[str])),
        tally=Tally(row.sent_at, failed),
        delays=row.delays,
    )


def _failed_at(tally: Tally) -> datetime | None:
    return None if tally.failed is None else tally.failed.at


def _failure(tally: Tally) -> str | None:
    if tally.failed is None:
        return None
    return msgspec.json.encode(reason_of(tally.failed.failure)).decode()
