"""What became of each sender's last messages (IM-55)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from domain.breaker import Outcomes, Window
from schemas.topics.provider_events import StatusReported

_ENTER = sa.text(
    """
    INSERT INTO sender_outcomes (sender, reached, failed, since, trips)
    SELECT sender, 0, 0, :now, 0 FROM senders
    WHERE sender = ANY(:senders) AND halted_at IS NULL ORDER BY sender
    ON CONFLICT DO NOTHING
    """
)
_LOCK = sa.text(
    """
    SELECT o.sender, o.reached, o.failed, o.since, o.trips
    FROM sender_outcomes o JOIN senders s USING (sender)
    WHERE o.sender = ANY(:senders) AND s.halted_at IS NULL
    ORDER BY o.sender FOR UPDATE OF o
    """
)


def lock(
    connection: sa.Connection, senders: Collection[str], *, now: datetime
) -> dict[str, Window]:
    """Return the windows of senders that are not halted, locked until the transaction ends."""
    values = {"senders": sorted(senders), "now": now}
    connection.execute(_ENTER, values)
    return {
        row.sender: Window(row.since, Outcomes(row.reached, row.failed), row.trips)
        for row in connection.execute(_LOCK, values)
    }


_SET = sa.text(
    """
    UPDATE sender_outcomes o
    SET reached = n.reached, failed = n.failed, since = n.since, trips = n.trips
    FROM unnest(CAST(:senders AS text[]), CAST(:reached AS integer[]), CAST(:failed AS integer[]),
                CAST(:sinces AS timestamptz[]), CAST(:trips AS integer[]))
         AS n(sender, reached, failed, since, trips)
    WHERE o.sender = n.sender
    """
)


def store(connection: sa.Connection, windows: Mapping[str, Window]) -> None:
    """Store locked windows."""
    known = list(windows.values())
    connection.execute(
        _SET,
        {
            "senders": list(windows),
            "reached": [window.outcomes.reached for window in known],
            "failed": [window.outcomes.failed for window in known],
            "sinces": [window.since for window in known],
            "trips": [window.trips for window in known],
        },
    )


def start_anew(connection: sa.Connection, senders: Collection[str]) -> None:
    """Forget what became of these senders' messages so far: somebody has resumed them."""
    connection.execute(
        sa.text("DELETE FROM sender_outcomes WHERE sender = ANY(:senders)"),
        {"senders": sorted(senders)},
    )


_FAIL = sa.text(
    """
    UPDATE dispatch_ledger l SET error_code = f.code, updated_at = :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:provider_ids AS text[]),
                CAST(:codes AS text[])) AS f(message_id, provider_id, code)
    LEFT JOIN messages m ON f.message_id IS NULL AND m.whatsapp_message_id = f.provider_id
    WHERE l.message_id = coalesce(f.message_id, m.message_id)
      AND l.state = 'accepted' AND l.error_code IS NULL
    RETURNING l.sender
    """
)


def fail(
    connection: sa.Connection, reports: Sequence[StatusReported], *, now: datetime
) -> list[str]:
    """Note that accepted messages failed; return the sender of each that had not been noted."""
    codes = [None if one.failure is None else one.failure.code for one in reports]
    values = {
        "message_ids": [one.message_id for one in reports],
        "provider_ids": [one.provider_message_id for one in reports],
        "codes": [code or "UNKNOWN_ERROR" for code in codes],
        "now": now,
    }
    return [row.sender for row in connection.execute(_FAIL, values)]
