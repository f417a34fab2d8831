"""What the tables say can be made anew from the topics, while the projector goes on."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from runtime.vault import Vault, VaultSettings
from services.administration.store import erasure
from services.status_projector.explain import explain
from services.status_projector.prices import DEFAULT_PRICES, Prices
from services.status_projector.rebuild import Rebuild, Result
from tests.eventually import eventually
from tests.given import NOON
from tests.services.status_projector.facts import ZONE, Life
from tests.services.status_projector.projectors import SOON, RunningProjector, Writer, whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

PRICES = Prices(DEFAULT_PRICES, "USD")

STATE = "delivery_status, sequence, accepted_at, delivered_at, read_at, whatsapp_message_id, job_id"


@pytest_asyncio.fixture(loop_scope="module")
async def load(running: RunningProjector, writer: Writer) -> AsyncGenerator[list[Life]]:
    """Return messages that are read, while further ones keep coming."""
    lives = [Life() for _ in range(30)]
    await writer.write([record for life in lives for record in whole(life)])

    async def go_on() -> None:
        while True:
            await writer.write(whole(Life()))

    await eventually(lambda: is_read(running, lives[-1]), within=SOON)
    going = asyncio.create_task(go_on())
    yield lives
    going.cancel()
    await asyncio.wait([going])


async def test_what_was_damaged_is_found_and_mended_while_messages_flow(
    load: list[Life], engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    wrong, lost, sound = load[3], load[7], load[9]
    before = {life.message_id: state_of(engine, life) for life in (wrong, lost, sound)}
    damage(engine, "UPDATE messages SET delivery_status = 'sent', read_at = NULL", wrong)
    damage(engine, "DELETE FROM messages", lost)

    looked = await rebuilt(database_url, clean_topics, mends=False)

    assert {one.message_id: list(one.columns) for one in looked.differences} == {
        wrong.message_id: ["delivery_status", "read_at"],
        lost.message_id: [],
    }
    assert not looked.is_mended
    assert state_of(engine, lost) is None

    mended = await rebuilt(database_url, clean_topics, mends=True)

    assert mended.is_mended
    assert {life.message_id: state_of(engine, life) for life in (wrong, lost, sound)} == before
    assert text_of(engine, lost) == "Hi Ada, your order A-17 is ready for pickup."
    assert (await rebuilt(database_url, clean_topics, mends=False)).differences == ()
    assert mended.records > 0
    assert shadows(engine) == []


async def test_who_was_erased_is_not_brought_back(
    running: RunningProjector,
    writer: Writer,
    engine: sa.Engine,
    database_url: str,
    clean_topics: str,
) -> None:
    here, lost, eva = Life(), Life(), "+16505550877"
    for life in (here, lost):
        request = life.request(recipient=eva, case_id="A-17", contact_id="eva")
        await writer.write([request, *whole(life)[1:]])
    await eventually(lambda: is_read(running, lost), within=SOON)
    with engine.begin() as connection:
        erasure.forget_everywhere(
            connection, a_vault().person("whatsapp", eva), "whatsapp", eva, now=NOON
        )
    damage(engine, "DELETE FROM messages", lost)

    looked = await rebuilt(database_url, clean_topics, mends=True)

    assert [one.message_id for one in looked.differences] == [lost.message_id]
    assert traces_of(engine, here) == traces_of(engine, lost) == (b"", "", None, None, None, None)
    assert (await rebuilt(database_url, clean_topics, mends=False)).differences == ()


async def rebuilt(url: str, bootstrap: str, *, mends: bool) -> Result:
    run = Rebuild(url, bootstrap, a_vault(), ZONE)
    return await run.run(lambda _done, _of: None, mends=mends)


def a_vault() -> Vault:
    return Vault(VaultSettings())  # type: ignore[call-arg]


async def is_read(running: RunningProjector, life: Life) -> bool:
    answer = await running.status(life.message_id)
    return answer.status_code == 200 and answer.json()["data"]["status"] == "read"


def state_of(engine: sa.Engine, life: Life) -> tuple[Any, ...] | None:
    query = sa.text(f"SELECT {STATE} FROM messages WHERE message_id = :id")  # noqa: S608 - our own words only
    with engine.connect() as connection:
        row = connection.execute(query, {"id": life.message_id}).first()
    return None if row is None else tuple(row)


def traces_of(engine: sa.Engine, life: Life) -> tuple[Any, ...]:
    """Return what of a message's row would say whose it is."""
    query = sa.text(
        "SELECT person, conversation_id, sealed, whatsapp_message_id, case_id, contact_id"
        " FROM messages WHERE message_id = :id"
    )
    with engine.connect() as connection:
        person, *others = connection.execute(query, {"id": life.message_id}).one()
    return (bytes(person), *others)


def text_of(engine: sa.Engine, life: Life) -> str | None:
    with engine.connect() as connection:
        found = explain(connection, a_vault(), life.message_id, PRICES, tenant_id=None)
    assert found is not None
    return found.shown.text


def damage(engine: sa.Engine, statement: str, life: Life) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"{statement} WHERE message_id = :id"), {"id": life.message_id})


def shadows(engine: sa.Engine) -> list[str]:
    query = sa.text("SELECT nspname FROM pg_namespace WHERE nspname = 'rebuild'")
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())
