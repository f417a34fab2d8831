"""What becomes of the files that messages come with, while everything works."""

import asyncio
from hashlib import sha256

import pytest

from domain.identity import media_name
from schemas.topics.provider_events import MediaLost, MediaStored, StatusReported
from tests.eventually import eventually
from tests.services.dispatcher.tails import header_of
from tests.services.fetcher import files
from tests.services.fetcher.fetchers import SOON, Outside, RunningFetcher, a_message_with, opened

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def test_a_file_is_stored_under_a_name_of_ours_and_told_of(
    fetcher: RunningFetcher,
    outside: Outside,
) -> None:
    media_id = outside.keep_file(files.JPEG)
    message = a_message_with(
        media_id, data=files.JPEG, mime_type="image/jpeg", file_name="../holiday.jpg"
    )

    await outside.tell(message)
    stored = await outside.fate_of(message)

    assert isinstance(stored, MediaStored)
    name = media_name("whatsapp", message.provider_message_id, media_id)
    assert stored.key == f"whatsapp/2026/03/{name}.jpg"
    assert files.JPEG not in fetcher.kept()[stored.key]
    assert await opened(fetcher, outside.database, stored.key) == files.JPEG
    assert (stored.mime_type, stored.size) == ("image/jpeg", len(files.JPEG))
    assert stored.sha256 == sha256(files.JPEG).hexdigest()
    assert stored.file_name == "holiday.jpg"
    about = [raw for raw in outside.facts.raw if raw.key == message.provider_message_id.encode()]
    assert header_of(about[-1], "ce_id") == f"{message.provider_message_id}:{media_id}:media.stored"
    row = await outside.row_of(message, state="stored")
    assert (row["key"], row["attempts"], row["error"]) == (stored.key, 1, None)


@pytest.mark.parametrize("sample", ["jpeg", "png", "pdf", "ogg", "mp4", "webp", "amr", "text"])
async def test_every_kind_of_file_that_whatsapp_carries_is_stored(
    sample: str,
    fetcher: RunningFetcher,
    outside: Outside,
) -> None:
    message = a_message_with(outside.keep_file(sample=sample), of="document")

    await outside.tell(message)
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaStored)
    assert fetcher.kept()[fate.key]


@pytest.mark.usefixtures("fetcher")
async def test_a_message_that_is_told_of_again_is_fetched_once(
    outside: Outside,
) -> None:
    message = a_message_with(outside.keep_file())
    last = a_message_with(outside.keep_file())

    await outside.tell(message, message)
    await outside.fate_of(message)
    await outside.tell(message, last)
    await outside.fate_of(last)

    assert len(outside.said_of(message)) == 1


async def test_a_file_that_lies_about_its_type_is_stored_as_what_it_is(
    fetcher: RunningFetcher,
    outside: Outside,
) -> None:
    media_id = outside.keep_file(files.PNG, mime_type="image/jpeg")
    message = a_message_with(media_id, mime_type="image/jpeg", file_name="photo.jpg")

    await outside.tell(message)
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaStored)
    assert (fate.mime_type, fate.file_name) == ("image/png", "photo.jpg.png")
    assert fate.key.endswith(".png")
    assert fate.key in fetcher.kept()


@pytest.mark.parametrize(
    ("data", "announced", "reason"),
    [
        (b"<!doctype html><script>alert(1)</script>", "image/jpeg", "type_refused"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png", "type_refused"),
        (files.PROGRAM, "application/pdf", "type_refused"),
        (files.JPEG + bytes(70_000) + b"<script>alert(1)</script>", "image/jpeg", "type_refused"),
        (files.png_of(50_000, 50_000), "image/png", "too_large"),
    ],
    ids=["html", "svg", "program", "polyglot", "pixels"],
)
async def test_what_could_do_harm_is_lost_with_its_reason_and_not_kept(
    data: bytes,
    announced: str,
    reason: str,
    fetcher: RunningFetcher,
    outside: Outside,
) -> None:
    message = a_message_with(outside.keep_file(data, mime_type=announced), mime_type=announced)

    await outside.tell(message)
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaLost)
    assert fate.reason == reason
    name = media_name("whatsapp", message.provider_message_id, fate.media_id)
    assert [key for key in fetcher.kept() if name in key] == []
    row = await outside.row_of(message, state="lost")
    assert row["error"].startswith(reason)


