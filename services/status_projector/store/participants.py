"""Keeps what is known of a message's participants, by the rules of messages (domain/lifecycle)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.failures import Origin
from domain.lifecycle import Evidence, Status, merged
from services.status_projector.projection import Participant
from services.status_projector.store.failures import failed_at, failures_of

_LOAD = sa.text(
    """
    SELECT p.message_id, p.participant, p.sent_at, p.delivered_at, p.read_at, p.failures
    FROM message_participants p
    JOIN unnest(CAST(:message_ids AS text[]), CAST(:participants AS text[]))
         AS wanted(message_id, participant) USING (message_id, participant)
    """
)
_SAVE = sa.text(
    """
    INSERT INTO message_participants
        (message_id, participant, status, at, error_code, error_message,
         sent_at, delivered_at, read_at, failures, updated_at)
    SELECT message_id, participant, status, at, error_code, error_message,
           sent_at, delivered_at, read_at, CAST(failures AS jsonb), :now
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:participants AS text[]), CAST(:statuses AS text[]),
        CAST(:ats AS timestamptz[]), CAST(:error_codes AS text[]), CAST(:error_messages AS text[]),
        CAST(:sent_ats AS timestamptz[]), CAST(:delivered_ats AS timestamptz[]),
        CAST(:read_ats AS timestamptz[]), CAST(:failures AS text[])
    ) AS p(message_id, participant, status, at, error_code, error_message,
           sent_at, delivered_at, read_at, failures)
    ON CONFLICT (message_id, participant) DO UPDATE
    SET status = EXCLUDED.status, at = EXCLUDED.at, error_code = EXCLUDED.error_code,
        error_message = EXCLUDED.error_message, sent_at = EXCLUDED.sent_at,
        delivered_at = EXCLUDED.delivered_at, read_at = EXCLUDED.read_at,
        failures = EXCLUDED.failures, updated_at = EXCLUDED.updated_at
    """
)


def learn(
    connection: sa.Connection, heard: Mapping[Participant, Evidence], now: datetime
) -> dict[Participant, Evidence]:
    """Add what was heard to what is known; return those of whom something is new.

    Their messages' rows are locked.
    """
    known = _load(connection, list(heard))
    after = {one: merged(known.get(one, Evidence()), evidence) for one, evidence in heard.items()}
    fresh = {one: evidence for one, evidence in after.items() if evidence != known.get(one)}
    if fresh:
        _save(connection, fresh, now)
    return fresh


def _load(
    connection: sa.Connection, participants: Sequence[Participant]
) -> dict[Participant, Evidence]:
    rows = connection.execute(_LOAD, _names(participants))
    return {(row.message_id, row.participant): _evidence(row) for row in rows}


def _save(
    connection: sa.Connection, participants: Mapping[Participant, Evidence], now: datetime
) -> None:
    states = list(participants.values())
    failed = [evidence.failed for evidence in states]
    columns: dict[str, list[Any]] = {
        **_names(list(participants)),
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


def _names(participants: Sequence[Participant]) -> dict[str, list[str]]:
    return {
        "message_ids": [message_id for message_id, _ in participants],
        "participants": [participant for _, participant in participants],
    }
