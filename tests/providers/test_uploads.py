"""How often a file of our store is brought to a provider, and what is said where it cannot be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from domain.failures import ErrorCode, Failure, Origin
from domain.outcomes import Deferred, Rejected
from providers import uploads as module
from providers.uploads import NotUploaded, StoredFile, Uploads
from runtime.media import MediaSettings, MediaStore, open_store
from tests.eventually import eventually, seconds
from tests.runtime.s3 import a_bucket

KEY = "outbound/2026/03/0a1b2c.jpg"
DAY = timedelta(days=1).total_seconds()


class Provider:
    """Takes uploads, numbers them, and refuses or waits when told to."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, StoredFile]] = []
        self.refusal: NotUploaded | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def upload(self, account: str, file: StoredFile) -> str:
        self.taken.append((account, file))
        await self.open.wait()
        if self.refusal is not None:
            raise self.refusal
        return f"media-{len(self.taken)}"


@pytest.fixture
async def store(tmp_path: Path) -> MediaStore:
    made = open_store(MediaSettings(media_store_url=tmp_path.as_uri()))
    await put(made, KEY, b"a picture")
    return made


async def put(store: MediaStore, key: str, data: bytes) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    await store.put(key, pieces())


def the_uploads(
    store: MediaStore, provider: Provider, clock: Callable[[], float] = lambda: 0.0
) -> Uploads:
    return Uploads(store, provider.upload, kept_for=timedelta(days=25), largest=1_000, clock=clock)


async def test_a_file_is_brought_once_and_its_id_used_again(store: MediaStore) -> None:
    provider = Provider()
    uploads = the_uploads(store, provider)

    ids = [await uploads.media_id("1", KEY) for _ in range(3)]

    assert ids == ["media-1"] * 3
    (taken,) = provider.taken
    assert taken == ("1", StoredFile(KEY, "0a1b2c.jpg", b"a picture"))
    assert taken[1].ending == "jpg"


async def test_every_account_and_every_name_is_an_upload_of_its_own(store: MediaStore) -> None:
    provider = Provider()
    uploads = the_uploads(store, provider)

    await uploads.media_id("1", KEY)
    await uploads.media_id("2", KEY)
    await uploads.media_id("1", KEY, name="Ada's dog.jpg")

    assert [account for account, _ in provider.taken] == ["1", "2", "1"]
    assert provider.taken[2][1].name == "Ada's dog.jpg"


async def test_whoever_asks_during_an_upload_waits_for_the_same(store: MediaStore) -> None:
    provider = Provider()
    uploads = the_uploads(store, provider)

    ids = await asyncio.gather(*[uploads.media_id("1", KEY) for _ in range(50)])

    assert set(ids) == {"media-1"}
    assert len(provider.taken) == 1


async def test_an_upload_outlives_a_caller_who_does_not_wait_for_it(store: MediaStore) -> None:
    provider = Provider()
    uploads = the_uploads(store, provider)
    provider.open.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await uploads.media_id("1", KEY)

    provider.open.set()

    assert await uploads.media_id("1", KEY) == "media-1"
    assert len(provider.taken) == 1


async def test_an_id_is_not_used_longer_than_it_is_kept(store: MediaStore) -> None:
    provider, now = Provider(), [0.0]
    uploads = the_uploads(store, provider, lambda: now[0])
    await uploads.media_id("1", KEY)

    now[0] = 24.9 * DAY
    assert await uploads.media_id("1", KEY) == "media-1"
    now[0] = 25.1 * DAY
    assert await uploads.media_id("1", KEY) == "media-2"


async def test_an_id_that_is_forgotten_is_uploaded_anew_by_one(store: MediaStore) -> None:
    provider, now = Provider(), [0.0]
    uploads = the_uploads(store, provider, lambda: now[0])
    old = await uploads.media_id("1", KEY)

    now[0] = DAY
    assert uploads.forget("1", KEY, old)
    new = await uploads.media_id("1", KEY)
    # A second call that was refused with the old id says so after the first has a new one.
    assert uploads.forget("1", KEY, old)

    assert (old, new) == ("media-1", "media-2")
    assert await uploads.media_id("1", KEY) == new


