"""When a fetcher stops waiting: for a slow file, for a provider, and for another fetcher."""

import asyncio

import pytest

from deploy.processes import stop_all
from schemas.topics.provider_events import MediaLost, MediaStored
from tests.eventually import eventually, seconds
from tests.services.fetcher import files
from tests.services.fetcher.conftest import StartFetcher
from tests.services.fetcher.fetchers import Outside, a_message_with, fetcher_process, opened

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SHORT_CLAIMS = {"FETCHER_CLAIM_LASTS": "PT3S"}


async def test_a_file_that_comes_drop_by_drop_holds_its_place_for_a_bounded_time(
    a_fetcher: StartFetcher,
    outside: Outside,
) -> None:
    await a_fetcher(FETCHER_FETCH_WITHIN="PT1S", FETCHER_AT_ONCE="1")
    slow = a_message_with(outside.keep_file(fault="slow"))
    behind = a_message_with(outside.keep_file())

    await outside.tell(slow)
    await outside.row_of(slow, state="fetching")
    await outside.tell(behind)
    fate = await outside.fate_of(behind)

    assert isinstance(fate, MediaStored)
    await outside.row_of(slow, error="took too long")


async def test_what_cannot_be_had_for_long_is_given_up(
    a_fetcher: StartFetcher,
    outside: Outside,
) -> None:
    await a_fetcher(FETCHER_GIVE_UP_AFTER="PT1S")
    message = a_message_with(outside.keep_file(fault="download_500"))

    await outside.tell(message)
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaLost)
    assert (fate.reason, fate.detail) == ("gave_up", "download: HTTP 500")


async def test_what_a_killed_fetcher_had_on_its_way_is_taken_over(
    a_fetcher: StartFetcher,
    outside: Outside,
) -> None:
    first = await a_fetcher(**SHORT_CLAIMS)
    message = a_message_with(outside.keep_file(files.JPEG, fault="slow", times=1))
    await outside.tell(message)
    await outside.row_of(message, state="fetching")

    await asyncio.to_thread(first.process.kill)
    second = await a_fetcher(**SHORT_CLAIMS)
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaStored)
    assert await opened(second, outside.database, fate.key) == files.JPEG
    await outside.row_of(message, state="stored", attempts=2)


async def test_a_claim_lasts_as_long_as_its_fetcher_lives(
    a_fetcher: StartFetcher,
    outside: Outside,
) -> None:
    data = files.JPEG[:16]  # eight seconds, drop by drop
    await a_fetcher(**SHORT_CLAIMS)
    await a_fetcher(**SHORT_CLAIMS)
    message = a_message_with(outside.keep_file(data, fault="slow"))

    await outside.tell(message)
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaStored)
    row = await outside.row_of(message, state="stored")
    assert row["attempts"] == 1
    assert len(outside.said_of(message)) == 1


async def test_a_fetcher_that_is_asked_to_stop_puts_down_what_is_on_its_way(
    a_fetcher: StartFetcher,
    outside: Outside,
) -> None:
    fetcher = await a_fetcher()
    message = a_message_with(outside.keep_file(fault="slow"))
    await outside.tell(message)
    await outside.row_of(message, state="fetching")

    await asyncio.to_thread(fetcher.process.terminate)

    await outside.row_of(message, state="waiting", claimed_by=None)
    assert fetcher.kept() == {}


async def test_a_store_that_refuses_costs_attempts_and_no_file(
    a_fetcher: StartFetcher,
    outside: Outside,
) -> None:
    fetcher = await a_fetcher()
    (fetcher.files / "whatsapp").write_text("in the way of every key")
    message = a_message_with(outside.keep_file())

    await outside.tell(message)
    await outside.row_of(message, state="waiting", error="store: GenericError")
    (fetcher.files / "whatsapp").unlink()
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaStored)


async def test_a_store_that_cannot_be_written_to_is_told_of_at_the_start(
    surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs = tmp_path_factory.mktemp("fetcher")
    (logs / "media").write_text("no directory")
    fetcher = fetcher_process(surroundings, logs)

    fetcher.process.start()
    await eventually(lambda: not fetcher.process.is_running(), within=seconds(30))

    told = fetcher.process.log_path.read_text()
    assert "sendtrail: MEDIA_STORE_URL: cannot be written to: " in told
    stop_all([fetcher.process])
