"""Group chats that tasks may be sent to (IM-44)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group chat."""

    group_id: str
    tenant_id: str | None
    name: str
    channel: str
    sender_id: str
    """The account that may send to it."""
    recipient: str
    """As the channel spells it."""
    members: int | None
    """How many people are in it; None: nobody has said."""
    is_active: bool


def enter(connection: sa.Connection, groups: Sequence[Group], *, now: datetime) -> list[str]:
    """Store the groups, or what is new of them; returns the ids of those that are another tenant's.

    Nothing is stored of these.
    """
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('t_groups'))"))
    taken = connection.execute(
        sa.text(
            """
            SELECT group_id FROM t_groups JOIN unnest(
                CAST(:ids AS text[]), CAST(:tenants AS text[])
            ) AS given (group_id, tenant_id) USING (group_id)
            WHERE t_groups.tenant_id IS DISTINCT FROM given.tenant_id
            """
        ),
        {"ids": [g.group_id for g in groups], "tenants": [g.tenant_id for g in groups]},
    )
    others = set(taken.scalars())
    own = [group for group in groups if group.group_id not in others]
    connection.execute(
        sa.text(
            """
            INSERT INTO t_groups (
                group_id, tenant_id, name, channel, sender_id, recipient, members, is_active,
                created_at
            )
            SELECT *, :now FROM unnest(
                CAST(:ids AS text[]), CAST(:tenants AS text[]), CAST(:names AS text[]),
                CAST(:channels AS text[]), CAST(:senders AS text[]), CAST(:recipients AS text[]),
                CAST(:members AS integer[]), CAST(:active AS boolean[])
            )
            ON CONFLICT (group_id) DO UPDATE SET name = EXCLUDED.name,
                channel = EXCLUDED.channel, sender_id = EXCLUDED.sender_id,
                recipient = EXCLUDED.recipient, is_active = EXCLUDED.is_active,
                members = coalesce(EXCLUDED.members, t_groups.members)
            """
        ),
        {
            "ids": [group.group_id for group in own],
            "tenants": [group.tenant_id for group in own],
            "names": [group.name for group in own],
            "channels": [group.channel for group in own],
            "senders": [group.sender_id for group in own],
            "recipients": [group.recipient for group in own],
            "members": [group.members for group in own],
            "active": [group.is_active for group in own],
            "now": now,
        },
    )
    return sorted(others)


def page(
    connection: sa.Connection, tenant_id: str | None, search: str | None, *, skip: int, limit: int
) -> tuple[list[Group], int]:
    """Return some of the active groups, by name, and how many there are."""
    rows = connection.execute(
        sa.text(
            """
            SELECT group_id, tenant_id, name, channel, sender_id, recipient, members,
                is_active, count(*) OVER () AS found
            FROM t_groups
            WHERE is_active AND (CAST(:tenant AS text) IS NULL OR tenant_id = :tenant)
                AND (CAST(:search AS text) IS NULL OR group_id = :search
                    OR position(lower(:search) IN lower(name)) > 0)
            ORDER BY name, group_id OFFSET :skip LIMIT :limit
            """
        ),
        {"tenant": tenant_id, "search": search, "skip": skip, "limit": limit},
    ).all()
    groups = [
        Group(
            group_id=row.group_id,
            tenant_id=row.tenant_id,
            name=row.name,
            channel=row.channel,
            sender_id=row.sender_id,
            recipient=row.recipient,
            members=row.members,
            is_active=row.is_active,
        )
        for row in rows
    ]
    return groups, rows[0].found if rows else 0
