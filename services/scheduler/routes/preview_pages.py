"""``/api/preview/content`` and ``/picture``: what a preview's page shows (PV-02).

The page is the ingester's, which has no database: it asks here, with the token of the link.
"""

from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from runtime.postgres import in_thread
from runtime.sealed_files import FileStore
from runtime.signed_links import LONGEST_TOKEN
from schemas.http.previews import CONTENT, PICTURE, PICTURES, PageContent
from services.scheduler.routes.media import streamed
from services.scheduler.timed.preview_pages import Links

Token = Annotated[str, Query(max_length=LONGEST_TOKEN, description="Of the link.")]
_TYPES: Final[dict[str, Any]] = {mime_type: {} for mime_type in sorted(PICTURES)}

_REFUSED: Final[dict[int | str, Any]] = {
    404: {"description": "The link was not made here or has expired, or nothing is behind it."},
}


def router(engine: sa.Engine, links: Links, files: FileStore) -> APIRouter:
    """Return the routes; the signed link is the key."""
    routes = APIRouter(tags=["previews"])

    @routes.get(CONTENT, summary="What does the page of a preview show?", responses=_REFUSED)
    async def content_of_preview(token: Token) -> PageContent:
        return await in_thread(engine, lambda c: links.page(c, token))

    @routes.get(
        PICTURE,
        summary="The picture of a preview",
        response_class=StreamingResponse,
        responses={200: {"content": _TYPES}, **_REFUSED},
    )
    async def picture_of_preview(token: Token) -> StreamingResponse:
        found = await in_thread(engine, lambda c: links.picture(c, token))
        return streamed(found.key, found.mime_type, await files.get(found.key))

    return routes
