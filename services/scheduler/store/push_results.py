"""What becomes of each group of a push (IM-40). Its push is locked by whoever writes here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from domain.identity import message_id_for_group
from domain.pacing import Priority
from domain.pushes import NO_GROUP, Counts
from domain.tasks import PushContent
from runtime.vault import Vault
from services.scheduler.store.contents import PUSHED, content_of, read

Begun = tuple[str, str | None, Sequence[str]]
"""A push that begins: its id, its tenant, and its groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpublished:
    """A group of a push whose request the broker does not have yet, and where it is written to."""

    push_id: str
    task_id: str
    tenant_id: str | None
    group_id: str
    message_id: str
    channel: str | None
    """None: there is no such group any more."""
    sender_id: str
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """A push with groups that are still to be handed over."""

    push_id: str
    task_id: str
    priority: Priority
    content: PushContent
    due_at: datetime
    started_at: datetime
    tenant_id: str | None
    name: str
    """Of its task."""
    asks_feedback: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a change of a message says of its group."""

    message_id: str
    sequence: int
    status: str
    error: str | None
    delivered_at: datetime | None


_IS_OURS: Final = """
    known.is_active
    AND (result.tenant_id IS NULL OR known.tenant_id IS NULL
        OR known.tenant_id = result.tenant_id)