async def test_a_file_is_cut_off_at_its_kinds_limit_whatever_was_announced(
    fetcher: RunningFetcher,
    outside: Outside,
) -> None:
    just_right = outside.keep_file(files.WEBP, size=500 * 1_024)
    too_much = outside.keep_file(files.WEBP, size=500 * 1_024 + 1, file_size=10)
    endless = outside.keep_file(fault="too_large", file_size=10)
    messages = [
        a_message_with(media_id, of="sticker") for media_id in (just_right, too_much, endless)
    ]

    await outside.tell(*messages)
    fates = [await outside.fate_of(message) for message in messages]

    assert isinstance(fates[0], MediaStored)
    assert [fate.reason for fate in fates if isinstance(fate, MediaLost)] == ["too_large"] * 2
    assert fates[0].key in fetcher.kept()


@pytest.mark.usefixtures("fetcher")
async def test_an_id_that_the_provider_does_not_know_is_believed_the_third_time(
    outside: Outside,
) -> None:
    message = a_message_with("1234567890123456")

    await outside.tell(message)
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaLost)
    assert fate.reason == "not_found"
    await outside.row_of(message, state="lost", attempts=3)


async def test_other_bytes_than_were_announced_are_not_kept(
    fetcher: RunningFetcher,
    outside: Outside,
) -> None:
    always = a_message_with(outside.keep_file(fault="tampered"))
    once = a_message_with(outside.keep_file(fault="tampered", times=1))

    await outside.tell(always, once)
    lost = await outside.fate_of(always)
    stored = await outside.fate_of(once)

    assert isinstance(lost, MediaLost)
    assert lost.reason == "not_authentic"
    assert isinstance(stored, MediaStored)
    name = media_name("whatsapp", always.provider_message_id, lost.media_id)
    assert [key for key in fetcher.kept() if name in key] == []


@pytest.mark.parametrize("fault", ["download_500", "download_404", "redirect", "lookup_404"])
async def test_a_fault_that_passes_costs_nothing_but_time(
    fault: str,
    fetcher: RunningFetcher,
    outside: Outside,
) -> None:
    message = a_message_with(outside.keep_file(fault=fault, times=1))

    await outside.tell(message)
    fate = await outside.fate_of(message)

    assert isinstance(fate, MediaStored)
    assert fate.key in fetcher.kept()


async def test_what_fails_is_seen_in_the_table_the_metrics_and_the_log(
    fetcher: RunningFetcher,
    outside: Outside,
) -> None:
    message = a_message_with(outside.keep_file(fault="redirect"), file_name="my-secret.jpg")

    await outside.tell(message)
    row = await outside.row_of(message, state="waiting", error="download: HTTP 302")

    assert row["due_at"] > row["created_at"]

    async def counted() -> bool:
        page = await fetcher.metrics()
        failed = 'fetcher_attempts_failed_total{channel="whatsapp",why="download: HTTP 302"}'
        gauge = 'fetcher_waiting{channel="whatsapp"} '
        waiting = [line for line in page.splitlines() if line.startswith(gauge)]
        return failed in page and float(waiting[0].removeprefix(gauge)) >= 1

    await eventually(counted, within=SOON)
    log = await asyncio.to_thread(fetcher.process.log_path.read_text)
    assert '"event": "media.waiting"' in log
    assert "my-secret" not in log
    assert message.author not in log


@pytest.mark.usefixtures("fetcher")
async def test_records_of_other_kinds_are_passed_over_unread(outside: Outside) -> None:
    unread, message = (a_message_with(outside.keep_file()) for _ in range(2))

    await outside.tell_as(StatusReported, unread, before=message)
    await outside.tell(message)
    await outside.fate_of(message)

    assert not outside.is_known(unread)
