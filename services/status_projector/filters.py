"""What was asked for, as the store looks for it: one place for all lists of messages."""

from collections.abc import Sequence
from typing import Final

from runtime.vault import Person
from schemas.http.asking import MessageFilter
from services.status_projector.store.search import Wanted

_COLUMNS: Final = {
    "channel": "channel",
    "sender_id": "sender_id",
    "type": "message_type",
    "direction": "message_direction",
    "job_id": "job_id",
    "case_id": "case_id",
    "order_id": "order_id",
    "contact_id": "contact_id",
    "agent_id": "agent_id",
    "error_code": "error_code",
}
"""By field of the filter."""


def wanted(asked: MessageFilter, tenant_id: str | None, people: Sequence[Person] | None) -> Wanted:
    """Return which messages are asked for, of the caller's tenant where there is one."""
    equal = {
        column: value
        for field, column in _COLUMNS.items()
        if (value := getattr(asked, field)) is not None
    }
    return Wanted(
        people=people,
        statuses=None if asked.status is None else asked.status.stored,
        since=asked.from_,
        before=asked.to,
        equal=equal | of_tenant(tenant_id),
    )


def of_tenant(tenant_id: str | None) -> dict[str, str]:
    """Return the condition that keeps other tenants' rows out."""
    return {} if tenant_id is None else {"tenant_id": tenant_id}
