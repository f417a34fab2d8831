"""One suite of promises, kept by a directory and by a bucket alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.errors import NotFound
from runtime.media import PART, MediaSettings, MediaStore, StoreAway, open_or_end, open_store
from tests.eventually import eventually, seconds
from tests.runtime.s3 import Bucket, a_bucket

KEY = "whatsapp/2026/03/0a1b2c.jpg"

Look = Callable[[], dict[str, bytes]]
"""Returns everything that the store holds, by its name in it."""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Generator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "our-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "our-secret")
    with a_bucket() as made:
        yield made


@pytest.fixture(params=["directory", "bucket"])
def store_and_look(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[MediaStore, Look]:
    """Return a store, and what lies in it by the eyes of somebody else."""
    if request.param == "directory":
        root = tmp_path / "a directory" / "media"
        files = {"": root}
        return open_store(MediaSettings(media_store_url=root.as_uri())), lambda: {
            str(path.relative_to(files[""])): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }
    bucket: Bucket = request.getfixturevalue("bucket")
    settings = MediaSettings(media_store_url="s3://files/sent", media_s3_endpoint=bucket.url)
    return open_store(settings), lambda: {
        key.removeprefix("files/sent/"): data for key, data in bucket.objects.items()
    }


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def whole(store: MediaStore, key: str) -> bytes:
    return b"".join([piece async for piece in await store.get(key)])


async def test_what_is_put_is_got(store_and_look: tuple[MediaStore, Look]) -> None:
    store, look = store_and_look

    await store.put(KEY, pieces(b"one ", b"", b"two"))

    assert await whole(store, KEY) == b"one two"
    assert look() == {KEY: b"one two"}


async def test_a_file_of_several_parts_is_one_file(
    store_and_look: tuple[MediaStore, Look],
) -> None:
    store, look = store_and_look
    piece = bytes(range(256)) * 4_096  # a megabyte

    await store.put(KEY, pieces(*[piece] * 13))

    assert len(look()[KEY]) > 2 * PART
    assert await whole(store, KEY) == piece * 13


async def test_a_file_put_again_replaces_itself(store_and_look: tuple[MediaStore, Look]) -> None:
    store, look = store_and_look
    await store.put(KEY, pieces(b"first"))

    await store.put(KEY, pieces(b"second"))

    assert look() == {KEY: b"second"}


@pytest.mark.parametrize("megabytes", [0, 11])
async def test_of_a_file_that_breaks_off_nothing_is_kept(
    store_and_look: tuple[MediaStore, Look], megabytes: int
) -> None:
    store, look = store_and_look

    async def broken() -> AsyncIterator[bytes]:
        for _ in range(megabytes):
            yield bytes(1_024 * 1_024)
        yield b"half"
        raise RuntimeError("the connection broke")

    with pytest.raises(RuntimeError, match="the connection broke"):
        await store.put(KEY, broken())

    assert look() == {}


async def test_of_a_file_that_is_let_go_of_nothing_is_kept(
    store_and_look: tuple[MediaStore, Look],
) -> None:
    store, look = store_and_look
    is_begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield bytes(1_024 * 1_024)
        is_begun.set()
        await asyncio.Event().wait()

    putting = asyncio.ensure_future(store.put(KEY, endless()))
    await is_begun.wait()

    putting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await putting
    await eventually(lambda: look() == {}, within=seconds(5))


@pytest.mark.parametrize(
    "key",
    [
        "none.jpg",
        "../secret",
        "whatsapp/../../secret",
        "a//b",
        "/etc/passwd",
        "a\x00b",
        "",
        "b.jpg#1",
    ],
)
async def test_what_was_never_put_is_not_found_and_no_name_leads_outside(
    store_and_look: tuple[MediaStore, Look], key: str, tmp_path: Path
) -> None:
    (tmp_path / "a directory").mkdir(exist_ok=True)
    (tmp_path / "a directory" / "secret").write_text("secret")
    store, _ = store_and_look

    with pytest.raises(NotFound):
        await whole(store, key)


async def test_the_probe_is_nobodys_file(store_and_look: tuple[MediaStore, Look]) -> None:
    store, look = store_and_look

    store.probe()

    assert look() == {"probe": b""}
    with pytest.raises(NotFound):
        await whole(store, "probe")


async def test_a_bucket_is_called_with_the_key_of_the_environment(bucket: Bucket) -> None:
    settings = MediaSettings(media_store_url="s3://files", media_s3_endpoint=bucket.url)

    await open_store(settings).put(KEY, pieces(b"one"))

    assert bucket.objects == {f"files/{KEY}": b"one"}
    assert bucket.signers == {"our-key"}


async def test_a_bucket_that_refuses_is_away(bucket: Bucket) -> None:
    settings = MediaSettings(media_store_url="s3://files", media_s3_endpoint=bucket.url)
    store = open_store(settings)
    bucket.is_closed = True

    with pytest.raises(StoreAway):
        await store.put(KEY, pieces(b"one"))


@pytest.mark.parametrize("url", ["", "media", "gs://files", "s3://", "file:", "file://host/media"])
def test_an_address_of_another_form_is_refused_by_its_name(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        MediaSettings(media_store_url=url)

    assert refused.value.errors()[0]["loc"] == ("media_store_url",)


def test_a_store_that_cannot_be_written_to_ends_the_process_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "media").write_text("no directory")
    settings = MediaSettings(media_store_url=(tmp_path / "media").as_uri())

    with pytest.raises(SystemExit) as ended:
        open_or_end(settings)

    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("sendtrail: MEDIA_STORE_URL: cannot be written to: ")
    assert len(told.splitlines()) == 1
