"""What people write for many lies sealed, also what an older scheduler left in the clear."""

import json
from typing import Any, Final
from uuid import uuid4

import pytest
import sqlalchemy as sa

from domain.identity import JobId
from domain.tasks import MiniProgram, PushContent, content_hash
from runtime.vault import forget
from services.scheduler import handlers
from services.scheduler.store import (
    clear,
    jobs,
    notices,
    push_results,
    task_logs,
    tasks,
    templates,
)
from services.scheduler.timed import firing
from tests.callers import EVERYBODY
from tests.given import NOON
from tests.sealed import VAULT
from tests.services.scheduler.tasks import a_task, enter, enter_groups, rows_of

pytestmark = pytest.mark.stack

WORDS: Final = "Oleander-3348"
KEY: Final = "uploads/2026/03/0a1b.png"
PLAIN: Final[dict[str, Any]] = {
    "text": WORDS,
    "image": f"/api/v1/media/{KEY}",
    "link": f"https://{WORDS}.example",
    "miniprogram": {"appid": "wx1", "pagePath": WORDS},
}
SAID: Final = PushContent(
    text=WORDS,
    image=PLAIN["image"],
    link=PLAIN["link"],
    miniprogram=MiniProgram("wx1", WORDS),
)
LEFT: Final = {
    "t_tasks": """
        INSERT INTO t_tasks (task_id, name, schedule_type, schedule_time, content_text,
            content_image, content_link, content_miniprogram, groups, status, creator_id,
            preview_recipients, created_at, updated_at, tenant_id, timezone, next_at, content_hash)
        SELECT :id, 'Monday', 'once', :at, said ->> 'text', said ->> 'image', said ->> 'link',
            said -> 'miniprogram', '["math"]', 'scheduled', '1', '[]', :at, :at, :tenant, 'UTC',
            :at, :hash
        FROM (SELECT CAST(:plain AS jsonb) AS said) AS given
        """,
    "t_pushes": """
        INSERT INTO t_pushes (push_id, task_id, due_at, status, priority, content, started_at,
            tenant_id)
        VALUES (:id, :id, :at, 'running', 'low', CAST(:plain AS jsonb), :at, :tenant)
        """,
    "t_previews": """
        INSERT INTO t_previews (preview_id, task_id, content, recipients, created_at, content_hash,
            requested_by, people, tenant_id)
        VALUES (:id, :id, CAST(:plain AS jsonb), '[]', :at, :hash, '1', '{}', :tenant)
        """,
    "t_preview_templates": """
        INSERT INTO t_preview_templates (template_id, name, content, created_at, tenant_id)
        VALUES (:id, 'Mine', CAST(:plain AS jsonb), :at, :tenant)
        """,
    "t_task_logs": """
        INSERT INTO t_task_logs (log_id, task_id, action, user_id, changes, timestamp)
        VALUES (:id, :id, 'update', '1', jsonb_build_object('name', 'new', 'content.text',
            jsonb_build_object('from', NULL, 'to', :words)), :at)
        """,
    "t_notifications": """
        INSERT INTO t_notifications (notification_id, user_id, type, content, subject, due_at,
            status, created_at, tenant_id)
        VALUES (:id, :id, 'result', jsonb_build_object('message', :words), :id, :at, 'sent', :at,
            :tenant)
        """,
    "jobs": """
        INSERT INTO jobs (job_id, channel, sender_id, content, status, total, created_at, tenant_id)
        VALUES (:id, 'whatsapp', '1', jsonb_build_object('type', 'text', 'body', :words), 'paused',
            1, :at, :tenant)
        """,
}
"""As a scheduler before version 0032 wrote them."""


@pytest.fixture
def left(database: sa.Engine) -> str:
    """Let there be a row of each table in the clear; return the id of all of them."""
    name = str(uuid4())
    values = {
        "id": name,
        "at": NOON,
        "words": WORDS,
        "plain": json.dumps(PLAIN),
        "tenant": name,
        "hash": content_hash(SAID),
    }
    with database.begin() as connection:
        for statement in LEFT.values():
            connection.execute(sa.text(statement), values)
    return name


def as_read(database: sa.Engine, name: str) -> dict[str, Any]:
    """Return what the rows say to those who read them."""
    with database.begin() as connection:
        task = tasks.of(connection, VAULT, name, EVERYBODY)
        job = jobs.claim_unfinished(connection, VAULT, JobId(name))
        assert task is not None
        assert job is not None
        handed = push_results.claim_unpublished(connection, VAULT, limit=1_000)
        page = notices.page_of(connection, VAULT, name, now=NOON, offset=0, limit=10)
        mine = templates.seen_by(connection, VAULT, name)
        return {
            "task": task.plan.content,
            "job": job.content,
            "push": [one.content for one in handed if one.push_id == name],
            "log": [one.changes for one in task_logs.of_task(connection, VAULT, name, limit=10)],
            "notice": [one.content.message for one in page.notices],
            "template": [one.content for one in mine if not one.built_in],
        }


