"""Files that are sealed on their way into the store, and opened on their way out (SE-01, CF-32).

A file has a key of its own, which its beginning holds, sealed under the key of the person who sent
it: gone with that one, in every copy of the file. What follows are pieces of 64 KiB, each sealed
with its number and whether it is the last, so none can be left out, moved or cut off.
"""

import os
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final, Protocol

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runtime.errors import NotFound
from runtime.postgres import in_thread
from runtime.vault import Person, Vault

PIECE: Final = 64 * 1_024
"""Bytes sealed together, and held at once of each file."""
_TAG: Final = 16
_MARK: Final = b"sendtrail sealed 1\n"
"""Begins what is sealed; a file without it was put into the store by somebody of ours."""
_HASH: Final = 16
_KEY: Final = 32
_SEALED_KEY: Final = 12 + _KEY + _TAG
BEGINNING: Final = len(_MARK) + _HASH + _SEALED_KEY
_NONCE: Final = struct.Struct(">xxxQ?")
"""The number of a piece, and whether it is the last. A key seals one file only."""


class FileStore(Protocol):
    """A store that is read from."""

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """Return a file's bytes, piece by piece. Raises `NotFound`, `StoreAway`."""
        ...


class Damaged(NotFound):
    """The bytes in the store are not those that were put there."""


@dataclass(frozen=True, slots=True)
class FileSeal:
    """What one file is sealed with."""

    beginning: bytes
    """Stands before the pieces."""
    key: AESGCM

    async def over(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Seal a file's bytes as they pass. What ``chunks`` raises passes."""
        yield self.beginning
        number = 0
        pieces = _pieces(chunks, PIECE)
        async for piece, is_last in pieces:
            yield self.key.encrypt(_NONCE.pack(number, is_last), piece, None)
            number += 1


async def file_seal(engine: sa.Engine, vault: Vault, person: Person, name: str) -> FileSeal:
    """Return a seal for a file of this person, to be kept under this name."""
    key = os.urandom(_KEY)

    def seal(connection: sa.Connection) -> bytes:
        return vault.sealing(connection, [person]).seal(person, key, place=_place(name))

    sealed = await in_thread(engine, seal)
    return FileSeal(_MARK + person + sealed, AESGCM(key))


class OpenedFiles:
    """A store out of which sealed files come opened, and others as they are."""

    def __init__(self, files: FileStore, engine: sa.Engine, vault: Vault) -> None:
        self._files = files
        self._engine = engine
        self._vault = vault

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """Return a file's bytes, piece by piece.

        Raises `NotFound`, also where its person was forgotten, and `StoreAway`; while it is read,
        `Damaged`.
        """
        chunks = await self._files.get(key)
        beginning = await _beginning(chunks)
        if not beginning.startswith(_MARK):
            return _rejoined(beginning, chunks)
        cipher = await in_thread(self._engine, lambda c: self._key(c, key, beginning[:BEGINNING]))
        if cipher is None:
            raise NotFound("There is no such file")
        return _opened(cipher, _rejoined(beginning[BEGINNING:], chunks))

    def _key(self, connection: sa.Connection, name: str, beginning: bytes) -> AESGCM | None:
        person = beginning[len(_MARK) : len(_MARK) + _HASH]
        keys = self._vault.keyring(connection, [person])
        key = keys.open(person, beginning[len(_MARK) + _HASH :], place=_place(name))
        return None if key is None else AESGCM(key)


async def _opened(cipher: AESGCM, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    number = 0
    async for piece, is_last in _pieces(chunks, PIECE + _TAG):
        try:
            yield cipher.decrypt(_NONCE.pack(number, is_last), piece, None)
        except InvalidTag:
            raise Damaged("The file is damaged") from None
        number += 1


async def _pieces(chunks: AsyncIterator[bytes], size: int) -> AsyncGenerator[tuple[bytes, bool]]:
    """Cut into pieces of a size; the last, perhaps empty, says that it is."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) > size:
            yield bytes(held[:size]), False
            del held[:size]
    yield bytes(held), True


async def _beginning(chunks: AsyncIterator[bytes]) -> bytes:
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) >= BEGINNING:
            break
    return bytes(held)


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _place(name: str) -> str:
    return f"media:{name}"