async def test_a_new_id_that_is_refused_is_not_worth_another_upload(store: MediaStore) -> None:
    provider = Provider()
    uploads = the_uploads(store, provider)
    media_id = await uploads.media_id("1", KEY)

    assert not uploads.forget("1", KEY, media_id)

    assert await uploads.media_id("1", KEY) == media_id


async def test_what_the_provider_refuses_is_not_brought_again_at_once(store: MediaStore) -> None:
    provider, now = Provider(), [0.0]
    uploads = the_uploads(store, provider, lambda: now[0])
    refusal = Rejected(Failure(ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER, "131053"))
    provider.refusal = NotUploaded(refusal)

    for _ in range(3):
        with pytest.raises(NotUploaded) as refused:
            await uploads.media_id("1", KEY)
        assert refused.value.reply == refusal
    assert len(provider.taken) == 1

    provider.refusal, now[0] = None, module.REFUSED_FOR.total_seconds() + 1
    assert await uploads.media_id("1", KEY) == "media-2"


async def test_what_may_pass_is_tried_again_by_the_next(store: MediaStore) -> None:
    provider = Provider()
    uploads = the_uploads(store, provider)
    provider.refusal = NotUploaded(Deferred(Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL)))
    with pytest.raises(NotUploaded):
        await uploads.media_id("1", KEY)

    provider.refusal = None

    assert await uploads.media_id("1", KEY) == "media-2"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("outbound/2026/03/none.jpg", "no file of this key"),
        ("../../etc/passwd", "no file of this key"),
        ("outbound/large.pdf", "more than 1000 bytes"),
        ("outbound/empty.pdf", "empty"),
    ],
)
async def test_a_file_that_cannot_be_sent_is_refused_in_plain_words(
    store: MediaStore, key: str, why: str
) -> None:
    await put(store, "outbound/large.pdf", b"x" * 1_001)
    await put(store, "outbound/empty.pdf", b"")
    provider = Provider()

    with pytest.raises(NotUploaded) as refused:
        await the_uploads(store, provider).media_id("1", key)

    reply = refused.value.reply
    assert isinstance(reply, Rejected)
    assert reply.failure.origin is Origin.LOCAL
    assert why in (reply.failure.detail or "")
    assert provider.taken == []


async def test_a_file_that_comes_after_all_is_uploaded(store: MediaStore) -> None:
    uploads = the_uploads(store, Provider())
    with pytest.raises(NotUploaded):
        await uploads.media_id("1", "outbound/late.jpg")

    await put(store, "outbound/late.jpg", b"a picture")

    assert await uploads.media_id("1", "outbound/late.jpg") == "media-1"


async def test_a_store_that_is_away_puts_the_send_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "our-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "our-secret")
    with a_bucket() as bucket:
        settings = MediaSettings(media_store_url="s3://files", media_s3_endpoint=bucket.url)
        bucket.is_closed = True
        with pytest.raises(NotUploaded) as later:
            await the_uploads(open_store(settings), Provider()).media_id("1", KEY)

    assert isinstance(later.value.reply, Deferred)


async def test_the_oldest_ids_go_when_there_are_too_many(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    provider = Provider()
    uploads = the_uploads(store, provider)

    for account in ("1", "2", "3", "3", "2", "1"):
        await uploads.media_id(account, KEY)

    assert [account for account, _ in provider.taken] == ["1", "2", "3", "1"]


async def test_closing_breaks_off_what_is_on_its_way(store: MediaStore) -> None:
    provider = Provider()
    provider.open.clear()
    uploads = the_uploads(store, provider)
    asked = asyncio.create_task(uploads.media_id("1", KEY))
    await eventually(lambda: provider.taken, within=seconds(10))

    await uploads.close()

    with pytest.raises(asyncio.CancelledError):
        await asked
