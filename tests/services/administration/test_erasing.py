"""Erasing that is broken off between the rows and the files is ended by asking again (SE-03)."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from cli.check import differences
from runtime.errors import TryAgainLater
from runtime.media import MediaSettings, open_store
from services.administration.erasing import Eraser
from services.administration.store import erasure
from tests.callers import EVERYBODY
from tests.given import NOON, SENDER
from tests.vaults import the_vault

pytestmark = pytest.mark.stack

ADA = "+16505550001"
KEY = "media/a1.jpg"
VAULT = the_vault()


@pytest.fixture
def known(database: sa.Engine) -> sa.Engine:
    """Return a database that knows Ada, and where a file of hers is."""
    person = VAULT.person("whatsapp", ADA)
    with database.begin() as connection:
        VAULT.sealing(connection, [person])
        connection.execute(
            sa.text(
                "INSERT INTO inbound_media (channel, provider_message_id, media_id, sender_id,"
                " message_type, occurred_at, state, key, person, created_at, updated_at) VALUES"
                " ('whatsapp', 'wamid.1', '1', :sender, 'image', :at, 'stored', :key, :person,"
                " :at, :at)"
            ),
            {"sender": SENDER, "at": NOON, "key": KEY, "person": person},
        )
    return database


def test_a_row_that_waits_is_counted_where_it_goes(database: sa.Engine) -> None:
    person, job = VAULT.person("whatsapp", ADA), f"job_{uuid4().hex}"
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO job_items (job_id, row, message_id, person, state) VALUES"
                " (:job, 1, :job || '1', :person, 'waiting'),"
                " (:job, 2, :job || '2', :person, 'settled'),"
                " (:job, 3, :job || '3', NULL, 'skipped'),"
                " (:job, 4, :job || '4', :person, 'waiting')"
            ),
            {"job": job, "person": person},
        )
        connection.execute(
            sa.text("INSERT INTO job_unsent VALUES (:job, 1, 0, 0)"),
            {"job": job},
        )

        counts = erasure.forget_everywhere(connection, person, "whatsapp", ADA, now=NOON)

    assert counts["job_items"] == 3
    assert rows(database, "SELECT state FROM job_items ORDER BY row") == [
        "skipped",
        "settled",
        "skipped",
        "skipped",
    ]
    assert rows(database, "SELECT skipped FROM job_unsent") == [3]
    assert [one for one in differences(database) if one.id == job] == []


def test_what_was_shown_as_read_goes_with_its_conversation(database: sa.Engine) -> None:
    person, other = (VAULT.person("whatsapp", number) for number in ("+1001", "+1002"))
    with database.begin() as connection:
        for name, who in (("cnv_1", person), ("cnv_2", other)):
            connection.execute(
                sa.text(
                    "INSERT INTO conversations (conversation_id, channel, sender_id, person,"
                    " last_message_id, last_at, last_direction, read_to, read_at, updated_at)"
                    " VALUES (:name, 'whatsapp', '1', :who, 'm', :at, 'inbound', 'm', :at, :at)"
                ),
                {"name": name, "who": who, "at": NOON},
            )
            told = sa.text("INSERT INTO read_marks_told VALUES (:name, :at)")
            connection.execute(told, {"name": name, "at": NOON})

        counts = erasure.forget_everywhere(connection, person, "whatsapp", "+1001", now=NOON)

    assert (counts["conversations"], counts["read_marks_told"]) == (1, 1)
    assert rows(database, "SELECT conversation_id FROM conversations") == ["cnv_2"]
    assert rows(database, "SELECT conversation_id FROM read_marks_told") == ["cnv_2"]


def test_nobody_is_named_in_a_group_send_or_a_fact_any_more(database: sa.Engine) -> None:
    person = VAULT.person("wecom", "zhangsan")
    with database.begin() as connection:
        for statement in (
            (
                "INSERT INTO t_group_send_result (id, task_id, customer_id, status, create_time,"
                " update_time) VALUES (1, 1, 71, 'SUCCESS', :at, :at),"
                " (2, 1, 72, 'SUCCESS', :at, :at)"
            ),
            "INSERT INTO group_send_members VALUES ('m', :person, 1), ('m', 'another', 2)",
        ):
            connection.execute(sa.text(statement), {"at": NOON, "person": person})

        counts = erasure.forget_everywhere(connection, person, "wecom", "zhangsan", now=NOON)

    assert (counts["t_group_send_result"], counts["group_send_members"]) == (1, 1)
    members = rows(database, "SELECT person FROM group_send_members")
    assert len(members) == 2
    assert person not in [bytes(one) for one in members]
    assert rows(database, "SELECT customer_id FROM t_group_send_result ORDER BY id") == [0, 72]


def test_whom_previews_go_to_is_named_nowhere_any_more(database: sa.Engine) -> None:
    person = VAULT.person("wechat", "bo")
    with database.begin() as connection:
        for statement in (
            (
                "INSERT INTO t_tasks (task_id, name, schedule_type, schedule_time, groups,"
                " creator_id, preview_recipients, created_at, updated_at, timezone,"
                " content_hash) VALUES"
                " ('t', 't', 'once', :at, '[]', '1', '[\"bo\", \"al\"]', :at, :at, 'UTC', '')"
            ),
            (
                "INSERT INTO t_task_logs VALUES"
                " ('1', 't', 'update', '1', '{\"previewRecipients\": {\"from\": [],"
                ' "to": ["bo"]}, "name": {"from": "bo", "to": "b"}}\', :at),'
                " ('2', 't', 'update', '1', '{\"previewRecipients\": {\"from\": null,"
                ' "to": ["al"]}}\', :at),'
                " ('3', 't', 'pause', '1', NULL, :at)"
            ),
            (
                "INSERT INTO t_notifications (notification_id, user_id, type, content, subject,"
                " due_at, status, created_at) VALUES"
                " ('1', 'bo', 'preview', '{}', '1', :at, 'sent', :at),"
                " ('2', 'al', 'preview', '{}', '2', :at, 'sent', :at)"
            ),
        ):
            connection.exec_driver_sql(statement.replace(":at", "'2026-03-02'"))

        erasure.forget_everywhere(connection, person, "wechat", "bo", now=NOON)

    assert rows(database, "SELECT preview_recipients FROM t_tasks") == [["al"]]
    logs = rows(database, "SELECT changes FROM t_task_logs ORDER BY log_id")
    assert logs == [
        {"name": {"from": "bo", "to": "b"}},
        {"previewRecipients": {"from": None, "to": ["al"]}},
        None,
    ]
    assert rows(database, "SELECT user_id FROM t_notifications") == ["al"]


def rows(database: sa.Engine, query: str) -> list[Any]:
    with database.connect() as connection:
        return list(connection.execute(sa.text(query)).scalars())


def test_a_store_that_fails_leaves_what_asking_again_ends(known: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / KEY
    file.mkdir(parents=True)  # a directory is no file that the store could delete
    store = open_store(MediaSettings(media_store_url=tmp_path.as_uri()))
    eraser = Eraser(known, VAULT, store, lambda: NOON)

    with pytest.raises(TryAgainLater):
        eraser.erase("whatsapp", ADA, EVERYBODY)

    assert rows(known, "SELECT wrapped FROM person_keys") == []
    assert rows(known, "SELECT key FROM inbound_media") == [KEY]
    assert rows(known, "SELECT ended_at FROM erasures") == [None]

    file.rmdir()
    file.write_bytes(b"ring")
    report = eraser.erase("whatsapp", ADA, EVERYBODY)

    assert not file.exists()
    assert report.counts == {"files": 1}
    assert rows(known, "SELECT key FROM inbound_media") == []
    assert rows(known, "SELECT ended_at FROM erasures") == [NOON, NOON]
    assert eraser.erase("whatsapp", ADA, EVERYBODY).counts == {}
