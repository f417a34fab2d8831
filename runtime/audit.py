"""Notes who changed what, in the transaction that changes it (IM-31)."""

import getpass
import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from runtime.callers import Caller, Permission

Changes = Mapping[str, tuple[Any, Any]]
"""By field: what it was, and what it is now; of an export its filter. Never a secret, a content
or an address."""


class Action(StrEnum):
    """What is done, and to what."""

    USER_CREATE = "user.create"
    USER_CHANGE = "user.change"
    PASSWORD_CHANGE = "user.change-password"  # noqa: S105 - the name of an action
    KEY_CREATE = "api-key.create"
    KEY_REVOKE = "api-key.revoke"
    ROLE_CREATE = "role.create"
    ROLE_CHANGE = "role.change"
    TENANT_CREATE = "tenant.create"
    TENANT_CHANGE = "tenant.change"
    JOB_CREATE = "job.create"
    JOB_CANCEL = "job.cancel"
    JOB_PAUSE = "job.pause"
    JOB_RESUME = "job.resume"
    JOB_RETRY = "job.retry"
    TASK_CREATE = "task.create"
    TASK_CHANGE = "task.change"
    TASK_COPY = "task.copy"
    TASK_PAUSE = "task.pause"
    TASK_RESUME = "task.resume"
    TASK_DELETE = "task.delete"
    TASK_PUSH = "task.push"
    PREVIEW_SEND = "preview.send"
    PREVIEW_ANSWER = "preview.answer"
    TEMPLATE_CREATE = "template.create"
    TEMPLATE_CHANGE = "template.change"
    TEMPLATE_DELETE = "template.delete"
    GROUPS_ENTER = "groups.enter"
    NOTIFICATION_SEND = "notification.send"
    MEDIA_UPLOAD = "media.upload"
    SENDER_RESUME = "sender.resume"
    SENDER_LIMIT = "sender.limit"
    PERSON_OPT_OUT = "person.opt-out"
    PERSON_OPT_IN = "person.opt-in"
    PERSON_ERASE = "person.erase"
    KEYS_ROTATE = "keys.rotate"
    RETENTION_RUN = "retention.run"
    MESSAGES_REBUILD = "messages.rebuild"
    FENCE_CONFIRM = "fence.confirm"
    TASKS_EXPORT = "tasks.export"
    FEEDBACK_EXPORT = "feedback.export"
    MESSAGES_EXPORT = "messages.export"
    JOB_RESULTS_EXPORT = "job-results.export"
    LIST_EXPORT = "list.export"
    DEAD_LETTERS_REPLAY = "dead-letters.replay"


_NOTE = sa.text(
    """
    INSERT INTO audit_log (at, actor, tenant_id, action, about, changes, correlation_id)
    VALUES (now(), :actor, :tenant_id, :action, :about, CAST(:changes AS jsonb), :correlation_id)
    """
)


def note(
    connection: sa.Connection,
    caller: Caller,
    action: str,
    about: str,
    changes: Changes | None = None,
    *,
    tenant_id: str | None = None,
) -> None:
    """Note it; ``tenant_id`` where it concerns another tenant than the caller's."""
    connection.execute(
        _NOTE,
        {
            "actor": caller.user_id,
            "tenant_id": tenant_id or caller.tenant_id,
            "action": action,
            "about": about,
            "changes": json.dumps(changes or {}, default=_plain),
            "correlation_id": caller.correlation_id,
        },
    )


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ.

    >>> changed({"name": "Ada", "role": "1"}, {"name": "Ada", "role": "2"})
    {'role': ('1', '2')}
    """
    return {
        field: (before.get(field), value)
        for field, value in after.items()
        if before.get(field) != value
    }


def at_the_terminal() -> Caller:
    """Return who runs a command: known to the machine, not to us, and free to do everything."""
    return Caller(f"cli:{_login()}", None, frozenset(Permission))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container the number may have no name.
        return "unknown"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
