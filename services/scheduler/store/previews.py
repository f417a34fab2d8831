"""Previews: asked for, answered, and whether one lets its task be scheduled (PV, CF-25, CF-26)."""

from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
import sqlalchemy as sa

from domain.lifecycle import Status
from domain.previews import PreviewStatus
from domain.tasks import PushContent
from runtime.vault import Person, Vault
from services.scheduler.store.contents import PUSHED, content_of, plain_of, read, seal

CHANNEL: Final = "wechat"
RECIPIENTS: Final = "t_previews.recipients"
CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""Between ours and the projector's."""


@dataclass(frozen=True, slots=True)
class PreviewedTask:
    """What a preview tells of its task."""

    task_id: str
    name: str
    schedule_time: datetime
    timezone: str
    tenant_id: str | None
    asks_feedback: bool = False


class Named(msgspec.Struct, frozen=True):
    """One of those asked: as they were named, and as WeChat knows them."""

    name: str
    openid: str


@dataclass(frozen=True, slots=True)
class NewPreview:
    """A preview to be stored."""

    preview_id: str
    task: PreviewedTask
    content: PushContent
    content_hash: bytes
    recipients: Sequence[Named]
    requested_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """One row, for people to look at."""

    preview_id: str
    task_id: str
    status: PreviewStatus
    is_current: bool
    """Whether it shows the content that its task has now."""
    created_at: datetime
    asked: Mapping[Person, Named]
    """Those who are not forgotten."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a preview, of which task."""

    user_id: str
    task_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the notification of one of those asked came."""

    status: Literal["waiting", "sent", "failed"]
    error: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What one of those asked is asked about."""

    task: PreviewedTask
    content: PushContent
    groups: int
    asks_feedback: bool
    is_current: bool


def task_of(connection: sa.Connection, task_id: str, tenant_id: str | None) -> PreviewedTask | None:
    """Return a task of this tenant's; None: of any."""
    row = connection.execute(
        sa.text(
            """
            SELECT task_id, name, schedule_time, timezone, tenant_id, asks_feedback FROM t_tasks
            WHERE task_id = :task_id AND deleted_at IS NULL
                AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
            """
        ),
        {"task_id": task_id, "tenant_id": tenant_id},
    ).first()
    if row is None:
        return None
    return PreviewedTask(
        row.task_id,
        row.name,
        row.schedule_time,
        row.timezone,
        row.tenant_id,
        row.asks_feedback,
    )


def openids_of(
    connection: sa.Connection, names: Collection[str], tenant_id: str | None
) -> dict[str, str | None]:
    """Return the openids of those who are users of ours, by WeChat id; None: it is not known."""
    rows = connection.execute(
        sa.text(
            """
            SELECT wechat_id, openid FROM users
            WHERE wechat_id = ANY(:names) AND disabled_at IS NULL
                AND (tenant_id IS NULL OR CAST(:tenant_id AS text) IS NULL
                     OR tenant_id = :tenant_id)
            """
        ),
        {"names": list(names), "tenant_id": tenant_id},
    )
    return {row.wechat_id: row.openid for row in rows}


def shown_to(
    connection: sa.Connection, vault: Vault, preview_id: str, person: Person
) -> Shown | None:
    """Return what this person was asked about; None: they were not, or the task is gone."""
    row = connection.execute(
        sa.text(
            """
            SELECT p.content, p.sealed, p.content_hash = t.content_hash AS is_current,
                   t.task_id, t.name, t.schedule_time, t.timezone, t.tenant_id, t.asks_feedback,
                   jsonb_array_length(t.groups) AS group_count
            FROM t_previews p JOIN t_tasks t USING (task_id)
            WHERE p.preview_id = :preview_id AND p.people @> ARRAY[CAST(:person AS bytea)]
                AND t.deleted_at IS NULL
            """
        ),
        {"preview_id": preview_id, "person": person},
    ).first()
    if row is None:
        return None
    [content] = read(connection, vault, [(row.content, row.sealed)], place=PUSHED)
    return Shown(
        PreviewedTask(row.task_id, row.name, row.schedule_time, row.timezone, row.tenant_id),
        content_of(content),
        row.group_count,
        row.asks_feedback,
        row.is_current,
    )


def senders_of(connection: sa.Connection, preview_ids: Collection[str]) -> dict[str, Sender]:
    """Return who sent the previews, by their ids."""
    rows = connection.execute(
        sa.text(
            "SELECT preview_id, requested_by, task_id FROM t_previews WHERE preview_id = ANY(:ids)"
        ),
        {"ids": sorted(preview_ids)},
    )
    return {row.preview_id: Sender(row.requested_by, row.task_id) for row in rows}


