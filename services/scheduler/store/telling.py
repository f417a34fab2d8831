"""Hands what `task_changes.py` noted to whoever tells it.

A change is noted in the transaction that makes it, under the lock of its task, so the numbers of
one subject's notes are in its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from schemas.topics.task_changes import TASK_CHANGES, TaskEvent

_LOCK: Final = 0x5EAD_7A5C
"""Held while notes are told: one scheduler at a time, so that each subject's order is kept."""


@dataclass(frozen=True, slots=True)
class Note:
    """A change that is to be told."""

    id: int
    change: TaskEvent


def take(connection: sa.Connection, *, limit: int) -> list[Note]:
    """Return the oldest notes, none while another scheduler tells; ours until the transaction ends.

    An empty table takes no lock.
    """
    any_left = sa.text("SELECT EXISTS (SELECT 1 FROM task_changes_to_tell)")
    if not connection.execute(any_left).scalar_one():
        return []
    lock = sa.text("SELECT pg_try_advisory_xact_lock(:lock)")
    if not connection.execute(lock, {"lock": _LOCK}).scalar_one():
        return []
    rows = connection.execute(
        sa.text("SELECT id, change FROM task_changes_to_tell ORDER BY id LIMIT :limit"),
        {"limit": limit},
    )
    return [Note(row.id, TASK_CHANGES.decode(bytes(row.change))) for row in rows]


def forget(connection: sa.Connection, told: Sequence[Note]) -> None:
    """Delete notes that the broker has."""
    connection.execute(
        sa.text("DELETE FROM task_changes_to_tell WHERE id = ANY(:ids)"),
        {"ids": [one.id for one in told]},
    )
