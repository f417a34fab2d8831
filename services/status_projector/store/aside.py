"""Keeps what comes as it comes: inbound messages, files, notices, tasks; a statement each."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from domain.identity import message_id_for_inbound
from schemas.topics.provider_events import MediaLost, MediaStored, MessageReceived, NoticeReceived
from schemas.topics.task_changes import TaskEvent
from services.status_projector.projection import Aside
from services.status_projector.store import tasks

MEDIA_PATH = "/api/v1/media/"
"""Where a file of the store is found over HTTP."""


def keep(connection: sa.Connection, events: Sequence[Aside], now: datetime) -> None:
    """Keep events; one that is known already changes nothing."""
    if received := [event for event in events if isinstance(event, MessageReceived)]:
        _receive(connection, received, now)
    if files := [event for event in events if isinstance(event, MediaStored | MediaLost)]:
        _attach(connection, files, now)
    if notices := [event for event in events if isinstance(event, NoticeReceived)]:
        _note(connection, notices, now)
    if changes := [event for event in events if isinstance(event, TaskEvent)]:
        tasks.hear(connection, changes, now)


_RECEIVE = sa.text(
    """
    INSERT INTO messages
        (message_id, channel, sender_id, customer_phone, customer_user_id, customer_name,
         message_type, message_content, context, message_direction, whatsapp_message_id,
         delivery_status, sent_at, created_at, updated_at)
    SELECT message_id, channel, sender_id, author, user_id, name, type, content,
           CAST(context AS jsonb), 'inbound', provider_id, 'delivered', occurred_at, :now, :now
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:channels AS text[]), CAST(:senders AS text[]),
        CAST(:authors AS text[]), CAST(:user_ids AS text[]), CAST(:names AS text[]),
        CAST(:types AS text[]), CAST(:contents AS text[]), CAST(:contexts AS text[]),
        CAST(:provider_ids AS text[]), CAST(:occurred_ats AS timestamptz[])
    ) AS r(message_id, channel, sender_id, author, user_id, name, type, content, context,
           provider_id, occurred_at)
    ON CONFLICT DO NOTHING
    """
)


def _receive(connection: sa.Connection, events: Sequence[MessageReceived], now: datetime) -> None:
    columns: dict[str, list[Any]] = {
        "message_ids": [message_id_for_inbound(e.channel, e.provider_message_id) for e in events],
        "channels": [event.channel for event in events],
        "senders": [event.sender_id for event in events],
        "authors": [event.author for event in events],
        "user_ids": [event.author_user_id for event in events],
        "names": [event.author_name for event in events],
        "types": [event.message_type[:20] for event in events],
        "contents": [_content(event) for event in events],
        "contexts": [_json(event.context) for event in events],
        "provider_ids": [event.provider_message_id for event in events],
        "occurred_ats": [event.occurred_at for event in events],
    }
    connection.execute(_RECEIVE, {**columns, "now": now})


_ATTACH = sa.text(
    """
    UPDATE messages m
    SET file_url = f.url, file_name = f.name, file_type = f.type, file_error = f.error,
        updated_at = :now
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:urls AS text[]), CAST(:names AS text[]),
        CAST(:types AS text[]), CAST(:errors AS text[])
    ) AS f(message_id, url, name, type, error)
    WHERE m.message_id = f.message_id AND m.file_url IS NULL
    """
)


def _attach(
    connection: sa.Connection, events: Sequence[MediaStored | MediaLost], now: datetime
) -> None:
    # The last word on a file counts, and of two the one that found it.
    by_message = {
        message_id_for_inbound(event.channel, event.provider_message_id): event
        for event in sorted(events, key=lambda event: isinstance(event, MediaStored))
    }
    stored = [e if isinstance(e, MediaStored) else None for e in by_message.values()]
    columns: dict[str, list[Any]] = {
        "message_ids": list(by_message),
        "urls": [None if one is None else MEDIA_PATH + one.key for one in stored],
        "names": [None if one is None else one.file_name for one in stored],
        "types": [None if one is None else one.mime_type for one in stored],
        "errors": [e.reason if isinstance(e, MediaLost) else None for e in by_message.values()],
    }
    connection.execute(_ATTACH, {**columns, "now": now})


_NOTE = sa.text(
    """
    INSERT INTO provider_notices
        (channel, notice_id, kind, account_id, about, content, occurred_at, received_at)
    SELECT channel, notice_id, kind, account_id, about, CAST(content AS jsonb), occurred_at, :now
    FROM unnest(
        CAST(:channels AS text[]), CAST(:notice_ids AS text[]), CAST(:kinds AS text[]),
        CAST(:accounts AS text[]), CAST(:abouts AS text[]), CAST(:contents AS text[]),
        CAST(:occurred_ats AS timestamptz[])
    ) AS n(channel, notice_id, kind, account_id, about, content, occurred_at)
    ON CONFLICT DO NOTHING
    """
)


def _note(connection: sa.Connection, events: Sequence[NoticeReceived], now: datetime) -> None:
    columns: dict[str, list[Any]] = {
        "channels": [event.channel for event in events],
        "notice_ids": [event.notice_id for event in events],
        "kinds": [event.kind for event in events],
        "accounts": [event.account_id for event in events],
        "abouts": [event.about for event in events],
        "contents": [_json(event.content) for event in events],
        "occurred_ats": [event.occurred_at for event in events],
    }
    connection.execute(_NOTE, {**columns, "now": now})


def _content(event: MessageReceived) -> str:
    body = event.content.get("body")
    return body if isinstance(body, str) else json.dumps(event.content, ensure_ascii=False)


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
