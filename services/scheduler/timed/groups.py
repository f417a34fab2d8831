"""Group chats that tasks may be sent to: how they are entered (IM-44)."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller
from runtime.errors import Conflict
from schemas.http.tasks import GroupBody
from services.scheduler.store import groups
from services.scheduler.store.groups import Group


def group_of(given: GroupBody, caller: Caller) -> Group:
    """Return the group that somebody gives. Raises `Forbidden` for another tenant."""
    return Group(
        group_id=given.group_id,
        tenant_id=caller.tenant_for(given.tenant_id),
        name=given.name,
        channel=given.channel,
        sender_id=given.sender_id,
        recipient=given.recipient or f"chat:{given.group_id}"[:128],
        members=given.members,
        is_active=given.is_active,
    )


def enter(
    connection: sa.Connection, given: Sequence[Group], caller: Caller, *, now: datetime
) -> None:
    """Store those that are new, and what is new of the others.

    Raises `Conflict` where one is another tenant's.
    """
    if taken := groups.enter(connection, given, now=now):
        raise Conflict(f"Group belongs to somebody else: {', '.join(taken[:10])}")
    ids = sorted(group.group_id for group in given)
    entered = {"entered": (None, len(ids)), "first": (None, ids[0]), "last": (None, ids[-1])}
    audit.note(
        connection, caller, Action.GROUPS_ENTER, "groups", entered, tenant_id=given[0].tenant_id
    )
