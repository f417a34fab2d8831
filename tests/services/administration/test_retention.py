"""What is older than it may be kept goes, what is younger stays, and the report says what went."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cli.check import differences
from runtime.media import MediaSettings, MediaStore, open_store
from services.administration.retention import RUN_EVERY, Retention
from services.administration.store.retention import AGED, EXECUTIONS
from tests.given import NOON, SENDER

pytestmark = pytest.mark.stack

KEPT = timedelta(days=365)
OLD, YOUNG = NOON - KEPT - timedelta(days=1), NOON - KEPT + timedelta(days=1)
OLD_FILE, YOUNG_FILE = "media/a1.jpg", "media/b2.jpg"

SEND = "700000 + length(:name)"
"""The number of a group send: these have no names."""

ROWS: Mapping[str, tuple[str, str]] = {
    "dispatch_ledger": (
        "message_id, state, conversation, sender, attempt, owner, claimed_at, updated_at",
        ":name, 'accepted', '', 'whatsapp:1', 1, '', :at, :at",
    ),
    "jobs": (
        "job_id, channel, sender_id, content, status, total, created_at, finished_at",
        ":name, 'whatsapp', '1', '{}', 'completed', 1, :at, :at",
    ),
    "job_items": ("job_id, row, message_id, state", ":name, 1, :name, 'skipped'"),
    "job_outcomes": ("job_id, reached, failed, heard_at", ":name, 0, 0, :at"),
    "job_unsent": ("job_id, skipped, cancelled, recalled", ":name, 1, 0, 0"),
    "contact_windows": (
        "channel, person, sender_id, last_inbound_at",
        "'whatsapp', convert_to(:name, 'UTF8'), '1', :at",
    ),
    "audit_log": ("at, actor, action, about, changes", ":at, '1', 'job.create', :name, '{}'"),
    "t_notifications": (
        "notification_id, user_id, type, content, subject, due_at, status, created_at",
        ":name, '1', 'result', '{}', :name, :at, 'sent', :at",
    ),
    "t_feedback": (
        "feedback_id, task_id, user_id, content, timestamp, push_id",
        ":name, :name, '1', '', :at, :name",
    ),
    "erasures": (
        "person, channel, asked_by, asked_at, ended_at, counts",
        "convert_to(:name, 'UTF8'), 'whatsapp', '1', :at, :at, '{}'",
    ),
    "retention_runs": ("began_at, ended_at, counts", ":at, :at, jsonb_build_object(:name, 1)"),
    "inbound_media": (
        (
            "channel, provider_message_id, media_id, sender_id, message_type, occurred_at, state,"
            " key, created_at, updated_at"
        ),
        f"'whatsapp', :name, '1', '{SENDER}', 'image', :at, 'stored', :key, :at, :at",
    ),
    "t_pushes": (
        "push_id, task_id, due_at, status, priority, content, finished_at",
        ":name, :name, :at, 'completed', 'low', '{}', :at",
    ),
    "t_push_results": ("push_id, group_id, message_id, status", ":name, 'g', :name, 'sent'"),
    "t_previews": (
        (
            "preview_id, task_id, content, recipients, created_at, content_hash, requested_by,"
            " people"
        ),
        ":name, :name, '{}', '[]', :at, '\\x01', '1', '{}'",
    ),
    "t_preview_responses": (
        "response_id, preview_id, person, user_id, response, time",
        ":name, :name, '', '', 'confirm', :at",
    ),
    "task_status_history": (
        "kind, id, sequence, to_status, updated_at, recorded_at",
        "'task', :name, 1, 'draft', :at, :at",
    ),
    "task_states": (
        "task_id, status, sequence, deleted, updated_at",
        ":name || ' was', 'completed', 1, true, :at",
    ),
    "push_states": (
        "push_id, task_id, status, sequence, due_at, groups, updated_at",
        ":name, :name, 'completed', 1, :at, 1, :at",
    ),
    "group_send_states": (
        "task_id, status, sequence, targets, reason, updated_at",
        "length(:name), 'completed', 1, 1, :name, :at",
    ),
    "group_send_progress": (
        "task_id, pending, processing, success, failed, updated_at",
        f"{SEND}, 0, 0, 1, 0, :at",
    ),
    "t_group_send_result": (
        "id, task_id, customer_id, status, error_message, create_time, update_time",
        f"{SEND}, {SEND}, 1, 'SUCCESS', :name, :at, :at",
    ),
    "group_send_members": ("message_id, person, result_id", f":name, '', {SEND}"),
    "job_progress": ("job_id, updated_at", ":name, :at"),
    "media_uploads": (
        "key, mime_type, size, uploaded_by, uploaded_at",
        ":upload, 'image/png', 1, '1', :at",
    ),
    "person_keys": (
        "person, master, wrapped, created_at",
        "convert_to(:name, 'UTF8'), 'm', '', :at",
    ),
}
"""A row of each table that the administration clears: its columns, and what is in them."""
SENDS = ("group_send_progress", "t_group_send_result", "group_send_members")
A_TASK = """
    INSERT INTO t_tasks (task_id, name, schedule_type, schedule_time, groups, creator_id,
        preview_recipients, created_at, updated_at, timezone, content_hash)
    VALUES (:name, :name, 'once', :at, '[]', '1', '[]', :at, :at, 'UTC', '') ON CONFLICT DO NOTHING
