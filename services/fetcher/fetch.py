"""One attempt: from a provider's file id to a file in the store, judged while it flows past."""

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from domain.identity import media_name
from providers.media import MediaSource, NotThere, Unavailable
from runtime import file_types
from runtime.errors import TryAgainLater
from runtime.media import MediaStore, StoreAway
from runtime.sealed_files import FileSeal
from runtime.vault import Person
from services.fetcher.store.files import Wanted
from services.fetcher.verdicts import Doubted, NotFetched, Passing, Refused

SHA256_BYTES: Final = 32

Seal = Callable[[Person, str], Awaitable[FileSeal]]
"""Returns what a file of this person is sealed with, to be kept under this name."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is in the store."""

    key: str
    mime_type: str
    size: int
    sha256: str
    file_name: str | None


async def fetch(
    source: MediaSource, store: MediaStore, seal: Seal, wanted: Wanted, *, largest: int
) -> Fetched:
    """Fetch a file, at most ``largest`` bytes of it. Raises `NotFetched`."""
    try:
        async with source.open(wanted.media_id, wanted.account_id) as download:
            head, rest = await _split(download.chunks)
            announced = digest_of(wanted.announced.sha256) or digest_of(download.sha256)
            mime_type = _kept_type(head, wanted.announced_type or download.mime_type)
            flow = _Flow(mime_type, largest, announced)
            key = _key(wanted, flow.mime_type)
            sealed = await seal(wanted.person, key)
            await store.put(key, sealed.over(flow.through(head, rest)))
    except NotThere as error:
        raise NotFetched(Doubted("not_found")) from error
    except Unavailable as error:
        raise NotFetched(Passing(error.why, error.retry_after)) from error
    except StoreAway as error:
        raise NotFetched(Passing(f"store: {error}")) from error
    except TryAgainLater as error:
        raise NotFetched(Passing("no key for it")) from error
    name = file_types.safe_name(wanted.announced.file_name or download.file_name, flow.mime_type)
    return Fetched(key, flow.mime_type, flow.size, flow.digest.hexdigest(), name)


def digest_of(text: str | None) -> bytes | None:
    """Return an announced SHA-256, Base64 or hexadecimal; None where it is no such thing.

    >>> digest_of("00" * 32) == digest_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    True
    """
    if text is None:
        return None
    for read in (bytes.fromhex, b64decode):
        try:
            digest = read(text)
        except (ValueError, NotBase64):
            continue
        if len(digest) == SHA256_BYTES:
            return digest
    return None


class _Flow:
    """Counts, digests and looks through the bytes on their way into the store."""

    def __init__(self, mime_type: str, largest: int, announced: bytes | None) -> None:
        self.mime_type = mime_type
        self.size = 0
        self.digest = hashlib.sha256()
        self._largest = largest
        self._announced = announced
        self._end = b""

    async def through(self, head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Hand the bytes on. Raises `NotFetched` at one too many, or after the last."""
        yield self._judged(head)
        async for chunk in rest:
            yield self._judged(chunk)
        # Raised here, the store never makes the file visible.
        if self._announced is not None and self.digest.digest() != self._announced:
            raise NotFetched(Doubted("not_authentic"))

    def _judged(self, chunk: bytes) -> bytes:
        self.size += len(chunk)
        if self.size > self._largest:
            raise NotFetched(Refused("too_large", f"more than {self._largest} bytes"))
        self.digest.update(chunk)
        if file_types.is_recording(self.mime_type):
            # What stands across two chunks counts as well.
            seen = self._end + chunk
            if file_types.has_markup(seen):
                raise NotFetched(Refused("type_refused", f"markup in {self.mime_type}"))
            self._end = seen[-file_types.LONGEST_MARKUP :]
        return chunk


async def _split(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return what decides the type, and the rest."""
    head = bytearray()
    async for chunk in chunks:
        head += chunk
        if len(head) >= file_types.HEAD:
            break
    return bytes(head), chunks


def _kept_type(head: bytes, announced: str | None) -> str:
    mime_type = file_types.type_of(head[: file_types.HEAD], announced)
    if mime_type is None:
        raise NotFetched(Refused("type_refused", "its bytes show no type that is kept"))
    pixels = file_types.pixels_of(head)
    if pixels is not None and pixels > file_types.LARGEST_PICTURE:
        raise NotFetched(Refused("too_large", f"{pixels} pixels"))
    return mime_type


def _key(wanted: Wanted, mime_type: str) -> str:
    # The month is the message's, not ours: fetched again, the file has the same name.
    name = media_name(wanted.channel, wanted.provider_message_id, wanted.media_id)
    month = f"{wanted.occurred_at:%Y/%m}"
    return f"{wanted.channel}/{month}/{name}.{file_types.extension_of(mime_type)}"
