"""Failed pushes, until whoever runs the system is told of them (NF-08)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

_ONE_TELLS: Final = 0x616C657274
"""The name of the lock under which one scheduler at a time tells: "alert" in ASCII."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFailure:
    """A push that failed, or of which some groups did."""

    subject: str
    task_id: str
    task_name: str
    reasons: Mapping[str, int]
    """How many groups got nothing, by the reason."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One of which nobody was told."""

    id: int
    task_id: str
    task_name: str
    reasons: Mapping[str, int]


def note(connection: sa.Connection, failures: Sequence[NewFailure], *, now: datetime) -> None:
    """Enter failures, each subject once."""
    ordered = sorted(failures, key=lambda each: each.subject)  # no deadlock
    connection.execute(
        sa.text(
            """
            INSERT INTO push_failures (subject, task_id, task_name, reasons, noted_at)
            SELECT subject, task_id, name, CAST(reasons AS jsonb), :now
            FROM unnest(
                CAST(:subjects AS text[]), CAST(:tasks AS text[]), CAST(:names AS text[]),
                CAST(:reasons AS text[])
            ) AS failure(subject, task_id, name, reasons)
            ON CONFLICT (subject) DO NOTHING
            """
        ),
        {
            "subjects": [each.subject for each in ordered],
            "tasks": [each.task_id for each in ordered],
            "names": [each.task_name for each in ordered],
            "reasons": [json.dumps(each.reasons, ensure_ascii=False) for each in ordered],
            "now": now,
        },
    )


def is_my_turn(connection: sa.Connection, *, now: datetime, pace: timedelta) -> bool:
    """Tell whether an alert may be told in this transaction: one scheduler, one in a while."""
    query = "SELECT pg_try_advisory_xact_lock(:name)"
    if not connection.execute(sa.text(query), {"name": _ONE_TELLS}).scalar_one():
        return False
    last = connection.execute(sa.text("SELECT max(told_at) FROM push_failures")).scalar()
    return last is None or now - last >= pace


def untold(
    connection: sa.Connection, *, now: datetime, quiet: timedelta, limit: int
) -> list[Failure]:
    """Return failures of which nobody was told, of tasks that were not told of for a while."""
    rows = connection.execute(
        sa.text(
            """
            SELECT id, task_id, task_name, reasons FROM push_failures AS failure
            WHERE told_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM push_failures AS before
                WHERE before.task_id = failure.task_id AND before.told_at > :since
            )
            ORDER BY noted_at, id LIMIT :limit
            """
        ),
        {"since": now - quiet, "limit": limit},
    )
    return [Failure(row.id, row.task_id, row.task_name, row.reasons) for row in rows]


def mark_told(connection: sa.Connection, failures: Sequence[Failure], *, now: datetime) -> None:
    """Note that the broker has the alert about these."""
    connection.execute(
        sa.text("UPDATE push_failures SET told_at = :now WHERE id = ANY(:ids)"),
        {"ids": [each.id for each in failures], "now": now},
    )


def forget(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Delete what was told, or noted and told to nobody, before then; returns how many."""
    gone = connection.execute(
        sa.text(
            """
            DELETE FROM push_failures WHERE id = ANY(ARRAY(
                SELECT id FROM push_failures
                WHERE told_at < :before OR (told_at IS NULL AND noted_at < :before)
                LIMIT :limit
            ))
            """
        ),
        {"before": before, "limit": limit},
    )
    return gone.rowcount
