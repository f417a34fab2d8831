"""The table of templates in step with the provider's list, and the book with the table (WA-12)."""

import asyncio
import json
from collections.abc import Generator

import pytest
import sqlalchemy as sa

from deploy.processes import stop_all
from providers.whatsapp.builtin_templates import appointment_reminder, order_status_update
from providers.whatsapp.settings import WhatsAppSettings
from providers.whatsapp.template_listing import ListAway
from providers.whatsapp.templates import TemplateBook, TemplateKeeper
from runtime.errors import DatabaseAway
from runtime.postgres import connect
from schemas.topics.templates import TemplateContent
from tests.eventually import eventually, seconds
from tests.providers.whatsapp.channels import settings_for
from tests.providers.whatsapp.wire import Answer, a_wire, in_turn, resets, says, says_nothing
from tests.simulators import RunningSimulator, start_simulator

pytestmark = pytest.mark.stack

ACCOUNT = "102290129340398"
SALE = {"name": "sale", "body": "Now for {{1}}", "parameters": ["1"]}


@pytest.fixture
def table(database: sa.Engine) -> sa.Engine:
    """Return a database whose templates are the two built-in ones."""
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM whatsapp_templates WHERE category = 'utility'"))
        connection.execute(
            sa.text(
                "UPDATE whatsapp_templates SET is_active = true, updated_at = created_at,"
                """ variables = '{"en": {"body": ["1", "2"]}}'"""
            )
        )
    return database


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    started = start_simulator({"SIM_PROFILE": "perfect"}, tmp_path_factory.mktemp("simulator"))
    yield started
    stop_all([started.process])


@pytest.fixture
def provider(running: RunningSimulator) -> RunningSimulator:
    """Return a provider whose templates are the two that it starts with."""
    running.provider.order("/reset", {})
    return running


def of_provider(provider: RunningSimulator, account: str | None = ACCOUNT) -> WhatsAppSettings:
    url = provider.environment["WHATSAPP_API_BASE_URL"]
    token = provider.secrets.access_token
    return settings_for(url, token=token, whatsapp_business_account_id=account)


def rows(engine: sa.Engine) -> dict[str, sa.Row[tuple[object, ...]]]:
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT * FROM whatsapp_templates")).all()
    return {row.template_name: row for row in found}


async def ticked(settings: WhatsAppSettings, engine: sa.Engine) -> TemplateBook:
    """Return a book after one tick of its keeper."""
    book = TemplateBook()
    keeper = TemplateKeeper(settings, engine, book)
    try:
        assert not await keeper.tick()
    finally:
        await keeper.close()
    return book


async def synced(settings: WhatsAppSettings, engine: sa.Engine) -> int:
    keeper = TemplateKeeper(settings, engine, TemplateBook())
    try:
        return await keeper.sync()
    finally:
        await keeper.close()


def test_the_built_in_templates_are_there_from_the_start(table: sa.Engine) -> None:
    found = rows(table)

    assert {name: (row.category, row.language_code) for name, row in found.items()} == {
        "order_status_update": ("order_update", "en"),
        "appointment_reminder": ("appointment", "en"),
    }
    assert all(row.is_active and "{{2}}" in row.template_content for row in found.values())


async def test_without_an_account_nothing_is_asked_and_the_table_counts(table: sa.Engine) -> None:
    book = await ticked(settings_for("http://127.0.0.1:1/v24.0"), table)

    assert book.problem(order_status_update("A-17", "ready")) is None
    assert book.problem(appointment_reminder("1 May", "Phone 4")) is None
    assert book.problem(TemplateContent(name="order_status_update")) is not None
    assert book.problem(TemplateContent(name="of_the_account")) is None


async def test_what_the_account_has_is_in_the_table_and_in_the_book(
    table: sa.Engine, provider: RunningSimulator
) -> None:
    for number in range(101):  # two pages
        provider.provider.put_template({**SALE, "name": f"sale_{number}"})

    book = await ticked(of_provider(provider), table)

    found = rows(table)
    assert len(found) == 103
    assert found["sale_7"].variables == {
        "en": {"body": ["1"], "status": "APPROVED", "category": "utility"}
    }
    assert found["order_status_update"].category == "order_update"
    assert book.problem(order_status_update("A-17", "ready")) is None
    assert book.problem(TemplateContent(name="sale_100")) is not None
    assert book.problem(TemplateContent(name="of_nobody")) is not None


async def test_a_pause_at_the_provider_is_one_here_and_ends_with_it(
    table: sa.Engine, provider: RunningSimulator
) -> None:
    settings = of_provider(provider)
    provider.provider.put_template({**SALE, "status": "PAUSED"})

    first = await synced(settings, table)
    paused = rows(table)["sale"].is_active
    provider.provider.put_template(SALE)
    second = await synced(settings, table)

    assert (first, second) == (3, 1)  # the built-in ones were not compared before
    assert (paused, rows(table)["sale"].is_active) == (False, True)