def whole(database: sa.Engine, table: str) -> str:
    """Return all that a table holds in the clear."""
    rows = rows_of(database, f"SELECT CAST({table} AS text) FROM {table}")  # noqa: S608 - ours
    return "\n".join(row[0] for row in rows)


async def test_what_was_left_in_the_clear_is_sealed_and_says_what_it_said(
    database: sa.Engine, left: str
) -> None:
    before = as_read(database, left)
    assert all(WORDS in whole(database, table) for table in LEFT)

    await handlers.seal_old(database, VAULT)

    assert [table for table in LEFT if WORDS in whole(database, table)] == []
    assert as_read(database, left) == before
    assert (before["task"], before["template"], before["push"]) == (SAID, [SAID], [SAID])
    assert before["log"][0]["content.text"] == {"from": None, "to": WORDS}


async def test_the_picture_of_what_is_sealed_is_known(database: sa.Engine, left: str) -> None:
    await handlers.seal_old(database, VAULT)

    for table in ("t_tasks", "t_preview_templates"):
        query = f"SELECT picture FROM {table} WHERE tenant_id = :id"  # noqa: S608 - ours
        assert [row.picture for row in rows_of(database, query, id=left)] == [KEY]


async def test_built_in_templates_stay_as_they_are(database: sa.Engine) -> None:
    query = "SELECT content FROM t_preview_templates WHERE built_in"
    before = rows_of(database, query)

    await handlers.seal_old(database, VAULT)

    assert rows_of(database, query) == before


def test_it_is_sealed_some_rows_at_a_time(database: sa.Engine) -> None:
    names = sorted(str(uuid4()) for _ in range(3))
    values = [{"id": name, "words": WORDS, "at": NOON, "tenant": names[0]} for name in names]
    with database.connect() as connection:  # nothing is committed: these are all there are
        connection.execute(sa.text("DELETE FROM t_notifications"))
        connection.execute(sa.text(LEFT["t_notifications"]), values)
        steps: list[str | None] = [""]
        while (last := steps[-1]) is not None:
            steps.append(clear.seal_some(connection, VAULT, "t_notifications", after=last, limit=2))

    assert steps == ["", names[1], names[2], None]


def test_what_is_new_is_sealed_from_the_start(database: sa.Engine) -> None:
    task = a_task(at=NOON)
    enter(database, task)

    assert str(task.plan.content.text) not in "".join(whole(database, table) for table in LEFT)


async def test_who_wrote_last_counts(database: sa.Engine, left: str) -> None:
    """An older scheduler edits what was sealed: it knows the columns in the clear alone."""
    await handlers.seal_old(database, VAULT)
    with database.begin() as connection:
        query = sa.text("UPDATE t_tasks SET content_text = 'Later' WHERE task_id = :id")
        connection.execute(query, {"id": left})

    assert as_read(database, left)["task"] == PushContent(text="Later")


@pytest.mark.parametrize("is_sealed", [True, False])
async def test_a_push_says_what_is_stored_with_its_task(
    database: sa.Engine, left: str, *, is_sealed: bool
) -> None:
    enter_groups(database)
    if is_sealed:
        await handlers.seal_old(database, VAULT)

    with database.begin() as connection:
        # Nothing is under way.
        connection.execute(sa.text("DELETE FROM t_pushes WHERE push_id = :id"), {"id": left})
        firing.fire(connection, now=NOON, limit=1_000)
        handed = push_results.claim_unpublished(connection, VAULT, limit=1_000)

    assert [one.content for one in handed if one.task_id == left] == [SAID]


async def test_a_tenant_whose_key_is_gone_says_nothing_and_stops_no_other(
    database: sa.Engine, left: str
) -> None:
    other = a_task(at=NOON)
    enter(database, other)
    await handlers.seal_old(database, VAULT)

    with database.begin() as connection:
        assert forget(connection, VAULT.tenant(left))

    gone = as_read(database, left)
    assert gone["task"] == PushContent()
    assert gone["job"] == {}
    assert gone["notice"] == [""]
    assert gone["log"] == [{"name": "new"}]
    with database.connect() as connection:
        kept = tasks.of(connection, VAULT, other.task_id, EVERYBODY)
    assert kept is not None
    assert kept.plan.content == other.plan.content