def deliveries(
    connection: sa.Connection, message_ids: Collection[str], *, since: datetime
) -> dict[str, Delivery]:
    """Return how far notifications came that were sent since then; of which nothing is heard, none.

    The projector's word: it decides what becomes of messages.
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT message_id, delivery_status, coalesce(error_message, error_code) AS error
            FROM messages WHERE message_id = ANY(:ids) AND created_at > :since
            """
        ),
        {"ids": list(message_ids), "since": since - CLOCKS_DIFFER},
    )
    return {row.message_id: _delivery(Status(row.delivery_status), row.error) for row in rows}


def _delivery(status: Status, error: str | None) -> Delivery:
    match status:
        case Status.FAILED:
            return Delivery("failed", error)
        case Status.SENT | Status.DELIVERED | Status.READ:
            return Delivery("sent", None)
        case Status.PENDING | Status.SENDING:
            return Delivery("waiting", None)


def wait_for_turn(connection: sa.Connection, user_id: str) -> None:
    """Let this user's previews be counted one after the other, until the transaction ends."""
    connection.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:turn, 0))"),
        {"turn": f"preview:{user_id}"},
    )


def count_of(connection: sa.Connection, user_id: str, *, since: datetime) -> int:
    """Return how many previews a user has sent since then."""
    return connection.execute(
        sa.text(
            """
            SELECT count(*) FROM t_previews
            WHERE requested_by = :user_id AND created_at > :since
            """
        ),
        {"user_id": user_id, "since": since},
    ).scalar_one()


def insert(connection: sa.Connection, vault: Vault, preview: NewPreview) -> None:
    """Store a preview that is being sent."""
    people = [vault.person(CHANNEL, one.openid) for one in preview.recipients]
    letters = [
        (person, msgspec.json.encode(one))
        for person, one in zip(people, preview.recipients, strict=True)
    ]
    sealed = vault.enclose(connection, letters, place=RECIPIENTS)
    said = [(preview.task.tenant_id, plain_of(preview.content))]
    connection.execute(
        sa.text(
            """
            INSERT INTO t_previews (preview_id, task_id, sealed, recipients, validation, status,
                                    created_at, content_hash, requested_by, tenant_id, people)
            VALUES (:preview_id, :task_id, :sealed, CAST(:recipients AS jsonb),
                    CAST(:validation AS jsonb), 'sent', :created_at, :content_hash,
                    :requested_by, :tenant_id, CAST(:people AS bytea[]))
            """
        ),
        {
            "preview_id": preview.preview_id,
            "task_id": preview.task.task_id,
            "sealed": seal(connection, vault, said, place=PUSHED)[0],
            "recipients": _json([b64encode(one).decode() for one in sealed]),
            "validation": _json({"isValid": True, "errors": []}),
            "created_at": preview.created_at,
            "content_hash": preview.content_hash,
            "requested_by": preview.requested_by,
            "tenant_id": preview.task.tenant_id,
            "people": people,
        },
    )


def passed(connection: sa.Connection, task_id: str, content_hash: bytes) -> bool:
    """Tell whether the task's latest preview showed this content and was confirmed (CF-25)."""
    row = connection.execute(
        sa.text(
            """
            SELECT status, content_hash FROM t_previews WHERE task_id = :task_id
            ORDER BY created_at DESC LIMIT 1
            """
        ),
        {"task_id": task_id},
    ).first()
    if row is None or bytes(row.content_hash) != content_hash:
        return False
    return row.status == PreviewStatus.CONFIRMED


def of_task(connection: sa.Connection, vault: Vault, task_id: str, *, limit: int) -> list[Preview]:
    """Return a task's previews, the newest first."""
    rows = connection.execute(
        sa.text(
            """
            SELECT p.preview_id, p.task_id, p.status, p.created_at, p.recipients,
                   p.content_hash = t.content_hash AS is_current
            FROM t_previews p JOIN t_tasks t USING (task_id)
            WHERE p.task_id = :task_id ORDER BY p.created_at DESC LIMIT :limit
            """
        ),
        {"task_id": task_id, "limit": limit},
    ).all()
    sealed = [b64decode(one) for row in rows for one in row.recipients]
    opened = iter(vault.disclose(connection, sealed, place=RECIPIENTS))
    return [
        Preview(
            row.preview_id,
            row.task_id,
            PreviewStatus(row.status),
            row.is_current,
            row.created_at,
            _asked(vault, [next(opened) for _ in row.recipients]),
        )
        for row in rows
    ]


def _asked(vault: Vault, opened: Sequence[bytes | None]) -> dict[Person, Named]:
    named = [msgspec.json.decode(one, type=Named) for one in opened if one is not None]
    return {vault.person(CHANNEL, one.openid): one for one in named}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
