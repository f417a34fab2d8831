"""What people are told of tasks: each once, through the pipeline and in a list (IM-19, IM-43)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from domain.identity import message_id_for_notification, notification_id
from runtime.vault import Vault
from services.scheduler.store import contents

Type = Literal["reminder", "result", "preview"]


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a notice says (NF-03), and what a template is filled in with."""

    message: str
    status: Literal["success", "failed"] | None = None
    error: str | None = None
    state: str = ""
    """In a word or two."""
    task: str = ""
    """The task's name."""
    time: str = ""
    """Of what it speaks of, on the task's clock."""
    response_id: str | None = None
    """Of the answer to a preview whose words belong to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that one person is to be told."""

    subject: str
    """What it is about: each is told once."""
    user_id: str
    """Of an account of ours, or the openid of somebody without one."""
    type: Type
    task_id: str | None
    content: Content
    due_at: datetime
    tenant_id: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A notice whose time has come, locked."""

    id: str
    subject: str
    user_id: str
    type: Type
    task_id: str | None
    content: Content
    due_at: datetime
    tenant_id: str | None
    has_account: bool
    openid: str | None
    """Of the account."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a notice's message."""

    status: Literal["sent", "failed"]
    error: str | None


def note(
    connection: sa.Connection, vault: Vault, notices: Sequence[Notice], *, now: datetime
) -> None:
    """Enter notices, each subject once."""
    if not notices:
        return
    ordered = sorted({each.subject: each for each in notices}.items())  # no deadlock
    said = [(each.tenant_id, each.content) for _, each in ordered]
    connection.execute(
        sa.text(
            """
            INSERT INTO t_notifications (
                notification_id, user_id, type, task_id, sealed, subject, due_at, status,
                message_id, created_at, tenant_id
            )
            SELECT id, user_id, type, task_id, sealed, subject, due_at, 'waiting',
                message_id, :now, tenant_id
            FROM unnest(
                CAST(:ids AS text[]), CAST(:users AS text[]), CAST(:types AS text[]),
                CAST(:tasks AS text[]), CAST(:sealed AS bytea[]), CAST(:subjects AS text[]),
                CAST(:dues AS timestamptz[]), CAST(:messages AS text[]), CAST(:tenants AS text[])
            ) AS notice(
                id, user_id, type, task_id, sealed, subject, due_at, message_id, tenant_id
            )
            ON CONFLICT (subject) DO NOTHING
            """
        ),
        {
            "ids": [notification_id(subject) for subject, _ in ordered],
            "users": [each.user_id for _, each in ordered],
            "types": [each.type for _, each in ordered],
            "tasks": [each.task_id for _, each in ordered],
            "sealed": contents.seal(connection, vault, said, place=contents.NOTICES),
            "subjects": [subject for subject, _ in ordered],
            "dues": [each.due_at for _, each in ordered],
            # Known before it is published: news of it may be heard before that is committed.
            "messages": [message_id_for_notification(subject) for subject, _ in ordered],
            "tenants": [each.tenant_id for _, each in ordered],
            "now": now,
        },
    )


def claim_due(connection: sa.Connection, vault: Vault, *, now: datetime, limit: int) -> list[Due]:
    """Return notices whose time has come, locked; SKIP LOCKED: each goes to one scheduler."""
    rows = connection.execute(
        sa.text(
            """
            SELECT notification_id, subject, n.user_id, type, task_id, content, sealed, due_at,
                n.tenant_id, account.user_id IS NOT NULL AS has_account, account.openid
            FROM t_notifications AS n
            LEFT JOIN users AS account ON CAST(account.user_id AS text) = n.user_id
            WHERE n.status = 'waiting' AND due_at <= :now
            ORDER BY due_at LIMIT :limit FOR UPDATE OF n SKIP LOCKED
            """
        ),
        {"now": now, "limit": limit},
    ).all()
    return [
        Due(
            id=row.notification_id,
            subject=row.subject,
            user_id=row.user_id,
            type=row.type,
            task_id=row.task_id,
            content=content,
            due_at=row.due_at,
            tenant_id=row.tenant_id,
            has_account=row.has_account,
            openid=row.openid,
        )
        for row, content in zip(rows, _contents(connection, vault, rows), strict=True)
    ]


