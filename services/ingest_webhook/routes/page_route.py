"""How a page that anybody may open is answered and described."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import HTMLResponse

from services.ingest_webhook.pages.look import HEADERS

PAGE_CONTENT: Final[Mapping[str, Any]] = {"text/html": {"schema": {"type": "string"}}}


def page_of(
    text: str, status: int = HTTPStatus.OK, more: Mapping[str, str] | None = None
) -> HTMLResponse:
    """Return the page with the headers that each is sent with."""
    return HTMLResponse(text, status, {**HEADERS, **(more or {})})
