"""``/api/notifications``: what people are told of tasks (NF-03, IM-43)."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Final
from uuid import uuid4

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException

from domain.identity import notification_id
from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body, refuse_nul
from runtime.clock import Clock
from runtime.errors import InvalidInput, NotFound
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.notices import (
    ContentShown,
    Done,
    NotificationList,
    NotificationShown,
    SendNotification,
)
from services.scheduler.idempotency import once
from services.scheduler.routes.body import IdempotencyKey, key_for
from services.scheduler.store import audience, notices
from services.scheduler.store.audience import Account
from services.scheduler.store.keys import Answer
from services.scheduler.store.notices import Content, Listed, Notice, Page
from services.scheduler.timed.notice_words import Words
from services.scheduler.timed.preview_replies import with_words

LARGEST_BODY: Final = 16 * 1_024
"""Bytes."""
INVALID: Final = "Invalid notification"
MOST: Final = 100
"""Notifications of one page (CF-47)."""

_DECODER: Final = msgspec.json.Decoder(SendNotification)


def router(engine: sa.Engine, vault: Vault, guard: Guard, words: Words, clock: Clock) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/notifications", tags=["notifications"])
    reader = Depends(guard.signed_in())

    @routes.get("", summary="What was I told?")
    async def my_notifications(
        caller: Annotated[Caller, reader],
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
    ) -> NotificationList:
        """Return the caller's own, unread ones first, then the latest."""

        def look(connection: sa.Connection) -> Page:
            skip, now = (page - 1) * limit, clock()
            found = notices.page_of(
                connection, vault, caller.user_id, now=now, offset=skip, limit=limit
            )
            said = with_words(connection, vault, [each.content for each in found.notices], words)
            told = [
                replace(each, content=content)
                for each, content in zip(found.notices, said, strict=True)
            ]
            return replace(found, notices=told)

        found = await in_thread(engine, look)
        return NotificationList(
            notifications=[_shown(each) for each in found.notices],
            total=found.total,
            unread=found.unread,
            page=page,
            limit=limit,
        )

    @routes.post("/{notificationId}/read", summary="Note that I have read it")
    async def read_notification(
        notificationId: str,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, reader],
    ) -> Done:
        known = await in_thread(
            engine,
            lambda c: notices.mark_read(c, notificationId, caller.user_id, now=clock()),
        )
        if not known:
            raise NotFound("Notification not found")
        return Done(message="Notification read")

    _add_sending(routes, engine, vault, guard, words, clock)
    return routes


def _add_sending(
    routes: APIRouter, engine: sa.Engine, vault: Vault, guard: Guard, words: Words, clock: Clock
) -> None:
    @routes.post("", summary="Tell a user something", openapi_extra=documented(SendNotification))
    async def send_notification(
        request: Request,
        caller: Annotated[Caller, Depends(guard.needs(Permission.NOTIFICATIONS_SEND))],
        idempotency_key: IdempotencyKey = None,
    ) -> Done:
        asked = _asked(await read_body(request, limit=LARGEST_BODY))
        key = key_for("POST /api/notifications", caller, idempotency_key, asked)

        def send(connection: sa.Connection) -> Answer:
            notice = _notice(connection, asked, caller, words, clock)
            notices.note(connection, vault, [notice], now=notice.due_at)
            _audit(connection, caller, notice)
            return Done(message="Notification sent").model_dump()

        answer = await in_thread(engine, lambda c: once(c, key, lambda: send(c), now=clock()))
        return Done.model_validate(answer)


def _asked(raw: bytes) -> SendNotification:
    try:
        body = decode(_DECODER, raw)
        refuse_nul(msgspec.to_builtins(body))
    except InvalidInput as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, INVALID) from error
    return body


def _notice(
    connection: sa.Connection, asked: SendNotification, caller: Caller, words: Words, clock: Clock
) -> Notice:
    """Return what is to be told. Raises 400 where there is no such user or task for the caller."""
    account = _account(connection, asked.user_id)
    subject = audience.subjects(connection, [asked.task_id]).get(asked.task_id)
    if (
        account is None
        or subject is None
        or not caller.may_see(account.tenant_id)
        or not caller.may_see(subject.tenant_id)
    ):
        raise HTTPException(HTTPStatus.BAD_REQUEST, INVALID)
    now, content = clock(), asked.content
    return Notice(
        subject=f"asked:{uuid4()}",
        user_id=account.user_id,
        type=asked.type,
        task_id=asked.task_id,
        content=Content(
            message=content.message,
            status=content.status,
            error=content.error,
            state=words.failed if content.status == "failed" else words.told,
            task=subject.name,
            time=audience.local(now, subject),
        ),
        due_at=now,
        tenant_id=subject.tenant_id,
    )


def _audit(connection: sa.Connection, caller: Caller, notice: Notice) -> None:
    audit.note(
        connection,
        caller,
        Action.NOTIFICATION_SEND,
        notification_id(notice.subject),
        {"userId": (None, notice.user_id), "taskId": (None, notice.task_id)},
        tenant_id=notice.tenant_id,
    )


def _account(connection: sa.Connection, named: str) -> Account | None:
    """Return the user by their id, or by their WeChat id."""
    known = audience.account_of(connection, named)
    return known or audience.accounts(connection, [named]).get(named)


def _shown(listed: Listed) -> NotificationShown:
    content = listed.content
    return NotificationShown(
        notification_id=listed.id,
        type=listed.type,
        task_id=listed.task_id,
        content=ContentShown(message=content.message, status=content.status, error=content.error),
        delivery_status=listed.status,
        delivery_error=listed.error,
        timestamp=listed.at,
        read_at=listed.read_at,
    )
