"""Pushes that somebody starts by hand, to see what they look like (TP-15, IM-18).

Any task that is not running, whatever its preview says. It is a test: once it has ended, the task
stands where it stood, and its next occurrence comes as it would have.
"""

from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from domain.tasks import Act, TaskStatus, allows, refusal
from runtime import audit
from runtime.callers import Caller
from runtime.errors import Conflict, NotFound
from runtime.vault import Vault
from services.scheduler.store import due_tasks, pushes, tasks
from services.scheduler.store.due_tasks import Step
from services.scheduler.timed import firing, settling

_NUL = "\x00"
"""PostgreSQL keeps it in no text and refuses to look for it."""


def start(
    connection: sa.Connection, vault: Vault, task_id: str, caller: Caller, *, now: datetime
) -> str:
    """Return the id of the push. Raises `NotFound` or `Conflict`."""
    task = None if _NUL in task_id else tasks.lock(connection, vault, task_id, caller.tenant_id)
    if task is None:
        raise NotFound("Task not found")
    is_busy = bool(pushes.running(connection, [task_id]))
    if is_busy or not allows(task.status, Act.PUSH, recurs=task.plan.timing.recurs):
        raise Conflict(refusal(Act.PUSH))
    push = firing.new_push(task, str(uuid4()), by=caller.user_id, now=now)
    pushes.enter(connection, [push], now=now)
    step = Step(task, TaskStatus.RUNNING, task.next_at, task.last_error, changed_by=caller.user_id)
    due_tasks.move(connection, [step], now=now)
    settling.end_finished(connection, [push.push_id], now=now)
    audit.note(connection, caller, audit.Action.TASK_PUSH, task_id, tenant_id=task.tenant_id)
    return push.push_id
