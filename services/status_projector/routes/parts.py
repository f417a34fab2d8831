"""What the query API's endpoints are made of, and how an answer says that nothing has changed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from typing import Final

import sqlalchemy as sa
from fastapi import Request, Response

from runtime.auth import Guard
from runtime.clock import Clock
from runtime.vault import Person, Vault
from services.status_projector.figures import Terms

CHANNELS: Final = ("whatsapp", "wecom", "wechat")
"""On which a person is looked for where no channel is named."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One for each process."""

    engine: sa.Engine
    """Of queries alone: however many come, the projector has its own connections."""
    vault: Vault
    guard: Guard
    clock: Clock
    terms: Terms

    def people(self, address: str | None, channel: str | None) -> list[Person] | None:
        """Return who has this address: one on each channel; None where none is given."""
        if address is None:
            return None
        return [self.vault.person(one, address) for one in ((channel,) if channel else CHANNELS)]


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
