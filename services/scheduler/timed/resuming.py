"""Paused tasks that go on by themselves once their time has come (CF-24).

What may be done to a paused task may have made it one that nobody may schedule: its content may be
another than the one that was confirmed. Then it stays paused, says why, and people are told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from domain.identity import push_id_for_occurrence
from domain.pushes import SERVED
from domain.recurrence import next_occurrence
from domain.tasks import TaskStatus, content_hash, needs_preview
from runtime.vault import Vault
from services.scheduler.store import due_tasks, previews, pushes, tasks
from services.scheduler.store.task_logs import LogAction
from services.scheduler.store.task_rows import Task
from services.scheduler.timed.forms import Forms, form_like
from services.scheduler.timed.notice_words import Words
from services.scheduler.timed.notices import tell_stays_paused
from services.scheduler.timed.sendable import unsendable

NOT_CONFIRMED: Final = "Preview not confirmed"

_LONGEST_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """Why a task does not go on."""

    reason: str
    """Shown with the task."""
    told: str
    """In the words of notices."""


def resume_due(
    connection: sa.Connection,
    vault: Vault,
    words: Words,
    forms: Forms | None,
    *,
    now: datetime,
    limit: int,
) -> int:
    """Let paused tasks go on whose time for it has come; returns how many were looked at.

    A recurring one goes on with its next occurrence. A one-off whose time has passed is late: what
    is done about that is its policy (IM-16). Where its push had begun and was stopped, it waits
    for somebody to choose another time, as it would if it were resumed by hand (IM-18).
    """
    claimed = due_tasks.claim_resuming(connection, vault, now=now, limit=limit)
    running = pushes.running(connection, [task.task_id for task in claimed])
    stopped = _stopped(connection, claimed)
    for task in claimed:
        is_running = task.task_id in running
        next_at = _next_at(task, is_running=is_running, now=now)
        if next_at is None and not is_running:
            _move(connection, task, TaskStatus.COMPLETED, None, now=now)
        elif obstacle := _obstacle(connection, task, stopped, words, forms):
            _stay(connection, vault, task, obstacle, words, now=now)
        else:
            status = stands_after(TaskStatus.SCHEDULED, task.status, is_running=is_running)
            _move(connection, task, status, next_at, now=now)
    return len(claimed)


def stands_after(status: TaskStatus, before: TaskStatus | None, *, is_running: bool) -> TaskStatus:
    """Return where a task stands that somebody, or its time, lets go on.

    Groups of a push may be on their way still: then it is running (IM-18).
    """
    if status is TaskStatus.SCHEDULED and before is not TaskStatus.SCHEDULED and is_running:
        return TaskStatus.RUNNING
    return status


def _next_at(task: Task, *, is_running: bool, now: datetime) -> datetime | None:
    timing = task.plan.timing
    if timing.recurs:
        return next_occurrence(timing.schedule, after=now)
    # Where its push is under way, nothing comes after that.
    return None if is_running and timing.time <= now else timing.time


def _move(
    connection: sa.Connection,
    task: Task,
    status: TaskStatus,
    next_at: datetime | None,
    *,
    now: datetime,
) -> None:
    moved = tasks.move(connection, task, status, now=now, next_at=next_at)
    tasks.log_move(connection, task, moved, LogAction.RESUME, by=None)


def _stay(
    connection: sa.Connection,
    vault: Vault,
    task: Task,
    obstacle: _Obstacle,
    words: Words,
    *,
    now: datetime,
) -> None:
    reason = obstacle.reason[:_LONGEST_REASON]
    stays = tasks.move(connection, task, TaskStatus.PAUSED, now=now, reason=reason)
    tasks.log_move(connection, task, stays, LogAction.PAUSE, by=None)
    at = task.resume_at or now
    tell_stays_paused(connection, vault, task, obstacle.told, words, at=at, now=now)


def _stopped(connection: sa.Connection, claimed: Sequence[Task]) -> set[str]:
    """Return the one-offs whose push was stopped: they have nothing to go on with."""
    ids = {
        push_id_for_occurrence(task.task_id, task.plan.timing.time): task.task_id
        for task in claimed
        if not task.plan.timing.recurs
    }
    return {ids[push_id] for push_id in pushes.stopped(connection, ids)}


def _obstacle(
    connection: sa.Connection, task: Task, stopped: set[str], words: Words, forms: Forms | None
) -> _Obstacle | None:
    plan = task.plan
    if needs_preview((plan, task.status), plan, TaskStatus.SCHEDULED) and not previews.passed(
        connection, task.task_id, content_hash(plan.content)
    ):
        return _Obstacle(NOT_CONFIRMED, words.unconfirmed)
    form = form_like(forms, plan.content, plan.name, task.tenant_id) if plan.asks_feedback else None
    problems = unsendable(connection, plan.content, task.tenant_id, form=form, groups=plan.groups)
    if problems:
        said = "; ".join(f"{one.field}: {one.problem}" for one in problems)
        return _Obstacle(said, f"{words.unsendable}: {said}")
    if task.task_id in stopped:
        return _Obstacle(SERVED, words.needs_a_time)
    return None
