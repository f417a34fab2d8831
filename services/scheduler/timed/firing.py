"""What is claimed when its time comes: occurrences, pushes that waited, tasks that go on (IM-17).

One transaction each. What it enters is handed over once it is committed (`handing.py`), so a
broker that is away makes nothing late: what was due has its push, and the push has its content.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from domain.identity import push_id_for_occurrence
from domain.pushes import Fate, Fated, Policies, after_claim, due_until, fate_of_held, fates
from domain.recurrence import next_occurrence
from services.scheduler.store import due_tasks, pushes
from services.scheduler.store.due_tasks import Step
from services.scheduler.store.pushes import NewPush
from services.scheduler.store.task_rows import Task
from services.scheduler.timed import settling

log = logging.getLogger(__name__)


def fire(connection: sa.Connection, *, now: datetime, limit: int) -> int:
    """Give the occurrences that are due their pushes; returns how many tasks had some."""
    claimed = due_tasks.claim_due(connection, now=now, limit=limit)
    if not claimed:
        return 0
    due = {task.task_id: _due(task, now) for task in claimed}
    ids = [push_id_for_occurrence(task_id, one) for task_id, all_ in due.items() for one in all_]
    served = pushes.known(connection, ids)
    busy = pushes.busy(connection, due)
    steps: list[Step] = []
    new: list[NewPush] = []
    for task in claimed:
        step, begun = _decided(
            task, due[task.task_id], served, is_busy=task.task_id in busy, now=now
        )
        steps.append(step)
        new += begun
    pushes.enter(connection, new, now=now)
    due_tasks.move(connection, steps, now=now)
    # Of whose groups there is none, ends as it begins.
    settling.end_finished(connection, _running(new), now=now)
    for push in new:
        if push.status == Fate.SKIPPED:
            about = {"push_id": push.push_id, "task_id": push.task_id, "reason": push.reason}
            log.warning("push.skipped", extra=about)
    return len(claimed)


def begin_held(connection: sa.Connection, *, now: datetime, limit: int) -> int:
    """Begin pushes whose hours have come, or whose turn it is; returns how many tasks had some."""
    claimed = due_tasks.claim_holding(connection, now=now, limit=limit)
    if not claimed:
        return 0
    by_id = {task.task_id: task for task in claimed}
    still_busy = pushes.running(connection, by_id)
    held = [
        one for one in pushes.next_held(connection, by_id, now=now) if one.task_id not in still_busy
    ]
    ended = pushes.last_ended(connection, by_id)
    moved: list[NewPush] = []
    judged: dict[str, Fated] = {}
    for one in held:
        task = by_id[one.task_id]
        # What waited for its turn is as late as its turn came before this moment.
        ready_at = max(one.due_at, ended.get(task.task_id, one.due_at))
        fated = fate_of_held(one.occurrence or one.due_at, ready_at, _policies(task), now=now)
        due_at = fated.due_at if fated.fate is Fate.HELD else one.due_at
        moved.append(_new(task, one.push_id, one.occurrence, fated.fate, due_at, fated.reason))
        judged[task.task_id] = fated
    pushes.move_held(connection, moved, now=now)
    waiting = pushes.busy(connection, judged)
    steps = [
        _step(by_id[task_id], [fated], by_id[task_id].next_at, is_waiting=task_id in waiting)
        for task_id, fated in judged.items()
    ]
    due_tasks.move(connection, [one for one in steps if _changes(one)], now=now)
    settling.end_finished(connection, _running(moved), now=now)
    return len(held)


def new_push(task: Task, push_id: str, *, by: str, now: datetime) -> NewPush:
    """Return a push that somebody starts by hand (TP-15)."""
    return _new(task, push_id, None, Fate.RUNNING, now, by=by)


def _due(task: Task, now: datetime) -> list[datetime]:
    if task.next_at is None:
        return []
    return due_until(task.plan.timing.schedule, task.next_at, now)


def _decided(
    task: Task, due: Sequence[datetime], served: set[str], *, is_busy: bool, now: datetime
) -> tuple[Step, list[NewPush]]:
    ids = {one: push_id_for_occurrence(task.task_id, one) for one in due}
    open_ = [one for one in due if ids[one] not in served]
    fated = fates(open_, _policies(task), now=now, is_busy=is_busy)
    next_at = next_occurrence(task.plan.timing.schedule, after=now)
    return _step(task, fated, next_at), [_of(task, ids, one) for one in fated]


def _step(
    task: Task, fated: Sequence[Fated], next_at: datetime | None, *, is_waiting: bool = False
) -> Step:
    recurs, goes_on = task.plan.timing.recurs, is_waiting or next_at is not None
    status, error = after_claim(task.status, fated, recurs=recurs, goes_on=goes_on)
    return Step(task, status, next_at, error or task.last_error)


def _changes(step: Step) -> bool:
    task = step.task
    return step.status is not task.status or step.last_error != task.last_error


def _policies(task: Task) -> Policies:
    plan = task.plan
    return Policies(
        catching=plan.misfire,
        overlap=plan.overlap,
        hours=plan.sending_hours,
        zone=plan.timing.schedule.zone,
    )


def _of(task: Task, ids: Mapping[datetime, str], fated: Fated) -> NewPush:
    return _new(
        task, ids[fated.occurrence], fated.occurrence, fated.fate, fated.due_at, fated.reason
    )


def _new(  # noqa: PLR0913 - what a push is
    task: Task,
    push_id: str,
    occurrence: datetime | None,
    fate: Fate,
    due_at: datetime,
    reason: str | None = None,
    *,
    by: str | None = None,
) -> NewPush:
    return NewPush(
        push_id=push_id,
        task_id=task.task_id,
        tenant_id=task.tenant_id,
        status=fate,
        occurrence=occurrence,
        due_at=due_at,
        priority=task.plan.priority,
        groups=tuple(dict.fromkeys(task.plan.groups)),
        reason=reason,
        started_by=by,
        returns_to=None if by is None else task.status,
    )


def _running(new: Sequence[NewPush]) -> list[str]:
    return [push.push_id for push in new if push.status == Fate.RUNNING]
