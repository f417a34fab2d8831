"""What holds while the broker, the database or the provider is gone: their return is enough."""

import asyncio
from collections.abc import Generator

import pytest

from deploy.stack import Stack
from schemas.topics.provider_events import MediaStored
from tests.eventually import eventually, seconds
from tests.services.fetcher.conftest import StartFetcher
from tests.services.fetcher.fetchers import Outside, RunningFetcher, a_message_with

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

BACK_WITHIN = seconds(90)


@pytest.fixture(autouse=True)
def servers_live_on(stack: Stack, clean_topics: str) -> Generator[None]:
    """Leave the others of this session the servers as they were found."""
    assert clean_topics
    yield
    stack.kafka.start()
    stack.postgres.start()


async def logged(fetcher: RunningFetcher, event: str) -> None:
    """Return when the fetcher's log says so."""
    log = fetcher.process.log_path
    await eventually(lambda: f'"event": "{event}"' in log.read_text(), within=BACK_WITHIN)


async def test_a_file_that_is_stored_while_the_broker_is_away_is_told_of_when_it_is_back(
    a_fetcher: StartFetcher, outside: Outside, stack: Stack
) -> None:
    fetcher = await a_fetcher()
    process = fetcher.process.pid
    message = a_message_with(outside.keep_file(b"x" * 8, fault="slow"))  # four seconds
    await outside.tell(message)
    await outside.row_of(message, state="fetching")

    await asyncio.to_thread(stack.kafka.kill)
    await logged(fetcher, "media.settling")
    await outside.row_of(message, state="fetching", key=None)
    await asyncio.to_thread(stack.kafka.start)

    assert isinstance(await outside.fate_of(message), MediaStored)
    await outside.row_of(message, state="stored", attempts=1)
    assert fetcher.process.pid == process


async def test_without_a_database_nothing_is_lost(
    a_fetcher: StartFetcher, outside: Outside, stack: Stack
) -> None:
    fetcher = await a_fetcher()
    process = fetcher.process.pid
    message = a_message_with(outside.keep_file())

    await asyncio.to_thread(stack.postgres.kill)
    await outside.tell(message)
    await logged(fetcher, "stream.waiting")
    await asyncio.to_thread(stack.postgres.start)

    assert isinstance(await outside.fate_of(message), MediaStored)
    await outside.row_of(message, state="stored")
    assert fetcher.process.pid == process


async def test_a_provider_that_is_away_is_asked_again_until_it_is_back(
    a_fetcher: StartFetcher, outside: Outside
) -> None:
    fetcher = await a_fetcher()
    message = a_message_with(outside.keep_file())

    outside.provider.provider.set_knobs({"net.http_5xx": 1})
    await outside.tell(message)
    await logged(fetcher, "media.waiting")
    outside.provider.provider.set_knobs({"net.http_5xx": 0})

    assert isinstance(await outside.fate_of(message), MediaStored)
