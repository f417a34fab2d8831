"""What people do to timed push tasks: each checked, done, told and logged in one transaction.

Refusals are exceptions, so that nothing of what was refused is done (TP-05…TP-11, CF-24, CF-53).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

import sqlalchemy as sa

from domain.task_rules import Problem, Wrong, exhausted, problems_of, untimely
from domain.tasks import (
    Act,
    Plan,
    TaskStatus,
    allows,
    changes_of,
    content_hash,
    described,
    needs_preview,
    next_at,
    refusal,
)
from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller
from runtime.errors import Conflict, NotFound
from runtime.vault import Vault
from schemas.http.tasks import TaskBody
from services.scheduler.store import previews, pushes, tasks
from services.scheduler.store.task_logs import Changes, LogAction
from services.scheduler.store.tasks import Task
from services.scheduler.timed import settling
from services.scheduler.timed.forms import Forms, form_like
from services.scheduler.timed.planning import edited, first_plan, refuse
from services.scheduler.timed.resuming import NOT_CONFIRMED, stands_after
from services.scheduler.timed.sendable import unsendable

NO_TASK: Final = "Task not found"
CHANGED_MEANWHILE: Final = "Task was changed meanwhile: read it again"

_LIVE: Final = frozenset({TaskStatus.SCHEDULED, TaskStatus.RUNNING, TaskStatus.PAUSED})
"""Where a task is complete: it will be sent, or may be at any moment."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts, with which keys, when, and in which zone they mean it where they name none."""

    caller: Caller
    vault: Vault
    now: datetime
    zone: str
    forms: Forms | None = None
    """Writes the links to forms, where there are any."""


def create(connection: sa.Connection, body: TaskBody, hand: Hand) -> Task:
    """Store a new task. Raises `WrongFields`, and `Conflict` without a preview (CF-25)."""
    status = TaskStatus(body.status or TaskStatus.DRAFT)
    plan, problems = first_plan(body, zone=hand.zone, now=hand.now)
    problems += _unsendable(connection, plan, status, hand.caller.tenant_id, hand)
    refuse([*problems, *_all_problems(plan, status, before=None, now=hand.now)])
    task = _insert(connection, plan, status, hand, {})
    _note(connection, task, Action.TASK_CREATE, hand, {"status": (None, status)})
    return task


def copy(connection: sa.Connection, task_id: str, body: TaskBody | None, hand: Hand) -> Task:
    """Store a draft like another task, of whoever copies it (CF-24, CF-31)."""
    original = _known(tasks.of(connection, hand.vault, task_id, hand.caller))
    plan = original.plan
    if body is not None:
        plan, problems = edited(plan, body)
        refuse([*problems, *problems_of(plan, is_complete=False)])
    copied: Changes = {"copiedFrom": (None, original.task_id)}
    task = _insert(connection, plan, TaskStatus.DRAFT, hand, copied, original.tenant_id)
    _note(connection, task, Action.TASK_COPY, hand, copied)
    return task


def edit(
    connection: sa.Connection, task_id: str, body: TaskBody, hand: Hand, *, version: int | None
) -> Task:
    """Change a task (TP-07, IM-18, IM-20).

    Raises `WrongFields`, `NotFound`, and `Conflict` where its state, its version or its preview
    is in the way.
    """
    task = _for(connection, task_id, Act.EDIT, hand, version=version)
    plan, problems = edited(task.plan, body)
    status = task.status if body.status is None else TaskStatus(body.status)
    problems += _unsendable(connection, plan, status, task.tenant_id, hand)
    refuse([*problems, *_all_problems(plan, status, before=task, now=hand.now)])
    before = (task.plan, task.status)
    _must_be_confirmed(connection, task.task_id, before, plan, status)
    due = task.next_at if _fires_alike(task, plan, status) else next_at(plan, status, now=hand.now)
    resume_at = task.resume_at if status is TaskStatus.PAUSED else None
    if task.plan.timing != plan.timing:
        pushes.let_go(connection, task_id, "the task's time was changed", now=hand.now)
    elif status is TaskStatus.DRAFT:
        pushes.let_go(connection, task_id, "the task was made a draft", now=hand.now)
    stands = _stands(connection, task, status)
    after = replace(task, plan=plan, status=stands, next_at=due, resume_at=resume_at)
    fields = sorted(changes_of(task.plan, plan))
    changes = {
        "fields": (None, fields),
        **audit.changed({"status": task.status}, {"status": stands}),
    }
    _note(connection, task, Action.TASK_CHANGE, hand, changes)
    return tasks.change(connection, hand.vault, task, after, by=hand.caller.user_id, now=hand.now)


def delete(connection: sa.Connection, task_id: str, hand: Hand) -> None:
    """Delete a task that is a draft or paused (TP-08)."""
    task = _for(connection, task_id, Act.DELETE, hand)
    tasks.delete(connection, task, by=hand.caller.user_id, now=hand.now)
    settling.stop(connection, task_id, "the task was deleted", now=hand.now)
    _note(connection, task, Action.TASK_DELETE, hand, {"status": (task.status, None)})


