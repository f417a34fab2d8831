"""Whom a task's notices are for, and how they are reached (NF-01, NF-02, CF-27)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

_COLUMNS: Final = """
    task_id, tenant_id, name, timezone, creator_id, preview_recipients,
    jsonb_array_length(groups) AS group_count
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A task, as far as a notice speaks of it."""

    task_id: str
    tenant_id: str | None
    name: str
    timezone: str
    creator_id: str
    recipients: tuple[str, ...]
    """WeChat ids of users, or openids."""
    groups: int


@dataclass(frozen=True, slots=True)
class Account:
    """A user of ours, by any of their names."""

    user_id: str
    wechat_id: str
    openid: str | None
    tenant_id: str | None


def subjects(connection: sa.Connection, task_ids: Collection[str]) -> dict[str, Subject]:
    """Return what the tasks are about, those that are not deleted."""
    rows = connection.execute(
        sa.text(
            f"""
            SELECT {_COLUMNS} FROM t_tasks WHERE task_id = ANY(:ids) AND deleted_at IS NULL
            """  # noqa: S608 - our own words only
        ),
        {"ids": list(task_ids)},
    )
    return {row.task_id: _subject(row) for row in rows}


def unreminded(
    connection: sa.Connection, *, now: datetime, ahead: timedelta, limit: int
) -> list[tuple[Subject, datetime]]:
    """Return tasks whose next occurrence is that near and of which nobody was reminded, with it.

    Asked of the tasks as they stand: who pauses, deletes or moves one has nothing to take back.
    They are locked; a task that somebody else has a hold of is asked for again the next time.
    """
    rows = connection.execute(
        sa.text(
            f"""
            SELECT {_COLUMNS}, next_at FROM t_tasks
            WHERE next_at > :now AND next_at <= :until AND deleted_at IS NULL
                AND status IN ('scheduled', 'running')
                AND preview_recipients <> CAST('[]' AS jsonb)
                AND reminded_for IS DISTINCT FROM next_at
            ORDER BY next_at LIMIT :limit FOR UPDATE SKIP LOCKED
            """  # noqa: S608 - the same
        ),
        {"now": now, "until": now + ahead, "limit": limit},
    )
    return [(_subject(row), row.next_at) for row in rows]


def mark_reminded(connection: sa.Connection, task_ids: Collection[str]) -> None:
    """Note that the recipients of these tasks, which are locked, know of the next occurrence."""
    connection.execute(
        sa.text("UPDATE t_tasks SET reminded_for = next_at WHERE task_id = ANY(:ids)"),
        {"ids": list(task_ids)},
    )


def _subject(row: sa.Row[Any]) -> Subject:
    return Subject(
        task_id=row.task_id,
        tenant_id=row.tenant_id,
        name=row.name,
        timezone=row.timezone,
        creator_id=row.creator_id,
        recipients=tuple(row.preview_recipients),
        groups=row.group_count,
    )


def accounts(connection: sa.Connection, names: Collection[str]) -> dict[str, Account]:
    """Return users by each of their names that was given: WeChat id or openid."""
    wanted = set(names)
    if not wanted:
        return {}
    rows = connection.execute(
        sa.text(
            """
            SELECT user_id, wechat_id, openid, tenant_id FROM users
            WHERE wechat_id = ANY(:names) OR openid = ANY(:names)
            """
        ),
        {"names": sorted(wanted)},
    )
    found = [Account(str(r.user_id), r.wechat_id, r.openid, r.tenant_id) for r in rows]
    by_openid = {one.openid: one for one in found if one.openid in wanted}
    return by_openid | {one.wechat_id: one for one in found if one.wechat_id in wanted}


def local(at: datetime, subject: Subject) -> str:
    """Return a moment on the task's clock."""
    return f"{at.astimezone(ZoneInfo(subject.timezone)):%Y-%m-%d %H:%M}"


def account_of(connection: sa.Connection, user_id: str) -> Account | None:
    """Return the user with this id."""
    if not (user_id.isascii() and user_id.isdigit()) or len(user_id) > len(str(2**62)):
        return None
    row = connection.execute(
        sa.text(
            "SELECT user_id, wechat_id, openid, tenant_id FROM users"
            " WHERE user_id = CAST(:user_id AS bigint) AND disabled_at IS NULL"
        ),
        {"user_id": user_id},
    ).one_or_none()
    if row is None:
        return None
    return Account(str(row.user_id), row.wechat_id, row.openid, row.tenant_id)
