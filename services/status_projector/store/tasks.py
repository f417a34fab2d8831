"""Enters what `task-changes` tells: the newest change of each thing, and all in its history.

Within one thing the order is the change's number, so a record that comes twice, or late, changes
nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar, assert_never

import sqlalchemy as sa

from schemas.topics.task_changes import (
    GroupSendChanged,
    JobChanged,
    PushChanged,
    TaskChanged,
    TaskEvent,
    subject_of,
)

T = TypeVar("T", TaskChanged, PushChanged, GroupSendChanged)


def hear(connection: sa.Connection, changes: Sequence[TaskEvent], now: datetime) -> None:
    """Enter changes."""
    _add_history(connection, changes, now)
    if tasks := _newest(one for one in changes if isinstance(one, TaskChanged)):
        _enter_tasks(connection, tasks)
    if pushes := _newest(one for one in changes if isinstance(one, PushChanged)):
        _enter_pushes(connection, pushes)
    if sends := _newest(one for one in changes if isinstance(one, GroupSendChanged)):
        _enter_group_sends(connection, sends)


def kind_of(change: TaskEvent) -> str:
    """Return the word for what changed."""
    match change:
        case JobChanged():
            return "job"
        case TaskChanged():
            return "task"
        case PushChanged():
            return "push"
        case GroupSendChanged():
            return "group_send"
        case _:
            assert_never(change)


def _newest(changes: Iterable[T]) -> list[T]:
    """Return each thing's last change, in the order of the ids: all lock in one order."""
    last: dict[str, T] = {}
    for change in changes:
        before = last.get(subject_of(change))
        if before is None or before.sequence < change.sequence:
            last[subject_of(change)] = change
    return [last[subject] for subject in sorted(last)]


_HISTORY = sa.text(
    """
    INSERT INTO task_status_history
        (kind, id, sequence, from_status, to_status, reason, changed_by, updated_at, recorded_at)
    SELECT kind, id, sequence, before, after, reason, changed_by, updated_at, :now
    FROM unnest(
        CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:sequences AS int[]),
        CAST(:befores AS text[]), CAST(:afters AS text[]), CAST(:reasons AS text[]),
        CAST(:changed_by AS text[]), CAST(:updated_ats AS timestamptz[])
    ) AS h(kind, id, sequence, before, after, reason, changed_by, updated_at)
    ORDER BY kind, id, sequence
    ON CONFLICT DO NOTHING
    """
)


def _add_history(connection: sa.Connection, changes: Sequence[TaskEvent], now: datetime) -> None:
    # Changes of jobs from before they were numbered have no place in an order.
    told = [change for change in changes if change.sequence is not None]
    connection.execute(
        _HISTORY,
        {
            "kinds": [kind_of(change) for change in told],
            "ids": [subject_of(change) for change in told],
            "sequences": [change.sequence for change in told],
            "befores": [change.from_status for change in told],
            "afters": [change.to_status for change in told],
            "reasons": [change.reason for change in told],
            "changed_by": [None if isinstance(c, JobChanged) else c.changed_by for c in told],
            "updated_ats": [change.updated_at for change in told],
            "now": now,
        },
    )


_TASKS = sa.text(
    """
    INSERT INTO task_states AS s
        (task_id, tenant_id, name, status, sequence, next_at, reason, deleted, changed_by,
         updated_at)
    SELECT * FROM unnest(
        CAST(:ids AS text[]), CAST(:tenants AS text[]), CAST(:names AS text[]),
        CAST(:statuses AS text[]), CAST(:sequences AS int[]), CAST(:next_ats AS timestamptz[]),
        CAST(:reasons AS text[]), CAST(:deleted AS boolean[]), CAST(:changed_by AS text[]),
        CAST(:updated_ats AS timestamptz[]))
    ON CONFLICT (task_id) DO UPDATE
    SET name = EXCLUDED.name, status = EXCLUDED.status, sequence = EXCLUDED.sequence,
        next_at = EXCLUDED.next_at, reason = EXCLUDED.reason, deleted = EXCLUDED.deleted,
        changed_by = EXCLUDED.changed_by, updated_at = EXCLUDED.updated_at
    WHERE s.sequence < EXCLUDED.sequence
    """
)


