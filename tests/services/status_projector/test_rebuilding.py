"""What the tables say can be made anew from the topics, while the projector goes on."""

import asyncio
from typing import Any, Final

import pytest
import sqlalchemy as sa
from typer import testing as cli
from typer.testing import CliRunner

from cli.app import app
from cli.check import differences
from runtime.clock import now
from services.administration.store import erasure
from services.status_projector.explain import explain
from services.status_projector.prices import DEFAULT_PRICES, Prices
from tests.given import NOON, SENDER
from tests.sealed import VAULT
from tests.services.status_projector.facts import Life
from tests.services.status_projector.projectors import RunningProjector, Writer
from tests.services.status_projector.rebuilds import (
    caught_up,
    differing,
    execute,
    line_of,
    passers_by,
    rebuilt,
)
from tests.services.status_projector.town import TABLES, Looker, Town

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("running"),
]

PRICES = Prices(DEFAULT_PRICES, "USD")

DAMAGE: Final = {
    "messages": (
        (
            "UPDATE messages SET delivery_status = 'sent', read_at = NULL, job_id = NULL,"
            " sequence = 9 WHERE message_id = :first"
        ),
        "UPDATE messages SET sealed = NULL, person = '\\x00' WHERE message_id = :second",
        "DELETE FROM messages WHERE message_id IN (:third, :letter)",
        "DELETE FROM messages WHERE whatsapp_message_id = :inbound",
    ),
    "message_status_history": (
        (
            "UPDATE message_status_history SET to_status = 'failed'"
            " WHERE message_id = :first AND sequence = 1"
        ),
        "DELETE FROM message_status_history WHERE message_id = :second AND sequence = 2",
    ),
    "message_facts": (
        "DELETE FROM message_facts WHERE message_id = :first",
        "UPDATE message_facts SET kind = 'nonsense' WHERE message_id = :second",
    ),
    "message_participants": (
        "UPDATE message_participants SET status = 'read' WHERE status = 'failed'",
        "DELETE FROM message_participants WHERE status = 'sent'",
    ),
    "group_send_members": (
        "UPDATE group_send_members SET reported = NOT reported",
        (
            "DELETE FROM group_send_members WHERE person IN"
            " (SELECT person FROM group_send_members ORDER BY person LIMIT 2)"
        ),
    ),
    "t_group_send_result": (
        (
            "UPDATE t_group_send_result SET status = 'PENDING', customer_id = 7"
            " WHERE id IN (SELECT result_id FROM group_send_members)"
        ),
        (
            "DELETE FROM t_group_send_result WHERE id IN"
            " (SELECT max(result_id) FROM group_send_members)"
        ),
    ),
    "group_send_progress": ("UPDATE group_send_progress SET success = success + 5",),
    "conversations": (
        (
            "UPDATE conversations SET unread = 99, last_message_id = 'x', contact_id = 'nobody'"
            " WHERE unread > 0"
        ),
        "DELETE FROM conversations WHERE unread = 0 AND channel = 'wecom'",
    ),
    "provider_notices": (
        "UPDATE provider_notices SET kind = 'nonsense' WHERE notice_id = :notice",
        "DELETE FROM provider_notices WHERE notice_id <> :notice",
    ),
    "job_progress": ("UPDATE job_progress SET read = 100, sent = 0",),
    "message_tallies": (
        "UPDATE message_tallies SET accepted = accepted + 1 WHERE span = 'day'",
        "DELETE FROM message_tallies WHERE span = 'quarter'",
    ),
    "unheard_sends": (
        "DELETE FROM unheard_sends WHERE message_id = :unheard",
        "INSERT INTO unheard_sends VALUES (:third, 'x', NULL, now())",
    ),
    "sends_by_time": ("UPDATE sends_by_time SET accepted = 1000",),
    "task_states": ("UPDATE task_states SET status = 'draft', sequence = 77",),
    "push_states": ("DELETE FROM push_states",),
    "group_send_states": ("UPDATE group_send_states SET targets = 0",),
    "task_status_history": (
        "UPDATE task_status_history SET to_status = 'x' WHERE kind = 'task' AND sequence = 2",
        "DELETE FROM task_status_history WHERE kind = 'push'",
    ),
}