"""


def enter(connection: sa.Connection, begun: Sequence[Begun]) -> None:
    """Enter the groups of pushes; one that there is not has failed (TP-14)."""
    places = [(push, tenant, group) for push, tenant, groups in begun for group in groups]
    if not places:
        return
    connection.execute(
        sa.text(
            f"""
            INSERT INTO t_push_results (push_id, group_id, message_id, status, error)
            SELECT result.push_id, result.group_id, result.message_id,
                CASE WHEN known.group_id IS NULL THEN 'failed' ELSE 'pending' END,
                CASE WHEN known.group_id IS NULL THEN :no_group END
            FROM unnest(
                CAST(:push_ids AS text[]), CAST(:groups AS text[]), CAST(:messages AS text[]),
                CAST(:tenants AS text[])
            ) AS result(push_id, group_id, message_id, tenant_id)
            LEFT JOIN t_groups AS known ON known.group_id = result.group_id AND {_IS_OURS}
            """  # noqa: S608 - our own words only
        ),
        {
            "push_ids": [push for push, _, _ in places],
            "groups": [group for _, _, group in places],
            "messages": [message_id_for_group(push, group) for push, _, group in places],
            "tenants": [tenant for _, tenant, _ in places],
            "no_group": NO_GROUP,
        },
    )


def recipients(
    connection: sa.Connection, groups: Sequence[str], tenant_id: str | None
) -> dict[str, str]:
    """Return where those of the groups are written to that there are."""
    rows = connection.execute(
        sa.text(
            """
            SELECT group_id, recipient FROM t_groups
            WHERE group_id = ANY(:groups) AND is_active
                AND (CAST(:tenant AS text) IS NULL OR tenant_id IS NULL OR tenant_id = :tenant)
            """
        ),
        {"groups": list(groups), "tenant": tenant_id},
    )
    return {row.group_id: row.recipient for row in rows}


def claim_unpublished(connection: sa.Connection, vault: Vault, *, limit: int) -> list[Handing]:
    """Return pushes with groups to hand over, the most urgent first, locked.

    SKIP LOCKED: each is in the hands of one scheduler.
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT push_id, task_id, push.priority, push.content, push.sealed, due_at, started_at,
                push.tenant_id, task.name, task.asks_feedback
            FROM t_pushes AS push JOIN t_tasks AS task USING (task_id)
            WHERE push.status = 'running' AND published_at IS NULL
            ORDER BY array_position(ARRAY['high', 'medium', 'low'], push.priority::text), due_at
            LIMIT :limit FOR UPDATE OF push SKIP LOCKED
            """
        ),
        {"limit": limit},
    )
    found = rows.all()
    said = read(connection, vault, ((row.content, row.sealed) for row in found), place=PUSHED)
    return [
        Handing(
            push_id=row.push_id,
            task_id=row.task_id,
            priority=row.priority,
            content=content_of(content),
            due_at=row.due_at,
            started_at=row.started_at,
            tenant_id=row.tenant_id,
            name=row.name,
            asks_feedback=row.asks_feedback,
        )
        for row, content in zip(found, said, strict=True)
    ]


def unpublished(connection: sa.Connection, push_ids: Sequence[str]) -> list[Unpublished]:
    """Return the groups of locked pushes that the broker does not have yet."""
    rows = connection.execute(
        sa.text(
            """
            SELECT push_id, push.task_id, push.tenant_id, result.group_id, message_id,
                known.channel, known.sender_id, known.recipient
            FROM t_push_results AS result
            JOIN t_pushes AS push USING (push_id)
            LEFT JOIN t_groups AS known ON known.group_id = result.group_id
            WHERE push_id = ANY(:ids) AND result.status = 'pending'
                AND result.published_at IS NULL
            """
        ),
        {"ids": list(push_ids)},
    )
    return [Unpublished(**row) for row in rows.mappings()]


def mark_published(connection: sa.Connection, push_ids: Sequence[str], *, now: datetime) -> None:
    """Note that the broker has the requests of all groups of locked pushes that are pending."""
    values = {"ids": list(push_ids), "now": now}
    connection.execute(
        sa.text(
            """
            UPDATE t_push_results SET published_at = :now
            WHERE push_id = ANY(:ids) AND status = 'pending' AND published_at IS NULL
            """
        ),
        values,
    )
    connection.execute(
        sa.text("UPDATE t_pushes SET published_at = :now WHERE push_id = ANY(:ids)"), values
    )


def fail(connection: sa.Connection, errors: Mapping[str, str]) -> None:
    """Fail groups that cannot be handed over, by the ids of their messages."""
    if not errors:
        return
    connection.execute(
        sa.text(
            """
            UPDATE t_push_results AS result SET status = 'failed', error = failed.error
            FROM unnest(CAST(:ids AS text[]), CAST(:errors AS text[])) AS failed(message_id, error)
            WHERE result.message_id = failed.message_id
            """
        ),
        {"ids": list(errors), "errors": list(errors.values())},
    )


def cancel_unpublished(connection: sa.Connection, push_ids: Sequence[str]) -> int:
    """Cancel the groups of locked pushes that the broker does not have; return how many."""
    cancelled = connection.execute(
        sa.text(
            """
            UPDATE t_push_results SET status = 'cancelled'
            WHERE push_id = ANY(:ids) AND status = 'pending' AND published_at IS NULL
            """
        ),
        {"ids": list(push_ids)},
    )
    return cancelled.rowcount


def give_up(connection: sa.Connection, push_ids: Sequence[str], error: str) -> None:
    """Fail the groups of locked pushes that are pending; what is heard of them later counts."""
    query = """
        UPDATE t_push_results SET status = 'failed', error = :error
        WHERE push_id = ANY(:ids) AND status = 'pending'
    """
    connection.execute(sa.text(query), {"ids": list(push_ids), "error": error})


def pushes_of(connection: sa.Connection, message_ids: Collection[str]) -> set[str]:
    """Return the pushes that these messages belong to."""
    query = "SELECT DISTINCT push_id FROM t_push_results WHERE message_id = ANY(:ids)"
    return set(connection.execute(sa.text(query), {"ids": list(message_ids)}).scalars())


def none_pending(connection: sa.Connection, push_ids: Collection[str]) -> list[str]:
    """Return those of the pushes of which no group is pending."""
    query = """
        SELECT push_id FROM unnest(CAST(:ids AS text[])) AS push(push_id) WHERE NOT EXISTS (
            SELECT 1 FROM t_push_results AS result
            WHERE result.push_id = push.push_id AND result.status = 'pending'
        )
    """
    return list(connection.execute(sa.text(query), {"ids": list(push_ids)}).scalars())


def settle(connection: sa.Connection, news: Collection[News]) -> int:
    """Enter what messages' last changes say; an older one, or the same again, changes nothing.

    How often each was tried stands in the dispatcher's ledger; what found no room is no attempt.
    """
    settled = connection.execute(
        sa.text(
            """
            UPDATE t_push_results AS result
            SET status = news.status, error = news.error, sequence = news.sequence,
                delivered_at = CASE WHEN news.status = 'sent' THEN news.delivered_at END,
                attempts = coalesce((
                    SELECT tried.attempt - tried.throttled - tried.broken
                    FROM dispatch_ledger AS tried WHERE tried.message_id = news.message_id
                ), result.attempts)
            FROM unnest(
                CAST(:ids AS text[]), CAST(:sequences AS int[]), CAST(:statuses AS text[]),
                CAST(:errors AS text[]), CAST(:delivered AS timestamptz[])
            ) AS news(message_id, sequence, status, error, delivered_at)
            WHERE result.message_id = news.message_id AND result.sequence < news.sequence
            """
        ),
        {
            "ids": [one.message_id for one in news],
            "sequences": [one.sequence for one in news],
            "statuses": [one.status for one in news],
            "errors": [one.error for one in news],
            "delivered": [one.delivered_at for one in news],
        },
    )
    return settled.rowcount


def count(
    connection: sa.Connection, push_ids: Sequence[str]
) -> dict[str, tuple[Counts, str | None]]:
    """Return how many groups of each push are in each state, and what the first error was."""
    rows = connection.execute(
        sa.text(
            """
            SELECT push.push_id,
                count(*) FILTER (WHERE result.status = 'pending') AS pending,
                count(*) FILTER (WHERE result.status = 'sent') AS sent,
                count(*) FILTER (WHERE result.status = 'failed') AS failed,
                count(*) FILTER (WHERE result.status = 'cancelled') AS cancelled,
                min(result.error) AS error
            FROM unnest(CAST(:ids AS text[])) AS push(push_id)
            LEFT JOIN t_push_results AS result ON result.push_id = push.push_id
            GROUP BY push.push_id
            """
        ),
        {"ids": list(push_ids)},
    )
    return {
        row.push_id: (Counts(row.pending, row.sent, row.failed, row.cancelled), row.error)
        for row in rows
    }
