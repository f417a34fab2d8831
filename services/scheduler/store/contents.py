"""What people wrote for many: sealed under the key of its tenant, or still in the clear (SE-01).

A row that a scheduler before version 0032 wrote holds it in the clear; where both are there, such a
one was the last to write. `clear.py` seals what it finds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from domain.tasks import MiniProgram, PushContent
from runtime.vault import Vault
from schemas.http.media import UPLOADS, key_of

PUSHED: Final = "push contents"
"""Where what tasks, pushes, previews and templates say is kept: a push takes over its task's."""
JOBS: Final = "jobs"
LOGS: Final = "t_task_logs"
NOTICES: Final = "t_notifications"

Clear = Mapping[str, Any] | None
"""What a row holds in the clear; None where it is sealed."""

PARTS: Final = ("text", "image", "link", "miniprogram")
"""Of what a task says."""
IN_THE_CLEAR: Final = tuple(f"content_{part}" for part in PARTS)
"""The columns of `t_tasks` that are empty once it is sealed."""
CLEAR_OF_TASK: Final = f"""
    CASE WHEN num_nonnulls({", ".join(IN_THE_CLEAR)}) > 0
    THEN jsonb_build_object({", ".join(f"'{part}', content_{part}" for part in PARTS)}) END
"""
"""What a row of `t_tasks` holds in the clear, in the form of the other tables."""


def seal(
    connection: sa.Connection,
    vault: Vault,
    values: Sequence[tuple[str | None, object]],
    *,
    place: str,
) -> list[bytes]:
    """Return the values sealed, each for its tenant."""
    letters = [(tenant_id, msgspec.json.encode(value)) for tenant_id, value in values]
    return vault.enclose_for_tenants(connection, letters, place=place)


def read(
    connection: sa.Connection,
    vault: Vault,
    rows: Iterable[tuple[Clear, bytes | memoryview | None]],
    *,
    place: str,
) -> list[dict[str, Any]]:
    """Return what rows hold; nothing of those whose tenant's key is gone."""
    found = list(rows)
    envelopes = [
        None if clear is not None or sealed is None else bytes(sealed) for clear, sealed in found
    ]
    opened = vault.disclose(connection, envelopes, place=place)
    return [
        dict(clear) if clear is not None else {} if plain is None else msgspec.json.decode(plain)
        for (clear, _), plain in zip(found, opened, strict=True)
    ]


def plain_of(content: PushContent) -> dict[str, Any]:
    """Return a content as it is sealed, and as the API shows it: what it lacks is left out."""
    card = content.miniprogram
    given = {
        "text": content.text,
        "image": content.image,
        "link": content.link,
        "miniprogram": None if card is None else {"appid": card.appid, "pagePath": card.page_path},
    }
    return {name: value for name, value in given.items() if value is not None}


def content_of(plain: Mapping[str, Any]) -> PushContent:
    """Return the content."""
    card = plain.get("miniprogram")
    return PushContent(
        text=plain.get("text"),
        image=plain.get("image"),
        link=plain.get("link"),
        miniprogram=None if card is None else MiniProgram(card["appid"], card["pagePath"]),
    )


def picture_of(content: PushContent) -> str | None:
    """Return the key of the uploaded picture in a content, which says nothing, if there is one."""
    key = None if content.image is None else key_of(content.image)
    return key if key is not None and key.startswith(UPLOADS) else None