"""
"""What an opinion is about."""


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    """Return a store with an old file and a young one."""
    for key in (OLD_FILE, YOUNG_FILE):
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).write_bytes(b"ring")
    return open_store(MediaSettings(media_store_url=tmp_path.as_uri()))


@pytest.fixture
def filled(database: sa.Engine) -> sa.Engine:
    """Return a database with an old and a young row in each table, and nothing else there."""
    with database.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {', '.join(ROWS)}"))
    fill(database, "old", OLD, key=OLD_FILE)
    fill(database, "young", YOUNG, key=YOUNG_FILE)
    return database


def fill(database: sa.Engine, name: str, at: datetime, *, key: str | None = None) -> None:
    with database.begin() as connection:
        connection.execute(sa.text(A_TASK), {"name": name, "at": at})
        for table, (columns, values) in ROWS.items():
            # Some may be forgotten sooner: what is young of them is younger.
            moment = NOON if at == YOUNG and table in {*EXECUTIONS, "person_keys"} else at
            connection.execute(
                sa.text(f"INSERT INTO {table} ({columns}) VALUES ({values})"),  # noqa: S608 - ours
                {"name": name, "at": moment, "key": key, "upload": f"uploads/{name}.png"},
            )


def left(database: sa.Engine, table: str) -> str:
    """Return all that is in a table."""
    with database.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT t::text AS r FROM {table} t"))  # noqa: S608 - ours
        return "\n".join(rows.scalars())


def a_retention(database: sa.Engine, media: MediaStore, at: datetime = NOON) -> Retention:
    return Retention(database, media, lambda: at, kept=KEPT)


def name_in(table: str, name: str) -> str:
    """Return how a row's name is shown."""
    if table in SENDS:
        return f"70000{len(name)}"
    is_bytes = "convert_to" in ROWS[table][1]
    return name.encode().hex() if is_bytes else name


def test_every_table_that_it_clears_is_tried_here() -> None:
    assert set(ROWS) == {
        *EXECUTIONS,
        *AGED,
        "jobs",
        "inbound_media",
        "media_uploads",
        "person_keys",
    }


@pytest.mark.parametrize("table", ROWS)
def test_old_rows_go_and_young_ones_stay(filled: sa.Engine, media: MediaStore, table: str) -> None:
    a_retention(filled, media).run()

    rows = left(filled, table)
    assert name_in(table, "old") not in rows
    assert name_in(table, "young") in rows


def test_old_files_go_with_their_rows(filled: sa.Engine, media: MediaStore, tmp_path: Path) -> None:
    a_retention(filled, media).run()

    assert not (tmp_path / OLD_FILE).exists()
    assert (tmp_path / YOUNG_FILE).exists()


def test_the_report_says_how_much_of_what_is_gone(filled: sa.Engine, media: MediaStore) -> None:
    told = a_retention(filled, media).run()

    cleared = {*ROWS} - {"inbound_media"} | {"files"}
    assert told == dict.fromkeys(cleared, 1)
    with filled.connect() as connection:
        query = "SELECT counts FROM retention_runs ORDER BY id DESC LIMIT 1"
        assert connection.execute(sa.text(query)).scalar_one() == told


def test_counters_equal_counted_rows_afterwards(filled: sa.Engine, media: MediaStore) -> None:
    a_retention(filled, media).run()

    assert differences(filled) == []


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("dispatch_ledger", "state = 'in_doubt'"),
        ("jobs", "finished_at = NULL"),
        ("erasures", "ended_at = NULL"),
    ],
)
def test_what_has_not_ended_stays_however_old_it_is(
    filled: sa.Engine, media: MediaStore, table: str, change: str
) -> None:
    with filled.begin() as connection:
        connection.execute(sa.text(f"UPDATE {table} SET {change}"))  # noqa: S608 - ours

    a_retention(filled, media).run()

    assert name_in(table, "old") in left(filled, table)


def test_an_old_key_that_seals_something_stays(filled: sa.Engine, media: MediaStore) -> None:
    with filled.begin() as connection:
        connection.execute(
            sa.text("UPDATE job_items SET person = convert_to('old', 'UTF8') WHERE job_id='young'")
        )

    a_retention(filled, media).run()

    assert name_in("person_keys", "old") in left(filled, "person_keys")


def test_an_old_key_of_a_tenant_stays(filled: sa.Engine, media: MediaStore) -> None:
    with filled.begin() as connection:
        connection.execute(sa.text("UPDATE person_keys SET lasts = true"))

    a_retention(filled, media).run()

    assert name_in("person_keys", "old") in left(filled, "person_keys")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("media_uploads", "picture = 'uploads/old.png'"),
        ("media_uploads", "content_image = '/api/v1/media/uploads/old.png'"),
        ("media_uploads", "content_image = 'uploads/old.png'"),
        ("t_previews", "content_hash = '\\x01'"),
    ],
)
def test_what_a_task_still_needs_stays(
    filled: sa.Engine, media: MediaStore, table: str, change: str
) -> None:
    with filled.begin() as connection:
        set_to = sa.text(f"UPDATE t_tasks SET {change} WHERE task_id = 'old'")  # noqa: S608 - ours
        connection.execute(set_to)

    a_retention(filled, media).run()

    with filled.begin() as connection:
        connection.execute(
            sa.text("UPDATE t_tasks SET content_image = NULL, picture = NULL, content_hash = ''")
        )
    assert "old" in left(filled, table)


async def test_it_runs_once_a_day_whichever_process_is_first(
    filled: sa.Engine, media: MediaStore
) -> None:
    def runs() -> Any:  # noqa: ANN401 - a count
        with filled.connect() as connection:
            return connection.execute(sa.text("SELECT count(*) FROM retention_runs")).scalar_one()

    later = NOON + RUN_EVERY
    counts: list[int] = []
    for at in (NOON, NOON + RUN_EVERY / 2, later):
        await a_retention(filled, media, at).tick()
        counts.append(runs())

    assert counts == [2, 2, 3]