async def test_a_template_that_people_switch_off_is_refused_at_the_next_look(
    table: sa.Engine, provider: RunningSimulator
) -> None:
    await synced(of_provider(provider), table)
    with table.begin() as connection:
        connection.execute(sa.text("UPDATE whatsapp_templates SET is_active = false"))

    book = await ticked(of_provider(provider), table)

    assert book.problem(order_status_update("A-17", "ready")) is not None
    assert not any(row.is_active for row in rows(table).values())


async def test_a_row_of_which_nothing_is_known_counts_by_its_switch(table: sa.Engine) -> None:
    with table.begin() as connection:
        connection.execute(sa.text("""UPDATE whatsapp_templates SET variables = '["a", "b"]'"""))

    book = await ticked(settings_for("http://127.0.0.1:1/v24.0"), table)

    assert book.problem(TemplateContent(name="order_status_update")) is None


async def test_processes_that_compare_side_by_side_do_not_disturb_each_other(
    table: sa.Engine, provider: RunningSimulator
) -> None:
    for number in range(30):
        provider.provider.put_template({**SALE, "name": f"sale_{number}"})
    settings = of_provider(provider)

    changed = await asyncio.gather(*[synced(settings, table) for _ in range(4)])

    assert max(changed) == 32
    assert len(rows(table)) == 32


SECOND_PAGE_FAILS = in_turn(
    says(
        "200 OK",
        json.dumps(
            {
                "data": [{"name": "sale", "language": "en", "status": "APPROVED"}],
                "paging": {"cursors": {"after": "2"}, "next": "https://example.com"},
            }
        ).encode(),
    ),
    says("500 Oops", b"<html>"),
)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (SECOND_PAGE_FAILS, "HTTP 500"),
        (says("200 OK", b'{"error":{"code":190,"message":"expired"}}'), "error 190"),
        (says("200 OK", b"{}"), "HTTP 200"),
    ],
)
async def test_a_list_that_cannot_be_had_changes_nothing(
    table: sa.Engine, answer: Answer, why: str
) -> None:
    before = rows(table)
    async with a_wire(answer) as wire:
        settings = settings_for(wire.url, whatsapp_business_account_id=ACCOUNT)
        with pytest.raises(ListAway, match=why):
            await synced(settings, table)
        book = await ticked(settings_for(wire.url), table)

    assert rows(table) == before
    assert book.problem(order_status_update("A-17", "ready")) is None


async def test_a_provider_that_is_away_does_not_keep_the_table_from_being_read(
    table: sa.Engine,
) -> None:
    async with a_wire(resets) as wire:
        settings = settings_for(wire.url, whatsapp_business_account_id=ACCOUNT)
        book = await ticked(settings, table)

    assert book.problem(TemplateContent(name="order_status_update")) is not None


async def test_the_table_is_in_the_book_while_a_provider_takes_its_time(table: sa.Engine) -> None:
    async with a_wire(says_nothing) as wire:
        settings = settings_for(wire.url, whatsapp_business_account_id=ACCOUNT)
        book = TemplateBook()
        keeper = TemplateKeeper(settings, table, book)
        ticking = asyncio.create_task(keeper.tick())
        await eventually(lambda: wire.requests, within=seconds(60))
        problem = book.problem(TemplateContent(name="order_status_update"))
        ticking.cancel()
        await asyncio.wait([ticking])
        await keeper.close()

    assert problem is not None


async def test_an_offer_is_known_by_the_providers_category_and_by_our_own_word(
    table: sa.Engine, provider: RunningSimulator
) -> None:
    provider.provider.put_template({**SALE, "category": "MARKETING"})
    offer, reminder = TemplateContent(name="sale"), TemplateContent(name="appointment_reminder")

    book = await ticked(of_provider(provider), table)
    before = book.is_marketing(offer), book.is_marketing(reminder)
    provider.provider.put_template({**SALE, "category": "UTILITY"})
    with table.begin() as connection:
        ours = "UPDATE whatsapp_templates SET category = :word WHERE template_name = :name"
        values = {"word": "promotion", "name": "appointment_reminder"}
        connection.execute(sa.text(ours), values)
    book = await ticked(of_provider(provider), table)
    after = book.is_marketing(offer), book.is_marketing(reminder)
    with table.begin() as connection:
        connection.execute(sa.text(ours), {**values, "word": "appointment"})

    assert (before, after) == ((True, False), (False, True))
    assert not book.is_marketing(TemplateContent(name="of_nobody"))


async def test_the_provider_is_not_asked_at_every_look(table: sa.Engine) -> None:
    async with a_wire(says("200 OK", b'{"data": []}')) as wire:
        settings = settings_for(wire.url, whatsapp_business_account_id=ACCOUNT)
        keeper = TemplateKeeper(settings, table, TemplateBook())
        for _ in range(3):
            await keeper.tick()
        await keeper.close()

    assert len(wire.requests) == 1
    assert wire.requests[0].startswith(b"GET /v24.0/102290129340398/message_templates?")


async def test_a_database_that_is_away_is_told() -> None:
    engine = connect("postgresql+psycopg2://postgres@127.0.0.1:1/sendtrail")

    with pytest.raises(DatabaseAway):
        await ticked(settings_for("http://127.0.0.1:1/v24.0"), engine)