def pause(
    connection: sa.Connection, task_id: str, hand: Hand, *, resume_at: datetime | None
) -> Task:
    """Stop a task, and what of a push is not on its way; until then, or until resumed (TP-11).

    One that is paused may be paused until another time.
    """
    task = _known(tasks.lock(connection, hand.vault, task_id, hand.caller.tenant_id))
    is_later = task.status is TaskStatus.PAUSED and resume_at not in (None, task.resume_at)
    if not is_later and not allows(task.status, Act.PAUSE, recurs=task.plan.timing.recurs):
        raise Conflict(refusal(Act.PAUSE))
    if resume_at is not None and resume_at <= hand.now:
        refuse([Problem("updates.resumeAt", Wrong.PAST, "must lie in the future")])
    by, now = hand.caller.user_id, hand.now
    paused = tasks.move(connection, task, TaskStatus.PAUSED, now=now, by=by, resume_at=resume_at)
    tasks.log_move(connection, task, paused, LogAction.PAUSE, by=by)
    settling.stop(connection, task_id, "the task was paused", now=now)
    changes = {"status": (task.status, paused.status), "resumeAt": (task.resume_at, resume_at)}
    _note(connection, task, Action.TASK_PAUSE, hand, changes)
    return paused


def resume(connection: sa.Connection, task_id: str, body: TaskBody | None, hand: Hand) -> Task:
    """Let a paused task go on, changed as the body says. Past its time it needs another (IM-18)."""
    task = _for(connection, task_id, Act.RESUME, hand)
    if body is not None:
        body = body.model_copy(update={"status": TaskStatus.SCHEDULED})
        return edit(connection, task_id, body, hand, version=None)
    refuse(
        [
            *_unsendable(connection, task.plan, TaskStatus.SCHEDULED, task.tenant_id, hand),
            *exhausted(task.plan.timing, now=hand.now),
        ]
    )
    status = TaskStatus.SCHEDULED
    _must_be_confirmed(connection, task_id, (task.plan, task.status), task.plan, status)
    by, now = hand.caller.user_id, hand.now
    due = next_at(task.plan, status, now=now)
    stands = _stands(connection, task, status)
    resumed = tasks.move(connection, task, stands, now=now, by=by, next_at=due)
    tasks.log_move(connection, task, resumed, LogAction.RESUME, by=by)
    _note(connection, task, Action.TASK_RESUME, hand, {"status": (task.status, stands)})
    return resumed


def _insert(
    connection: sa.Connection,
    plan: Plan,
    status: TaskStatus,
    hand: Hand,
    log: Changes,
    tenant_id: str | None = None,
) -> Task:
    caller, now = hand.caller, hand.now
    task = Task(
        task_id=str(uuid4()),
        tenant_id=tenant_id or caller.tenant_id,
        creator_id=caller.user_id,
        status=status,
        version=1,
        plan=plan,
        next_at=next_at(plan, status, now=now),
        resume_at=None,
        last_error=None,
        created_at=now,
        updated_at=now,
    )
    _must_be_confirmed(connection, task.task_id, None, plan, status)
    said: Changes = {field: (None, value) for field, value in described(plan).items() if value}
    first: Changes = {**log, "status": (None, status), **said}
    tasks.insert(connection, hand.vault, task, first, by=caller.user_id)
    return task


def _note(
    connection: sa.Connection, task: Task, action: Action, hand: Hand, changes: audit.Changes
) -> None:
    """Note who did it (IM-31); what a content says stands in the task's own log only."""
    audit.note(connection, hand.caller, action, task.task_id, changes, tenant_id=task.tenant_id)


def _for(
    connection: sa.Connection, task_id: str, act: Act, hand: Hand, *, version: int | None = None
) -> Task:
    """Return the task, locked, where the act is allowed."""
    task = _known(tasks.lock(connection, hand.vault, task_id, hand.caller.tenant_id))
    if not allows(task.status, act, recurs=task.plan.timing.recurs):
        raise Conflict(refusal(act))
    if version is not None and version != task.version:
        raise Conflict(CHANGED_MEANWHILE)
    return task


def _known(task: Task | None) -> Task:
    if task is None:
        raise NotFound(NO_TASK)
    return task


def _all_problems(
    plan: Plan, status: TaskStatus, *, before: Task | None, now: datetime
) -> Sequence[Problem]:
    """Return what is wrong with a plan in a state, where another may have stood before it."""
    found = problems_of(plan, is_complete=status in _LIVE)
    if before is None or before.plan.timing.time != plan.timing.time:
        found += untimely(plan.timing, now=now)
    if found or status is not TaskStatus.SCHEDULED:
        return found
    if before is not None and _fires_alike(before, plan, status):
        return []
    return exhausted(plan.timing, now=now)


def _unsendable(
    connection: sa.Connection, plan: Plan, status: TaskStatus, tenant_id: str | None, hand: Hand
) -> Sequence[Problem]:
    """Return what keeps a plan that will be sent from that: what a preview would say (PV-03)."""
    if status not in _LIVE or plan.content.is_empty:
        return []
    form = form_like(hand.forms, plan.content, plan.name, tenant_id) if plan.asks_feedback else None
    return unsendable(connection, plan.content, tenant_id, form=form, groups=plan.groups)


def _stands(connection: sa.Connection, task: Task, status: TaskStatus) -> TaskStatus:
    is_running = bool(pushes.running(connection, [task.task_id]))
    return stands_after(status, task.status, is_running=is_running)


def _fires_alike(task: Task, plan: Plan, status: TaskStatus) -> bool:
    """Tell whether when it fires next stays: it may be due at this very moment."""
    return task.status is status and task.plan.timing == plan.timing


def _must_be_confirmed(
    connection: sa.Connection,
    task_id: str,
    before: tuple[Plan, TaskStatus] | None,
    plan: Plan,
    status: TaskStatus,
) -> None:
    if needs_preview(before, plan, status) and not previews.passed(
        connection, task_id, content_hash(plan.content)
    ):
        raise Conflict(NOT_CONFIRMED)
