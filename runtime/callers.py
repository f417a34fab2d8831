"""Who may call, and what they may do there (AU-03, IM-29)."""

from dataclasses import dataclass
from enum import StrEnum

from runtime.errors import Forbidden


class Permission(StrEnum):
    """What somebody may do. Those of `workbench:` are the seeds' own words (AU-03)."""

    MESSAGES_SEND = "messages:send"
    MESSAGES_VIEW = "messages:view"
    JOBS_RUN = "jobs:run"
    JOBS_VIEW = "jobs:view"
    TASKS_EDIT = "tasks:edit"
    TASKS_VIEW = "tasks:view"
    NOTIFICATIONS_SEND = "notifications:send"
    TASKS_PUSH = "tasks:push"
    """By hand, whatever the task's preview says (IM-18, IM-29)."""
    STATISTICS_VIEW = "statistics:view"
    MEDIA_UPLOAD = "media:upload"
    EVENTS_TRACK = "events:track"
    PEOPLE_ERASE = "people:erase"
    USERS_MANAGE = "users:manage"
    AUDIT_VIEW = "audit:view"
    GROUP_SEND_ACCOUNTS_VIEW = "workbench:wechat:group-send:accounts:view"
    CUSTOMER_TAGS_VIEW = "workbench:customer:tags:view"
    CUSTOMER_VIEW = "workbench:customer:view"
    GROUP_SEND_CREATE = "workbench:group-send:create"
    GROUP_SEND_TASKS_VIEW = "workbench:group-send:tasks:view"
    GROUP_SEND_TASK_VIEW = "workbench:group-send:task:view"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever calls, as their token says."""

    user_id: str
    tenant_id: str | None
    """Whose data they see; None: everybody's, for those who run the system."""
    permissions: frozenset[str]
    credential: str | None = None
    """What the database knows of their session or key; None: a token that stands for itself."""
    correlation_id: str | None = None
    """Joins what one call caused; theirs (`X-Correlation-Id`) or made here."""

    def tenant_for(self, named: str | None) -> str | None:
        """Return the tenant that a request is for, whose body may name one.

        Raises `Forbidden` where it is not the caller's own.
        """
        if self.tenant_id is None or named is None or named == self.tenant_id:
            return named or self.tenant_id
        raise Forbidden("tenantId: is not yours")

    def may_see(self, tenant_id: str | None) -> bool:
        """Return whether what belongs to the tenant exists for the caller."""
        return self.tenant_id is None or self.tenant_id == tenant_id