def _enter_tasks(connection: sa.Connection, tasks: Sequence[TaskChanged]) -> None:
    connection.execute(
        _TASKS,
        {
            **_common(tasks),
            "ids": [task.task_id for task in tasks],
            "names": [task.name for task in tasks],
            "next_ats": [task.next_at for task in tasks],
            "deleted": [task.deleted for task in tasks],
        },
    )


_PUSHES = sa.text(
    """
    INSERT INTO push_states AS s
        (push_id, task_id, tenant_id, status, sequence, occurrence_at, due_at, groups, reason,
         changed_by, updated_at)
    SELECT * FROM unnest(
        CAST(:ids AS text[]), CAST(:tasks AS text[]), CAST(:tenants AS text[]),
        CAST(:statuses AS text[]), CAST(:sequences AS int[]), CAST(:occurrences AS timestamptz[]),
        CAST(:due_ats AS timestamptz[]), CAST(:groups AS int[]), CAST(:reasons AS text[]),
        CAST(:changed_by AS text[]), CAST(:updated_ats AS timestamptz[]))
    ON CONFLICT (push_id) DO UPDATE
    SET status = EXCLUDED.status, sequence = EXCLUDED.sequence, groups = EXCLUDED.groups,
        due_at = EXCLUDED.due_at, reason = EXCLUDED.reason, changed_by = EXCLUDED.changed_by,
        updated_at = EXCLUDED.updated_at
    WHERE s.sequence < EXCLUDED.sequence
    """
)


def _enter_pushes(connection: sa.Connection, pushes: Sequence[PushChanged]) -> None:
    connection.execute(
        _PUSHES,
        {
            **_common(pushes),
            "ids": [push.push_id for push in pushes],
            "tasks": [push.task_id for push in pushes],
            "occurrences": [push.occurrence_at for push in pushes],
            "due_ats": [push.due_at for push in pushes],
            "groups": [push.groups for push in pushes],
        },
    )


_GROUP_SENDS = sa.text(
    """
    INSERT INTO group_send_states AS s
        (task_id, tenant_id, status, sequence, targets, due_at, reason, changed_by, updated_at)
    SELECT * FROM unnest(
        CAST(:ids AS bigint[]), CAST(:tenants AS text[]), CAST(:statuses AS text[]),
        CAST(:sequences AS int[]), CAST(:targets AS int[]), CAST(:due_ats AS timestamptz[]),
        CAST(:reasons AS text[]), CAST(:changed_by AS text[]), CAST(:updated_ats AS timestamptz[]))
    ON CONFLICT (task_id) DO UPDATE
    SET status = EXCLUDED.status, sequence = EXCLUDED.sequence, targets = EXCLUDED.targets,
        due_at = EXCLUDED.due_at, reason = EXCLUDED.reason, changed_by = EXCLUDED.changed_by,
        updated_at = EXCLUDED.updated_at
    WHERE s.sequence < EXCLUDED.sequence
    """
)


def _enter_group_sends(connection: sa.Connection, sends: Sequence[GroupSendChanged]) -> None:
    connection.execute(
        _GROUP_SENDS,
        {
            **_common(sends),
            "ids": [send.group_send_id for send in sends],
            "targets": [send.targets for send in sends],
            "due_ats": [send.due_at for send in sends],
        },
    )


def _common(
    changes: Sequence[TaskChanged] | Sequence[PushChanged] | Sequence[GroupSendChanged],
) -> dict[str, list[Any]]:
    return {
        "tenants": [change.tenant_id for change in changes],
        "statuses": [change.to_status for change in changes],
        "sequences": [change.sequence for change in changes],
        "reasons": [change.reason for change in changes],
        "changed_by": [change.changed_by for change in changes],
        "updated_ats": [change.updated_at for change in changes],
    }
