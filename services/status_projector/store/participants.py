"""Keeps what is known of a message's participants, by the rules of messages (domain/lifecycle)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.failures import Origin
from domain.lifecycle import Evidence, Status, merged
from runtime.vault import Keyring, Person
from services.status_projector.projection import Participant
from services.status_projector.store.failures import failed_at, failures_of
from services.status_projector.store.people import People

_LOAD = sa.text(
    """
    SELECT p.message_id, p.person, p.sent_at, p.delivered_at, p.read_at, p.failures
    FROM message_participants p
    JOIN unnest(CAST(:message_ids AS text[]), CAST(:persons AS bytea[]))
         AS wanted(message_id, person) USING (message_id, person)
    """
)
_SAVE = sa.text(
    """
    INSERT INTO message_participants
        (message_id, person, sealed, status, at, error_code, error_message,
         sent_at, delivered_at, read_at, failures, updated_at)
    SELECT message_id, person, sealed, status, at, error_code, error_message,
           sent_at, delivered_at, read_at, CAST(failures AS jsonb), :now
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:persons AS bytea[]), CAST(:sealed AS bytea[]),
        CAST(:statuses AS text[]), CAST(:ats AS timestamptz[]), CAST(:error_codes AS text[]),
        CAST(:error_messages AS text[]), CAST(:sent_ats AS timestamptz[]),
        CAST(:delivered_ats AS timestamptz[]), CAST(:read_ats AS timestamptz[]),
        CAST(:failures AS text[])
    ) AS p(message_id, person, sealed, status, at, error_code, error_message,
           sent_at, delivered_at, read_at, failures)
    ON CONFLICT (message_id, person) DO UPDATE
    SET sealed = EXCLUDED.sealed, status = EXCLUDED.status, at = EXCLUDED.at,
        error_code = EXCLUDED.error_code, error_message = EXCLUDED.error_message,
        sent_at = EXCLUDED.sent_at, delivered_at = EXCLUDED.delivered_at,
        read_at = EXCLUDED.read_at, failures = EXCLUDED.failures, updated_at = EXCLUDED.updated_at
    """
)


Place = tuple[str, Person]
"""A message, and one of its participants."""


def learn(
    connection: sa.Connection,
    heard: Mapping[Participant, Evidence],
    people: People,
    now: datetime,
) -> dict[Place, Evidence]:
    """Add what was heard to what is known; return those of whom something is new.

    Their messages' rows are locked.
    """
    if not heard:
        return {}
    said: dict[Place, Evidence] = {}
    addresses: dict[Place, str] = {}
    for one, evidence in heard.items():
        # The same person may be written in two ways.
        place = one.message_id, people.of(one.channel, one.address)
        said[place] = merged(said.get(place, Evidence()), evidence)
        addresses[place] = one.address
    known = _load(connection, list(said))
    after = {place: merged(known.get(place, Evidence()), said[place]) for place in said}
    fresh = {place: evidence for place, evidence in after.items() if evidence != known.get(place)}
    if fresh:
        sealed = [
            people.keyring.seal(
                person, addresses[message_id, person].encode(), place=place_of(message_id)
            )
            for message_id, person in fresh
        ]
        _save(connection, fresh, sealed, now)
    return fresh


def unseal(keyring: Keyring, person: Person, message_id: str, sealed: bytes) -> str | None:
    """Return a participant's address; None when the person was forgotten."""
    plain = keyring.open(person, sealed, place=place_of(message_id))
    return None if plain is None else plain.decode()


def _load(connection: sa.Connection, places: Collection[Place]) -> dict[Place, Evidence]:
    rows = connection.execute(_LOAD, _names(places))
    return {(row.message_id, bytes(row.person)): _evidence(row) for row in rows}


def _save(
    connection: sa.Connection,
    participants: Mapping[Place, Evidence],
    sealed: Sequence[bytes],
    now: datetime,
) -> None:
    states = list(participants.values())
    failed = [evidence.failed for evidence in states]
    columns: dict[str, list[Any]] = {
        **_names(participants),
        "sealed": list(sealed),
        "statuses": [evidence.status for evidence in states],
        "ats": [_at(evidence) for evidence in states],
        "error_codes": [None if one is None else one.failure.code for one in failed],
        "error_messages": [None if one is None else one.failure.prompt for one in failed],
        "sent_ats": [evidence.sent_at for evidence in states],
        "delivered_ats": [evidence.delivered_at for evidence in states],
        "read_ats": [evidence.read_at for evidence in states],
        "failures": [failures_of(evidence) for evidence in states],
    }
    connection.execute(_SAVE, {**columns, "now": now})


def _at(evidence: Evidence) -> datetime | None:
    """Return when it came to its status."""
    match evidence.status:
        case Status.READ:
            return evidence.read_at
        case Status.DELIVERED:
            return evidence.delivered_at
        case Status.SENT:
            return evidence.sent_at
        case _:
            # Whatever a participant is reported to be, it is not less than sent, or failed.
            return None if evidence.failed is None else evidence.failed.at


def _evidence(row: Any) -> Evidence:  # noqa: ANN401 - a row of _LOAD
    failures: dict[str, Any] = row.failures or {}
    return Evidence(
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        read_at=row.read_at,
        refused=failed_at(failures.get("refused"), Origin.PROVIDER),
        inferred=failed_at(failures.get("inferred"), Origin.LOCAL),
    )


def _names(places: Collection[Place]) -> dict[str, list[Any]]:
    return {
        "message_ids": [message_id for message_id, _ in places],
        "persons": [person for _, person in places],
    }


def place_of(message_id: str) -> str:
    """Return where a participant's address is kept: it opens nowhere else."""
    return f"message_participants:{message_id}"
