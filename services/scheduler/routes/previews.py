"""``/api/preview``: sends previews, shows what became of them (PV-04…PV-08)."""

from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, Query, Request

from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body, refuse_nul
from runtime.errors import InvalidInput, NotFound, WrongFields
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.previews import (
    PreviewAnswer,
    PreviewSent,
    PreviewShown,
    SendPreview,
    Validation,
)
from services.scheduler.store import preview_responses, previews
from services.scheduler.timed.preview_words import words_of
from services.scheduler.timed.previews import UNKNOWN_TASK, Asked, PreviewDesk, Sent, content_of

LARGEST_BODY: Final = 64 * 1_024
"""Bytes."""
SHOWN: Final = 20
"""Previews of a task, the newest."""
INVALID: Final = "Invalid content"

_DECODER: Final = msgspec.json.Decoder(SendPreview)


def router(engine: sa.Engine, vault: Vault, guard: Guard, desk: PreviewDesk) -> APIRouter:
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
    ) -> PreviewSent:
        asked = asked_of(await read_body(request, limit=LARGEST_BODY), caller)
        outcome = await desk.ask(asked)
        if isinstance(outcome, Sent):
            well = Validation(is_valid=True, errors=[])
            return PreviewSent(preview_id=outcome.preview_id, validation=well)
        errors = list(words_of(outcome.problems, language))
        return PreviewSent(preview_id=None, validation=Validation(is_valid=False, errors=errors))

    @routes.get("", summary="What became of a task's previews?")
    async def previews_of_task(
        task_id: Annotated[str, Query(alias="taskId", min_length=1, max_length=64)],
        caller: Annotated[Caller, viewer],
    ) -> list[PreviewShown]:
        """Return the newest, newest first; the first says whether the task may be submitted."""
        return await in_thread(engine, lambda c: _shown(c, vault, task_id, caller.tenant_id))

    return routes


def asked_of(raw: bytes, caller: Caller) -> Asked:
    """Return what the caller wants. Raises 400 for what has no content or not its form (CF-26)."""
    try:
        body = decode(_DECODER, raw)
        refuse_nul(list(body.recipients), inside="recipients")
    except InvalidInput as error:
        raise WrongFields(INVALID, [(error.field, error.problem)]) from error
    content = content_of(body.content)
    if content.is_empty:
        raise WrongFields(INVALID, [("content", "must not be empty")])
    return Asked(body.task_id, content, body.recipients, caller)


def _shown(
    connection: sa.Connection, vault: Vault, task_id: str, tenant_id: str | None
) -> list[PreviewShown]:
    if previews.task_of(connection, task_id, tenant_id) is None:
        raise NotFound(UNKNOWN_TASK)
    found = previews.of_task(connection, vault, task_id, limit=SHOWN)
    answers = preview_responses.load(connection, vault, [one.preview_id for one in found])
    return [
        PreviewShown(
            preview_id=one.preview_id,
            task_id=one.task_id,
            status=one.status,
            is_current=one.is_current,
            created_at=one.created_at,
            responses=[
                PreviewAnswer(
                    user_id=one.names.get(answer.person),
                    response=answer.choice,
                    comment=answer.comment,
                    time=answer.at,
                )
                for answer in answers.get(one.preview_id, ())
            ],
        )
        for one in found
    ]