async def test_what_was_damaged_is_found_and_put_right_while_messages_flow(
    writer: Writer, engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    town = await a_town(engine, writer, clean_topics)
    looker = Looker(engine, town)
    before = looker.look()
    assert all(before.values())
    async with passers_by(engine, writer, clean_topics):
        damage(engine, town)
        damaged = looker.look()

        looked = await rebuilt(database_url, clean_topics, mends=False)

        assert {line.name for line in looked.lines if line.wrong} == ONE_LINE_EACH
        assert not looked.is_mended
        assert looker.changed(damaged) == {}

        mended = await rebuilt(database_url, clean_topics, mends=True)

        assert mended.is_mended
        assert looker.changed(before) == {}
        assert differences(engine) == []
    await is_whole(engine, town, database_url, clean_topics)
    assert shadows(engine) == []


async def test_whole_tables_that_were_lost_come_back(
    writer: Writer, engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    town = await a_town(engine, writer, clean_topics)
    looker = Looker(engine, town)
    before = looker.look()
    async with passers_by(engine, writer, clean_topics):
        for table in TABLES:
            with engine.begin() as connection:
                connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - our own words only

        mended = await rebuilt(database_url, clean_topics, mends=True)

        assert mended.is_mended
        assert looker.changed(before) == {}
        assert differences(engine) == []
    await is_whole(engine, town, database_url, clean_topics)


async def test_what_people_read_stays_read(
    running: RunningProjector,
    writer: Writer,
    engine: sa.Engine,
    database_url: str,
    clean_topics: str,
) -> None:
    town = await a_town(engine, writer, clean_topics)
    looker = Looker(engine, town)
    unread = VAULT.conversation_id("whatsapp", SENDER, town.people[2])
    answer = await running.client.post(f"/api/v1/im/conversations/{unread}/read")
    assert answer.status_code == 200
    before = looker.look()
    execute(engine, "UPDATE conversations SET last_at = last_at - interval '1 day', unread = 50")

    await rebuilt(database_url, clean_topics, mends=True)

    assert looker.changed(before) == {}


async def test_where_nothing_differs_nothing_is_written(
    writer: Writer, engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    await a_town(engine, writer, clean_topics)
    before = versions(engine)

    result = await rebuilt(database_url, clean_topics, mends=True)

    assert differing(result) == []
    assert not result.is_mended
    assert {line.name for line in result.lines if line.compared} == ONE_LINE_EACH
    assert versions(engine) == before


async def test_what_the_topics_do_not_know_is_told_and_kept(
    writer: Writer, engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    town = await a_town(engine, writer, clean_topics)
    looker = Looker(engine, town)
    one = {"id": town.refused.message_id, "other": Life().message_id}
    execute(engine, "UPDATE messages SET message_id = :other WHERE message_id = :id", **one)

    result = await rebuilt(database_url, clean_topics, mends=True)

    line = line_of(result, "messages")
    assert (line.missing, line.unknown) == (1, 1)
    assert {(e.row, e.what) for e in line.examples} == {
        (one["id"], "missing"),
        (one["other"], "unknown"),
    }
    kept = "SELECT count(*) FROM messages WHERE message_id IN (:id, :other)"
    assert execute(engine, kept, **one) == [(2,)]
    execute(engine, "DELETE FROM messages WHERE message_id = :other", **one)
    await rebuilt(database_url, clean_topics, mends=True)
    assert looker.look()["job_progress"]
    assert differences(engine) == []


async def test_a_history_of_other_steps_stays_as_it_was_published(
    writer: Writer, engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    town = await a_town(engine, writer, clean_topics)
    one = {"id": town.lives[2].message_id}
    history = "message_status_history WHERE message_id = :id"
    execute(engine, f"DELETE FROM {history} AND sequence = 1", **one)  # noqa: S608 - our own words only
    for step in (
        "UPDATE message_status_history SET sequence = sequence - 1",
        "UPDATE messages SET sequence = sequence - 1",
    ):
        execute(engine, f"{step} WHERE message_id = :id", **one)
    first = "UPDATE message_status_history SET from_status = 'pending'"
    execute(engine, f"{first} WHERE message_id = :id AND sequence = 1", **one)
    looker = Looker(engine, town)
    before = looker.look()

    result = await rebuilt(database_url, clean_topics, mends=True)

    assert differing(result) == []
    assert looker.changed(before) == {}


async def test_who_was_erased_is_not_brought_back(
    writer: Writer, engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    town = await a_town(engine, writer, clean_topics)
    eva, customer = town.people[2], town.group_send.targets[0]
    for channel, address in (("whatsapp", eva), ("wecom", customer), ("whatsapp", town.people[4])):
        erase(engine, channel, address)
    # Who writes again is somebody new: what was before stays forgotten.
    back = Life()
    await writer.write([back.request(recipient=eva, requested_at=now())])
    await caught_up(engine, clean_topics)
    looker = Looker(engine, town)
    before = looker.look()
    lost = [town.lives[2].message_id, town.lives[4].message_id]
    ids = {"ids": lost}
    execute(engine, "DELETE FROM messages WHERE message_id = ANY(:ids)", **ids)
    execute(engine, "DELETE FROM message_status_history WHERE message_id = ANY(:ids)", **ids)
    execute(engine, "DELETE FROM provider_notices")

    await rebuilt(database_url, clean_topics, mends=True)

    for message_id in lost:
        assert traces_of(engine, message_id) == (b"", "", None, None, None, None)
        assert not names_in_history(engine, message_id)
    assert looker.changed(before) == {}
    assert [row[1][1] for row in before["provider_notices"]] == [town.notices[1].notice_id]
    assert differing(await rebuilt(database_url, clean_topics, mends=False)) == []


async def test_the_command_has_a_line_for_each_read_model(
    writer: Writer, engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    await a_town(engine, writer, clean_topics)
    pushes = execute(engine, "DELETE FROM push_states RETURNING push_id")

    compared = await sendtrail(database_url, clean_topics, "rebuild")
    swapped = await sendtrail(database_url, clean_topics, "rebuild", "--swap")

    many = str(len(pushes))
    assert compared.exit_code == 1
    assert ["push_states", many, many, "0", "0", "0"] in cells(compared)
    assert ["push_states", pushes[0][0], "it is missing"] in cells(compared)
    assert swapped.exit_code == 0, swapped.output
    assert ["push_states", many, many, "0", "0", many] in cells(swapped)
    assert {row[0] for row in cells(swapped)} >= ONE_LINE_EACH
    noted = (
        "SELECT changes FROM audit_log WHERE action = 'messages.rebuild' ORDER BY id DESC LIMIT 1"
    )
    ((changes,),) = execute(engine, noted)
    assert set(changes) == {"push_states"}


ONE_LINE_EACH: Final = set(TABLES) - {"group_send_members"}
"""Whose result it is stands beside the result."""


async def is_whole(engine: sa.Engine, town: Town, url: str, bootstrap: str) -> None:
    """See that another rebuild finds nothing, and that what was sealed anew opens."""
    assert differing(await rebuilt(url, bootstrap, mends=False)) == []
    assert text_of(engine, town.lives[2]) == "Hi Ada, your order A-17 is ready for pickup."


async def a_town(engine: sa.Engine, writer: Writer, bootstrap: str) -> Town:
    """Return a town of which everything is known."""
    town = Town()
    await writer.write(town.requests())
    await caught_up(engine, bootstrap)
    await writer.write(town.told())
    await caught_up(engine, bootstrap)
    return town


async def sendtrail(url: str, bootstrap: str, *words: str) -> cli.Result:
    """Run a command; it has an event loop of its own."""
    settings = {"DATABASE_URL": url, "KAFKA_BOOTSTRAP_SERVERS": bootstrap, "COLUMNS": "160"}
    return await asyncio.to_thread(CliRunner().invoke, app, words, env=settings)


def cells(result: cli.Result) -> list[list[str]]:
    """Return the rows of the tables that a command has shown."""
    lines = result.output.split("\n")
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


def damage(engine: sa.Engine, town: Town) -> None:
    """Alter and delete rows of every read model."""
    first, second, third = (life.message_id for life in town.lives[:3])
    values = {
        "first": first,
        "second": second,
        "third": third,
        "letter": town.letter.message_id,
        "unheard": town.unheard[1].message_id,
        "inbound": town.inbound[0].provider_message_id,
        "notice": town.notices[0].notice_id,
    }
    for table in TABLES:
        for statement in DAMAGE[table]:
            execute(engine, statement, **values)


def erase(engine: sa.Engine, channel: str, address: str) -> None:
    """Forget somebody, as an erasure does."""
    person = VAULT.person(channel, address)
    with engine.begin() as connection:
        erasure.begin(connection, person, channel, asked_by="test", now=now())
        erasure.forget_everywhere(connection, person, channel, address, now=NOON)


def versions(engine: sa.Engine) -> dict[str, list[Any]]:
    """Return which transactions wrote the rows of each read model."""
    return {
        table: execute(engine, f"SELECT CAST(xmin AS text), ctid FROM {table} ORDER BY 1, 2")  # noqa: S608 - our own words only
        for table in TABLES
    }


def traces_of(engine: sa.Engine, message_id: str) -> tuple[Any, ...]:
    """Return what of a message's row would say whose it is."""
    query = (
        "SELECT person, conversation_id, sealed, whatsapp_message_id, case_id, contact_id"
        " FROM messages WHERE message_id = :id"
    )
    ((person, *others),) = execute(engine, query, id=message_id)
    return (bytes(person), *others)


def names_in_history(engine: sa.Engine, message_id: str) -> bool:
    """Return whether a message's published changes say to whom it went."""
    query = "SELECT change FROM message_status_history WHERE message_id = :id"
    rows = execute(engine, query, id=message_id)
    assert rows
    return any(b"conversationId" in bytes(change) for (change,) in rows)


def text_of(engine: sa.Engine, life: Life) -> str | None:
    """Return what a message said."""
    with engine.connect() as connection:
        found = explain(connection, VAULT, life.message_id, PRICES, tenant_id=None)
    assert found is not None
    return found.shown.text


def shadows(engine: sa.Engine) -> list[Any]:
    return execute(engine, "SELECT nspname FROM pg_namespace WHERE nspname = 'rebuild'")
