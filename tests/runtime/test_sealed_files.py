"""A sealed file comes out as it went in, or not at all."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from runtime.errors import NotFound
from runtime.media import MediaSettings, MediaStore, open_store
from runtime.sealed_files import BEGINNING, PIECE, Damaged, OpenedFiles, file_seal
from runtime.vault import forget
from tests.sealed import VAULT

pytestmark = pytest.mark.stack

KEY = "whatsapp/2026/03/0a.bin"
ADA = VAULT.person("whatsapp", "+16505550001")
SEALED_PIECE = PIECE + 16


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    """Return an empty store."""
    return open_store(MediaSettings(media_store_url=tmp_path.as_uri()))


async def in_chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def keep(store: MediaStore, database: sa.Engine, data: bytes, *, chunk: int = 10_000) -> None:
    seal = await file_seal(database, VAULT, ADA, KEY)
    await store.put(KEY, seal.over(in_chunks(data, chunk)))


async def read(store: MediaStore, database: sa.Engine, key: str = KEY) -> bytes:
    files = OpenedFiles(store, database, VAULT)
    return b"".join([piece async for piece in await files.get(key)])


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
@pytest.mark.parametrize("chunk", [1_000, PIECE, 10 * PIECE])
async def test_a_file_of_any_size_comes_out_as_it_went_in(
    store: MediaStore, database: sa.Engine, tmp_path: Path, size: int, chunk: int
) -> None:
    data = bytes(number % 251 for number in range(size))

    await keep(store, database, data, chunk=chunk)

    assert await read(store, database) == data
    assert size < 100 or data[:100] not in (tmp_path / KEY).read_bytes()


@pytest.mark.parametrize(
    "harm",
    [
        lambda sealed: sealed[: BEGINNING + 2 * SEALED_PIECE],
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + b"x",
        lambda sealed: (
            sealed[:BEGINNING]
            + sealed[BEGINNING + SEALED_PIECE : BEGINNING + 2 * SEALED_PIECE]
            + sealed[BEGINNING : BEGINNING + SEALED_PIECE]
            + sealed[BEGINNING + 2 * SEALED_PIECE :]
        ),
    ],
    ids=["without its end", "cut off", "with something behind", "in another order"],
)
async def test_what_was_changed_in_the_store_is_noticed(
    store: MediaStore, database: sa.Engine, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    await keep(store, database, bytes(3 * PIECE - 1))
    path = tmp_path / KEY

    path.write_bytes(harm(path.read_bytes()))

    with pytest.raises(Damaged):
        await read(store, database)


async def test_a_file_opens_under_its_own_name_only(
    store: MediaStore, database: sa.Engine, tmp_path: Path
) -> None:
    await keep(store, database, b"Hello")
    (tmp_path / KEY).rename(tmp_path / "whatsapp/2026/03/0b.bin")

    with pytest.raises(NotFound):
        await read(store, database, "whatsapp/2026/03/0b.bin")


async def test_the_file_of_somebody_who_was_forgotten_is_gone(
    store: MediaStore, database: sa.Engine
) -> None:
    await keep(store, database, b"Hello")

    with database.begin() as connection:
        forget(connection, ADA)

    with pytest.raises(NotFound):
        await read(store, database)


@pytest.mark.parametrize("data", [b"", b"a brochure", bytes(PIECE)])
async def test_what_somebody_of_ours_put_there_is_read_as_it_is(
    store: MediaStore, database: sa.Engine, data: bytes
) -> None:
    await store.put(KEY, in_chunks(data, 1_000))

    assert await read(store, database) == data
