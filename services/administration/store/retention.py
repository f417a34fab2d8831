# ruff: noqa: S608 - statements are joined from our own words only
"""The statements that forget what is old, some rows at a time (SE-02, IM-33)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from runtime.postgres import delete_some
from schemas.http.media import MEDIA

_PATIENCE: Final = "5min"
"""Some of what is old has no index to be found by: it is looked for once a day."""

_OF_OLD_PUSHES: Final = (
    "push_id = ANY(ARRAY(SELECT push_id FROM t_pushes WHERE finished_at < :before))"
)
EXECUTIONS: Final[Mapping[str, str]] = {
    "t_push_results": _OF_OLD_PUSHES,
    "t_pushes": (
        "finished_at < :before"
        " AND NOT EXISTS (SELECT FROM t_push_results r WHERE r.push_id = t.push_id)"
    ),
    "t_preview_responses": '"time" < :before',
    # One that lets its task be scheduled (CF-25) stays until the task needs it no more.
    "t_previews": (
        "created_at < :before"
        " AND NOT EXISTS (SELECT FROM t_preview_responses r WHERE r.preview_id = t.preview_id)"
        " AND NOT EXISTS (SELECT FROM t_tasks k WHERE k.task_id = t.task_id"
        " AND k.content_hash = t.content_hash AND k.deleted_at IS NULL"
        " AND k.status IN ('draft', 'paused'))"
    ),
}
"""Logs of what was executed and previewed, in the order in which they go (SE-05)."""

_OF_OLD_SENDS: Final = (
    "task_id = ANY(ARRAY(SELECT task_id FROM group_send_progress WHERE updated_at < :before))"
)
_OF_OLD_JOBS: Final = "job_id = ANY(ARRAY(SELECT job_id FROM jobs WHERE finished_at < :before))"
AGED: Final[Mapping[str, str]] = {
    "dispatch_ledger": "state IN ('accepted', 'rejected') AND updated_at < :before",
    "job_items": _OF_OLD_JOBS,
    "job_outcomes": _OF_OLD_JOBS,
    "job_unsent": _OF_OLD_JOBS,
    "contact_windows": "last_inbound_at < :before",
    "t_notifications": "due_at < :before",
    "t_feedback": "timestamp < :before",
    "audit_log": "at < :before",
    "erasures": "ended_at < :before",
    "retention_runs": "ended_at < :before",
    "task_status_history": "recorded_at < :before",
    "push_states": "updated_at < :before",
    # A task that still is, and a send that is still to come, stay known.
    "task_states": (
        "updated_at < :before AND NOT EXISTS (SELECT FROM t_tasks k WHERE k.task_id = t.task_id)"
    ),
    "group_send_states": "updated_at < :before AND (due_at IS NULL OR due_at < :before)",
    "group_send_members": (
        "result_id = ANY(ARRAY(SELECT id FROM t_group_send_result WHERE task_id = ANY(ARRAY("
        "SELECT task_id FROM group_send_progress WHERE updated_at < :before))))"
    ),
    "t_group_send_result": _OF_OLD_SENDS,
    "group_send_progress": (
        "updated_at < :before AND NOT EXISTS"
        " (SELECT FROM t_group_send_result r WHERE r.task_id = t.task_id)"
    ),
    # A counter goes after all that it counts: messages go in whole months.
    "job_progress": (
        "updated_at < :before AND NOT EXISTS (SELECT FROM messages m WHERE m.job_id = t.job_id)"
    ),
}
"""Which rows of a table are old. Whatever is not named here is cleared by its own service, or
stays small; docs/operations.md lists them all."""

JOBS: Final = (
    "finished_at < :before AND NOT EXISTS (SELECT FROM job_items i WHERE i.job_id = t.job_id)"
)
"""After their rows."""


def forget_aged(
    connection: sa.Connection, table: str, condition: str, *, before: datetime, limit: int
) -> int:
    """Delete up to so many old rows of a table; return how many. Both words are ours."""
    connection.execute(sa.text(f"SET LOCAL statement_timeout = '{_PATIENCE}'"))
    return delete_some(connection, table, condition, before=before, limit=limit)


def aged_uploads(connection: sa.Connection, *, before: datetime, limit: int) -> list[str]:
    """Return the keys of files that our own people brought before then and that nobody shows."""
    connection.execute(sa.text(f"SET LOCAL statement_timeout = '{_PATIENCE}'"))
    rows = connection.execute(
        sa.text(
            """
            SELECT key FROM media_uploads u WHERE uploaded_at < :before
                AND NOT EXISTS (SELECT FROM t_tasks k WHERE k.deleted_at IS NULL
                    AND coalesce(substring(k.content_image from :name), k.picture) = u.key)
                AND NOT EXISTS (SELECT FROM t_preview_templates p
                    WHERE coalesce(substring(p.content ->> 'image' from :name), p.picture) = u.key)
            ORDER BY uploaded_at LIMIT :limit
            """
        ),
        {"before": before, "limit": limit, "name": f"^(?:{MEDIA}/)?(.*)$"},
    )
    return list(rows.scalars())


def forget_uploads(connection: sa.Connection, keys: Sequence[str]) -> None:
    """Delete the rows of files that are gone."""
    connection.execute(
        sa.text("DELETE FROM media_uploads WHERE key = ANY(:keys)"), {"keys": list(keys)}
    )


def aged_files(connection: sa.Connection, *, before: datetime, limit: int) -> dict[int, str | None]:
    """Return files that came before then, with the keys of those that are stored."""
    rows = connection.execute(
        sa.text(
            """
            SELECT id, key FROM inbound_media
            WHERE created_at < :before ORDER BY created_at LIMIT :limit
            """
        ),
        {"before": before, "limit": limit},
    )
    return {row.id: row.key for row in rows}


def forget_files(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Delete the rows of files that are gone."""
    connection.execute(
        sa.text("DELETE FROM inbound_media WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )


_NAMING: Final = (
    "messages",
    "message_participants",
    "inbound_media",
    "conversations",
    "parked_events",
    "provider_notices",
    "job_items",
    "t_preview_responses",
)
_ENCLOSING: Final = ("accepted_sends", "dispatch_ledger", "follow_ups", "fallbacks")
"""Their requests are envelopes (runtime/vault.py)."""

_UNUSED: Final = " AND ".join(
    [
        *(f"NOT EXISTS (SELECT FROM {t} t WHERE t.person = k.person)" for t in _NAMING),
        *(
            f"NOT EXISTS (SELECT FROM {t} t WHERE t.request IS NOT NULL"
            " AND substring(t.request from 1 for 16) = k.person)"
            for t in _ENCLOSING
        ),
        "NOT EXISTS (SELECT FROM t_feedback t WHERE t.user_id = encode(k.person, 'hex'))",
        "NOT EXISTS (SELECT FROM t_previews t WHERE t.people @> ARRAY[k.person])",
    ]
)


@dataclass(frozen=True, slots=True)
class Swept:
    """One step through the keys."""

    last: bytes | None
    """The last person looked at; None at the end."""
    gone: int


def forget_keys(connection: sa.Connection, *, after: bytes, before: datetime, limit: int) -> Swept:
    """Delete those of the next keys, made before then, that seal nothing any more.

    They are locked first and looked at by a second statement: whoever seals something under one of
    them holds its row until it is committed, so either we wait for it, or it waits for us.
    """
    connection.execute(sa.text(f"SET LOCAL statement_timeout = '{_PATIENCE}'"))
    locked = connection.execute(
        sa.text(
            """
            SELECT person FROM person_keys
            WHERE person > :after AND created_at < :before AND NOT lasts
            ORDER BY person LIMIT :limit FOR UPDATE
            """
        ),
        {"after": after, "before": before, "limit": limit},
    )
    people = [bytes(row.person) for row in locked]
    if not people:
        return Swept(None, 0)
    gone = connection.execute(
        sa.text(f"DELETE FROM person_keys k WHERE person = ANY(:people) AND {_UNUSED}"),
        {"people": people},
    )
    return Swept(people[-1], gone.rowcount)


def note(
    connection: sa.Connection, counts: Mapping[str, int], *, began: datetime, ended: datetime
) -> None:
    """Keep the report of one run."""
    connection.execute(
        sa.text(
            """
            INSERT INTO retention_runs (began_at, ended_at, counts)
            VALUES (:began, :ended, CAST(:counts AS jsonb))
            """
        ),
        {"began": began, "ended": ended, "counts": json.dumps(counts)},
    )


def last_run(connection: sa.Connection) -> datetime | None:
    """Return when the last run began; None before the first."""
    return connection.execute(sa.text("SELECT max(began_at) FROM retention_runs")).scalar()