def mark_handed_over(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Note that the broker has the messages of these notices, which are locked."""
    connection.execute(
        sa.text(
            """
            UPDATE t_notifications SET status = 'handed_over'
            WHERE notification_id = ANY(CAST(:ids AS text[]))
            """
        ),
        {"ids": list(ids)},
    )


def mark_unsent(
    connection: sa.Connection,
    status: Literal["failed", "cancelled"],
    reasons: Mapping[str, str],
) -> None:
    """Note why these notices, which are locked, are not sent; they stand in the list."""
    connection.execute(
        sa.text(
            """
            UPDATE t_notifications AS n SET status = :status, error = r.reason
            FROM unnest(CAST(:ids AS text[]), CAST(:reasons AS text[])) AS r(id, reason)
            WHERE n.notification_id = r.id
            """
        ),
        {"status": status, "ids": list(reasons), "reasons": list(reasons.values())},
    )


def settle(connection: sa.Connection, outcomes: Mapping[str, Outcome]) -> int:
    """Note what became of messages, those that are notices; returns how many are."""
    if not outcomes:
        return 0
    ordered = sorted(outcomes)
    settled = connection.execute(
        sa.text(
            """
            UPDATE t_notifications AS n SET status = o.status, error = o.error
            FROM unnest(
                CAST(:ids AS text[]), CAST(:statuses AS text[]), CAST(:errors AS text[])
            ) AS o(message_id, status, error)
            WHERE n.message_id = o.message_id AND n.status <> o.status
            """
        ),
        {
            "ids": ordered,
            "statuses": [outcomes[each].status for each in ordered],
            "errors": [outcomes[each].error for each in ordered],
        },
    )
    return settled.rowcount


@dataclass(frozen=True, slots=True)
class Listed:
    """A notice as its reader sees it."""

    id: str
    type: Type
    task_id: str | None
    content: Content
    status: Literal["waiting", "handed_over", "sent", "failed"]
    error: str | None
    at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a person's notices."""

    notices: list[Listed]
    total: int
    unread: int


_SHOWN: Final = "user_id = :user_id AND status <> 'cancelled' AND due_at <= :now"


def page_of(
    connection: sa.Connection, vault: Vault, user_id: str, *, now: datetime, offset: int, limit: int
) -> Page:
    """Return a person's notices, whatever became of their messages; unread ones first."""
    named = {"user_id": user_id, "now": now, "offset": offset, "limit": limit}
    rows = connection.execute(
        sa.text(
            f"""
            SELECT notification_id, type, task_id, content, sealed, status, error,
                greatest(due_at, created_at) AS at, read_at
            FROM t_notifications WHERE {_SHOWN}
            ORDER BY (read_at IS NOT NULL), greatest(due_at, created_at) DESC, notification_id
            LIMIT :limit OFFSET :offset
            """  # noqa: S608 - our own words only
        ),
        named,
    ).all()
    notices = [
        Listed(
            row.notification_id,
            row.type,
            row.task_id,
            content,
            row.status,
            row.error,
            row.at,
            row.read_at,
        )
        for row, content in zip(rows, _contents(connection, vault, rows), strict=True)
    ]
    counts = connection.execute(
        sa.text(
            f"""
            SELECT count(*) AS total, count(*) FILTER (WHERE read_at IS NULL) AS unread
            FROM t_notifications WHERE {_SHOWN}
            """  # noqa: S608 - the same
        ),
        named,
    ).one()
    return Page(notices, counts.total, counts.unread)


def mark_read(connection: sa.Connection, notification: str, user_id: str, *, now: datetime) -> bool:
    """Note that its reader has read it; False where they have no such notice."""
    read = connection.execute(
        sa.text(
            f"""
            UPDATE t_notifications SET read_at = coalesce(read_at, :now)
            WHERE notification_id = :id AND {_SHOWN}
            """  # noqa: S608 - the same
        ),
        {"id": notification, "user_id": user_id, "now": now},
    )
    return read.rowcount > 0


def _contents(
    connection: sa.Connection, vault: Vault, rows: Sequence[sa.Row[tuple[Any, ...]]]
) -> list[Content]:
    said = contents.read(
        connection, vault, ((row.content, row.sealed) for row in rows), place=contents.NOTICES
    )
    # Of a tenant whose key is gone it says nothing.
    return [msgspec.convert({"message": ""} | each, Content) for each in said]
