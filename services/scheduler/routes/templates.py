"""``/api/preview/templates``: contents to begin with (PV-11…PV-13, IM-41)."""

from http import HTTPStatus
from typing import Annotated, Final
from uuid import uuid4

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Request

from domain.task_rules import content_problems
from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body
from runtime.clock import Clock
from runtime.errors import Conflict, InvalidInput, NotFound, WrongFields
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.previews import (
    ContentShown,
    RenameTemplate,
    SaveTemplate,
    TemplateDone,
    TemplateShown,
    Told,
)
from services.scheduler.idempotency import once
from services.scheduler.routes.body import IdempotencyKey, key_for
from services.scheduler.routes.previews import LARGEST_BODY
from services.scheduler.store import templates
from services.scheduler.store.contents import plain_of
from services.scheduler.store.keys import Answer
from services.scheduler.store.templates import NewTemplate, Template
from services.scheduler.timed.previews import content_of

LONGEST_NAME: Final = 50
MOST: Final = 200
"""Of each tenant's own."""
INVALID: Final = "Invalid template"
BUILT_IN: Final = "Built-in templates cannot be changed"

_SAVE: Final = msgspec.json.Decoder(SaveTemplate)
_RENAME: Final = msgspec.json.Decoder(RenameTemplate)

TemplateId = Annotated[str, Path(min_length=1, max_length=36)]


def router(engine: sa.Engine, vault: Vault, guard: Guard, clock: Clock) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/preview/templates", tags=["previews"])
    editor = Depends(guard.needs(Permission.TASKS_EDIT))

    @routes.get("", summary="Which templates are there?")
    async def list_templates(
        caller: Annotated[Caller, Depends(guard.needs(Permission.TASKS_VIEW))],
    ) -> list[TemplateShown]:
        found = await in_thread(engine, lambda c: templates.seen_by(c, vault, caller.tenant_id))
        return [_shown(one) for one in found]

    _add_saving(routes, engine, vault, guard, clock)

    @routes.put(
        "/{templateId}", summary="Rename a template", openapi_extra=documented(RenameTemplate)
    )
    async def rename_template(
        templateId: TemplateId,  # noqa: N803 - the parameter's public name
        request: Request,
        caller: Annotated[Caller, editor],
    ) -> TemplateDone:
        name = _name(await read_body(request, limit=LARGEST_BODY))

        def rename(connection: sa.Connection) -> None:
            own = _own(connection, vault, templateId, caller)
            templates.rename(connection, templateId, name)
            changes = audit.changed({"name": own.name}, {"name": name})
            audit.note(connection, caller, Action.TEMPLATE_CHANGE, templateId, changes)

        await in_thread(engine, rename)
        return TemplateDone(template_id=templateId, message="Template updated")

    @routes.delete("/{templateId}", summary="Delete a template")
    async def delete_template(
        templateId: TemplateId,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, editor],
    ) -> Told:
        def delete(connection: sa.Connection) -> None:
            _own(connection, vault, templateId, caller)
            templates.delete(connection, templateId)
            audit.note(connection, caller, Action.TEMPLATE_DELETE, templateId)

        await in_thread(engine, delete)
        return Told(message="Template deleted")

    return routes


def _add_saving(
    routes: APIRouter, engine: sa.Engine, vault: Vault, guard: Guard, clock: Clock
) -> None:
    @routes.post(
        "",
        status_code=HTTPStatus.CREATED,
        summary="Save a template",
        openapi_extra=documented(SaveTemplate),
    )
    async def save_template(
        request: Request,
        caller: Annotated[Caller, Depends(guard.needs(Permission.TASKS_EDIT))],
        idempotency_key: IdempotencyKey = None,
    ) -> TemplateDone:
        body = _body(await read_body(request, limit=LARGEST_BODY))
        new = _new(body, caller, clock)
        key = key_for("POST /api/preview/templates", caller, idempotency_key, body)

        def save(connection: sa.Connection) -> Answer:
            if templates.count_own(connection, caller.tenant_id) >= MOST:
                raise Conflict(f"There are {MOST} templates already")
            templates.insert(connection, vault, new)
            named = {"name": (None, new.name)}
            audit.note(connection, caller, Action.TEMPLATE_CREATE, new.template_id, named)
            done = TemplateDone(template_id=new.template_id, message="Template saved")
            return done.model_dump(by_alias=True)

        answer = await in_thread(
            engine, lambda c: once(c, key, lambda: save(c), now=new.created_at)
        )
        return TemplateDone.model_validate(answer)


def _body(raw: bytes) -> SaveTemplate:
    try:
        return decode(_SAVE, raw)
    except InvalidInput as error:
        raise _wrong(error.field, error.problem) from error


def _new(body: SaveTemplate, caller: Caller, clock: Clock) -> NewTemplate:
    content = content_of(body.content)
    if content.is_empty:
        raise _wrong("content", "must not be empty")
    if problems := content_problems(content):
        raise WrongFields(INVALID, [(one.field, one.problem) for one in problems])
    return NewTemplate(
        str(uuid4()),
        _checked(body.name),
        content,
        caller.user_id,
        clock(),
        caller.tenant_id,
    )


def _name(raw: bytes) -> str:
    try:
        return _checked(decode(_RENAME, raw).name)
    except InvalidInput as error:
        raise _wrong(error.field, error.problem) from error


def _checked(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or "\x00" in name:
        raise _wrong("name", f"must have 1 to {LONGEST_NAME} characters")
    return name


def _wrong(field: str, problem: str) -> WrongFields:
    return WrongFields(INVALID, [(field, problem)])


def _own(connection: sa.Connection, vault: Vault, template_id: str, caller: Caller) -> Template:
    found = templates.lock(connection, vault, template_id, caller.tenant_id)
    if found is None:
        raise NotFound("Template not found")
    if found.built_in:
        raise Conflict(BUILT_IN)
    return found


def _shown(template: Template) -> TemplateShown:
    return TemplateShown(
        template_id=template.template_id,
        name=template.name,
        content=ContentShown.model_validate(plain_of(template.content)),
        built_in=template.built_in,
    )
