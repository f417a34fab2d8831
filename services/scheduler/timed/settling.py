"""How pushes end: what became of their groups, then of themselves, then of their tasks.

CF-30, CF-41, IM-60. Tasks are locked first, then pushes: whoever ends, pauses or fires waits for
the others in one order.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa

from domain.lifecycle import Status
from domain.pushes import STOPPED, UNHEARD, after_push, error_of_group
from domain.tasks import TaskStatus
from schemas.topics.status_changes import StatusChanged
from services.scheduler.store import due_tasks, push_results, push_stalls, pushes
from services.scheduler.store.due_tasks import Step
from services.scheduler.store.push_results import News
from services.scheduler.store.pushes import Ended
from services.scheduler.store.task_rows import Task


def news_of(changes: Iterable[StatusChanged]) -> dict[str, News]:
    """Return what the last change of each message says of a group that it may be for."""
    last: dict[str, StatusChanged] = {}
    for change in changes:
        if change.job_id is None or change.to_status in {Status.PENDING, Status.SENDING}:
            continue
        before = last.get(change.message_id)
        if before is None or before.sequence < change.sequence:
            last[change.message_id] = change
    return {message_id: _news(change) for message_id, change in sorted(last.items())}


def settle(connection: sa.Connection, news: dict[str, News], *, now: datetime) -> int:
    """Enter news of groups, and end the pushes that have none left; returns how many changed.

    What comes again finds its row as it left it. A message that arrived after it was given up
    (IM-07) corrects its row, but a push that has ended stays so.
    """
    push_ids = push_results.pushes_of(connection, news)
    if not push_ids:
        return 0
    locked = _lock(connection, push_ids)
    running = pushes.lock_running(connection, push_ids)
    settled = push_results.settle(connection, list(news.values()))
    if settled:
        pushes.heard(connection, running, now=now)
        _end(connection, running, locked, now=now)
    return settled


def end_finished(
    connection: sa.Connection,
    push_ids: Collection[str],
    *,
    now: datetime,
    nothing_sent: str = STOPPED,
) -> int:
    """End those of the pushes of which no group is pending; returns how many.

    ``nothing_sent``: why one without an error of a group sent nothing.
    """
    finished = push_results.none_pending(connection, push_ids)
    if not finished:
        return 0
    locked = _lock(connection, finished)
    running = pushes.lock_running(connection, finished)
    return _end(connection, running, locked, now=now, nothing_sent=nothing_sent)


def end_over(connection: sa.Connection, *, now: datetime, limit: int) -> int:
    """End pushes whose scheduler died between their last group and their end; returns how many."""
    return end_finished(connection, push_stalls.over(connection, limit=limit), now=now)


def give_up(connection: sa.Connection, *, before: datetime, now: datetime, limit: int) -> int:
    """End pushes of whose groups nothing was heard since then; returns how many (IM-60).

    Their messages' records may lie among the dead letters, and a push that never ends is in the
    way of its task's next one.
    """
    silent = push_stalls.unheard_of(connection, before=before, limit=limit)
    if not silent:
        return 0
    locked = _lock(connection, silent)
    running = pushes.lock_running(connection, silent)
    push_results.give_up(connection, [push.push_id for push in running], UNHEARD)
    return _end(connection, running, locked, now=now)


def stop(connection: sa.Connection, task_id: str, reason: str, *, now: datetime) -> None:
    """Send nothing more of a locked task: it is paused or deleted (IM-18).

    Groups whose requests the broker has are sent to; what waits for its hour never begins.
    """
    pushes.let_go(connection, task_id, reason, now=now)
    running = pushes.running_of(connection, [task_id])
    if running:
        # The lock waits for a hand-over that is under way.
        ids = [push.push_id for push in pushes.lock_running(connection, running)]
        push_results.cancel_unpublished(connection, ids)
        end_finished(connection, ids, now=now, nothing_sent=reason)


def _lock(connection: sa.Connection, push_ids: Collection[str]) -> dict[str, Task]:
    return due_tasks.lock(connection, pushes.tasks_of(connection, push_ids).values())


def _end(
    connection: sa.Connection,
    running: Collection[pushes.Push],
    locked: dict[str, Task],
    *,
    now: datetime,
    nothing_sent: str = STOPPED,
) -> int:
    counts = push_results.count(connection, [push.push_id for push in running])
    ended = [
        Ended(push, *counts[push.push_id])
        for push in sorted(running, key=lambda one: one.due_at)
        if not counts[push.push_id][0].pending
    ]
    if not ended:
        return 0
    pushes.end(connection, ended, nothing_sent=nothing_sent, now=now)
    # Of two that ended together the later one says how the task stands.
    last = {one.push.task_id: one for one in ended if one.push.task_id in locked}
    running_on = pushes.running(connection, last)
    waiting = pushes.busy(connection, last) - running_on
    steps: list[Step] = []
    for task_id, one in last.items():
        task = locked[task_id]
        status = after_push(
            task.status,
            one.counts,
            recurs=task.plan.timing.recurs,
            goes_on=task.next_at is not None or task_id in waiting,
            is_busy=task_id in running_on,
            returns_to=one.push.returns_to,
        )
        if status is not task.status:
            steps.append(Step(task, status, _next_at(task, status), one.error or task.last_error))
    due_tasks.move(connection, steps, now=now)
    return len(ended)


def _next_at(task: Task, status: TaskStatus) -> datetime | None:
    return task.next_at if status in {TaskStatus.SCHEDULED, TaskStatus.RUNNING} else None


def _news(change: StatusChanged) -> News:
    failed, why = change.to_status is Status.FAILED, change.error
    error = error_of_group(why.code, why.message) if failed and why is not None else None
    # No path of WeCom's tells when a group got it: what it was accepted at is as near (WC-05).
    arrived = None if failed else change.delivered_at or change.updated_at
    return News(
        message_id=change.message_id,
        sequence=change.sequence,
        status="failed" if failed else "sent",
        error=error,
        delivered_at=arrived,
    )
