"""How an answer says that nothing has changed since the last one."""

from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any, Final

from fastapi import Request, Response

UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Unchanged since the answer with this ETag."}
}
"""For the document of an endpoint whose answer is `answered`."""


def answered(request: Request, body: bytes, modified: datetime) -> Response:
    """Return the answer, or 304 without a body to whoever has exactly this one already.

    By ETag alone: of two changes within one second, `If-Modified-Since` would miss the later.
    """
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {
        "ETag": tag,
        "Last-Modified": format_datetime(modified.astimezone(UTC), usegmt=True),
        # Kept by whoever asked, and asked for again each time.
        "Cache-Control": "private, no-cache",
    }
    if tag in _tags(request.headers.get("If-None-Match", "")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _tags(header: str) -> set[str]:
    # A cache on the way may have made it weak; to GET that is the same (RFC 9110, 13.1.2).
    return {word.strip().removeprefix("W/") for word in header.split(",")}
