"""``/api/preview``: sends previews, shows what became of them (PV-04…PV-08)."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, Query, Request

from domain.answers import BadComment, comment_of
from domain.identity import message_id_for_preview
from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body, refuse_nul
from runtime.clock import Clock
from runtime.errors import InvalidInput, NotFound, WrongFields
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.previews import (
    AnswerPreview,
    PreviewAnswer,
    PreviewRecipient,
    PreviewSent,
    PreviewShown,
    SendPreview,
    Told,
    Validation,
)
from services.scheduler.routes.body import IdempotencyKey, key_for
from services.scheduler.store import preview_responses, previews
from services.scheduler.store.preview_responses import Response
from services.scheduler.store.previews import Delivery, Preview
from services.scheduler.timed.notice_words import Words
from services.scheduler.timed.preview_answers import Given, answer_signed_in
from services.scheduler.timed.preview_words import words_of
from services.scheduler.timed.previews import UNKNOWN_TASK, Asked, PreviewDesk, Sent, content_of

LARGEST_BODY: Final = 64 * 1_024
"""Bytes."""
SHOWN: Final = 20
"""Previews of a task, the newest."""
INVALID: Final = "Invalid content"

_ANSWER: Final = msgspec.json.Decoder(AnswerPreview)
_DECODER: Final = msgspec.json.Decoder(SendPreview)


def router(
    engine: sa.Engine, vault: Vault, guard: Guard, desk: PreviewDesk, words: Words, clock: Clock
) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/preview", tags=["previews"])
    viewer = Depends(guard.needs(Permission.TASKS_VIEW))

    @routes.post(
        "",
        summary="Send a preview of a task's content",
        openapi_extra=documented(SendPreview),
        responses={429: {"description": "Too many previews within a minute."}},
    )
    async def send_preview(
        request: Request,
        caller: Annotated[Caller, Depends(guard.needs(Permission.TASKS_EDIT))],
        language: Annotated[str | None, Header(alias="Accept-Language")] = None,
        idempotency_key: IdempotencyKey = None,
    ) -> PreviewSent:
        raw = await read_body(request, limit=LARGEST_BODY)
        asked = asked_of(raw, caller, idempotency_key)
        outcome = await desk.ask(asked)
        if isinstance(outcome, Sent):
            well = Validation(is_valid=True, errors=[])
            return PreviewSent(preview_id=outcome.preview_id, validation=well)
        errors = list(words_of(outcome.problems, language))
        return PreviewSent(preview_id=None, validation=Validation(is_valid=False, errors=errors))

    @routes.post(
        "/confirm", summary="Answer a preview, signed in", openapi_extra=documented(AnswerPreview)
    )
    async def answer_preview(
        request: Request, caller: Annotated[Caller, Depends(guard.signed_in())]
    ) -> Told:
        """Keep the answer of somebody who was asked, or who may edit tasks.

        Whoever has a link answers at the same address of the ingester.
        """
        given = _given(await read_body(request, limit=LARGEST_BODY), caller)
        await in_thread(engine, lambda c: answer_signed_in(c, vault, given, words, now=clock()))
        return Told(message="Preview confirmed")

    @routes.get("", summary="What became of a task's previews?")
    async def previews_of_task(
        task_id: Annotated[str, Query(alias="taskId", min_length=1, max_length=64)],
        caller: Annotated[Caller, viewer],
    ) -> list[PreviewShown]:
        """Return the newest, newest first; the first says whether the task may be submitted."""
        return await in_thread(engine, lambda c: _shown(c, vault, task_id, caller.tenant_id))

    return routes


def asked_of(raw: bytes, caller: Caller, idempotency_key: str | None) -> Asked:
    """Return what the caller wants. Raises 400 for what has no content or not its form (CF-26)."""
    try:
        body = decode(_DECODER, raw)
        refuse_nul(list(body.recipients), inside="recipients")
    except InvalidInput as error:
        raise WrongFields(INVALID, [(error.field, error.problem)]) from error
    content = content_of(body.content)
    if content.is_empty:
        raise WrongFields(INVALID, [("content", "must not be empty")])
    key = key_for("POST /api/preview", caller, idempotency_key, body)
    return Asked(body.task_id, content, body.recipients, caller, key)


def _given(raw: bytes, caller: Caller) -> Given:
    body = decode(_ANSWER, raw)
    try:
        return Given(caller, body.preview_id, body.response, comment_of(body.comment or ""))
    except BadComment as error:
        raise InvalidInput("comment", str(error)) from error


def _shown(
    connection: sa.Connection, vault: Vault, task_id: str, tenant_id: str | None
) -> list[PreviewShown]:
    if previews.task_of(connection, task_id, tenant_id) is None:
        raise NotFound(UNKNOWN_TASK)
    found = previews.of_task(connection, vault, task_id, limit=SHOWN)
    answers = preview_responses.load(connection, vault, [one.preview_id for one in found])
    messages = [id_ for one in found for id_, _ in _messages(one)]
    told = previews.deliveries(connection, messages, since=found[-1].created_at) if found else {}
    return [
        PreviewShown(
            preview_id=one.preview_id,
            task_id=one.task_id,
            status=one.status,
            is_current=one.is_current,
            created_at=one.created_at,
            recipients=[_recipient(name, told.get(id_)) for id_, name in _messages(one)],
            responses=[_answer(one, answer) for answer in answers.get(one.preview_id, ())],
        )
        for one in found
    ]


def _messages(preview: Preview) -> Iterator[tuple[str, str]]:
    """Yield the id of each notification, and whom it is to."""
    for asked in preview.asked.values():
        yield message_id_for_preview(preview.preview_id, asked.openid), asked.name


def _recipient(name: str, told: Delivery | None) -> PreviewRecipient:
    return PreviewRecipient(
        user_id=name,
        delivery_status="waiting" if told is None else told.status,
        delivery_error=None if told is None else told.error,
    )


def _answer(preview: Preview, answer: Response) -> PreviewAnswer:
    asked = preview.asked.get(answer.person)
    return PreviewAnswer(
        user_id=answer.author if asked is None else asked.name,
        response=answer.choice,
        comment=answer.comment,
        time=answer.at,
    )
