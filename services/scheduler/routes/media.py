"""``/api/v1/media``: brings files in, and shows those that are there (IM-27, IM-39)."""

from http import HTTPStatus
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import StreamingResponse

from runtime.auth import Caller, Guard, Permission
from runtime.errors import Forbidden, NotFound
from runtime.postgres import in_thread
from runtime.sealed_files import FileStore
from schemas.http.envelope import Envelope
from schemas.http.media import MEDIA, MediaKept, url_of
from services.scheduler.media.intake import LARGEST_OF_ALL, MediaIntake, purpose_of
from services.scheduler.media.parts import FILE, FORM, brought
from services.scheduler.store import uploads
from services.scheduler.store.uploads import Stored

_SHOWN: Final = frozenset({"image", "audio", "video"})
"""What a browser may show in its place; all else it offers to save."""
_HEADERS: Final = {
    # Whatever a file turns out to be, no browser runs it as a part of ours.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Whose sender is forgotten must be gone from everywhere.
    "Cache-Control": "private, no-store",
}
_NO_FILE: Final = "There is no such file"


def router(engine: sa.Engine, guard: Guard, intake: MediaIntake, files: FileStore) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=MEDIA, tags=["media"])
    known = Depends(guard.signed_in())

    @routes.post(
        "", status_code=HTTPStatus.CREATED, summary="Bring a file in", openapi_extra=_UPLOAD
    )
    async def bring(
        request: Request,
        caller: Annotated[Caller, Depends(guard.needs(Permission.MEDIA_UPLOAD))],
    ) -> Envelope[MediaKept]:
        async with brought(request, largest=LARGEST_OF_ALL) as file:
            kept = await intake.keep(file, caller, purpose_of(file.fields.get("purpose")))
        shown = MediaKept(
            url=url_of(kept.key),
            key=kept.key,
            mime_type=kept.mime_type,
            size=kept.size,
            file_name=kept.file_name,
        )
        return Envelope(code=HTTPStatus.CREATED, data=shown)

    @routes.get("/{key:path}", summary="Look at a file", response_class=StreamingResponse)
    async def show(
        key: Annotated[str, Path(max_length=255)], caller: Annotated[Caller, known]
    ) -> StreamingResponse:
        found = await in_thread(engine, lambda connection: uploads.find(connection, key))
        if found is None or not caller.may_see(found.tenant_id):
            raise NotFound(_NO_FILE)
        _must_be_permitted(caller, found)
        return streamed(key, found.mime_type, await files.get(key))

    return routes


def streamed(key: str, mime_type: str, chunks: Any) -> StreamingResponse:  # noqa: ANN401 - an iterator
    """Return the answer that shows a file of ours."""
    place = "inline" if mime_type.partition("/")[0] in _SHOWN else "attachment"
    # Our keys need no escaping.
    name = key.rpartition("/")[2]
    headers = _HEADERS | {"Content-Disposition": f'{place}; filename="{name}"'}
    return StreamingResponse(chunks, media_type=mime_type, headers=headers)


def _must_be_permitted(caller: Caller, file: Stored) -> None:
    enough = {Permission.MESSAGES_VIEW}
    if file.is_upload:
        enough |= {Permission.MEDIA_UPLOAD, Permission.TASKS_VIEW}
    if not enough & caller.permissions:
        raise Forbidden(f"missing permission {Permission.MESSAGES_VIEW}")


_UPLOAD: Final = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": [FILE],
                    "properties": {
                        FILE: {
                            "type": "string",
                            "format": "binary",
                            "description": "Known by its bytes, whatever its name says.",
                        },
                        "purpose": {
                            "type": "string",
                            "enum": ["push", "chat"],
                            "default": "push",
                            "description": "`push`: a JPEG or PNG of at most 2 MB. `chat`: all that"
                            " WhatsApp carries.",
                        },
                    },
                }
            }
        },
    },
    "responses": {"413": {"description": "The file is too large."}},
}
