# ruff: noqa: S608 - statements are joined from our own words only
"""Seals what a scheduler before version 0032 left in the clear, some rows at a time (SE-01).

What is sealed here says what it said: no version of it grows, and nobody is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from runtime.vault import Vault
from schemas.http.media import MEDIA, UPLOADS
from services.scheduler.store.contents import (
    CLEAR_OF_TASK,
    IN_THE_CLEAR,
    JOBS,
    LOGS,
    NOTICES,
    PARTS,
    PUSHED,
    seal,
)
from services.scheduler.store.task_logs import CONTENT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """How a table keeps what people wrote."""

    key: str
    place: str
    is_clear: str = "content IS NOT NULL"
    said: str = "content"
    tenant: str = "tenant_id"
    sealed: str = "content = NULL"
    """What else becomes of a row that is sealed."""


_UPLOAD: Final = f"'^(?:{MEDIA}/)?({UPLOADS}.*)$'"
_OF_CONTENT: Final = f"CAST('{{{', '.join(CONTENT + part for part in PARTS)}}}' AS text[])"
"""The fields of a log that are sealed."""

_KEPT: Final[Mapping[str, _Kept]] = {
    "jobs": _Kept(key="job_id", place=JOBS),
    "t_tasks": _Kept(
        key="task_id",
        place=PUSHED,
        is_clear=f"num_nonnulls({', '.join(IN_THE_CLEAR)}) > 0",
        said=CLEAR_OF_TASK,
        sealed=f"picture = substring(content_image from {_UPLOAD}), "
        + ", ".join(f"{column} = NULL" for column in IN_THE_CLEAR),
    ),
    "t_pushes": _Kept(key="push_id", place=PUSHED),
    "t_previews": _Kept(key="preview_id", place=PUSHED),
    "t_preview_templates": _Kept(
        key="template_id",
        place=PUSHED,
        is_clear="content IS NOT NULL AND NOT built_in",
        sealed=f"picture = substring(content ->> 'image' from {_UPLOAD}), content = NULL",
    ),
    "t_task_logs": _Kept(
        key="log_id",
        place=LOGS,
        is_clear=f"changes ?| {_OF_CONTENT}",
        said=(
            "(SELECT jsonb_object_agg(key, value) FROM jsonb_each(changes)"
            f" WHERE key = ANY({_OF_CONTENT}))"
        ),
        tenant="(SELECT tenant_id FROM t_tasks AS task WHERE task.task_id = kept.task_id)",
        sealed=f"changes = changes - {_OF_CONTENT}",
    ),
    "t_notifications": _Kept(key="notification_id", place=NOTICES),
}
TABLES: Final = tuple(_KEPT)


def seal_some(
    connection: sa.Connection, vault: Vault, table: str, *, after: str, limit: int
) -> str | None:
    """Seal the next rows of a table behind a key; return the last one's key, None at the end.

    What somebody is just working on stays as it is until the next time.
    """
    kept = _KEPT[table]
    rows = connection.execute(
        sa.text(
            f"""
            SELECT {kept.key} AS key, {kept.tenant} AS tenant_id, {kept.said} AS said
            FROM {table} AS kept WHERE {kept.key} > :after AND {kept.is_clear}
            ORDER BY {kept.key} LIMIT :limit FOR UPDATE OF kept SKIP LOCKED
            """
        ),
        {"after": after, "limit": limit},
    ).all()
    if not rows:
        return None
    sealed = seal(connection, vault, [(row.tenant_id, row.said) for row in rows], place=kept.place)
    connection.execute(
        sa.text(
            f"""
            UPDATE {table} AS kept SET {kept.sealed}, sealed = given.sealed
            FROM unnest(CAST(:keys AS text[]), CAST(:sealed AS bytea[])) AS given(key, sealed)
            WHERE kept.{kept.key} = given.key
            """
        ),
        {"keys": [row.key for row in rows], "sealed": sealed},
    )
    return rows[-1].key
