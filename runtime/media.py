"""Where files that people sent us are kept: a directory, or a bucket of an S3-compatible store.

A file appears under its key whole or not at all: until the last byte has come it has no name, and
what is broken off before is gone. Written again, it replaces itself.
"""

import re
import sys
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store
from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.errors import NotFound, TryAgainLater

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import S3Config  # neither is there at run time

PART: Final = 5 * 1_024 * 1_024
"""Bytes held at once of a file on its way; the least that S3 takes as a part."""
PARTS_AT_ONCE: Final = 2
RETRIES_LAST: Final = timedelta(seconds=10)
_PROBE: Final = "probe"
_KEY: Final = re.compile(r"[a-z]+(/[a-z0-9]+)*\.[a-z0-9]+")
"""Our keys are plain; of anything else there is no file, wherever it might lead."""


class StoreAway(TryAgainLater):
    """The store does not take or give files now: full, forbidden or unreachable."""


class MediaSettings(BaseSettings):
    """Each field is the environment variable of the same name.

    What S3 needs besides has the names of its own tools: AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_REGION and so on.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    media_store_url: str = "file:media"
    """``file:///directory`` (made if missing; ``file:media`` is below the present one) or
    ``s3://bucket/prefix``."""
    media_s3_endpoint: str | None = None
    """``https://host:port`` of a store that is not Amazon's."""

    @field_validator("media_store_url")
    @classmethod
    def _has_a_form_we_know(cls, url: str) -> str:
        parts = urlsplit(url)
        known = parts.path if parts.scheme == "file" else parts.scheme == "s3" and parts.netloc
        if not known or (parts.scheme == "file" and parts.netloc):
            raise ValueError("must be file:///directory or s3://bucket/prefix")
        return url


class MediaStore:
    """A store, opened."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep a file. What ``chunks`` raises passes, and nothing is kept then.

        Raises `StoreAway`.
        """
        with _failures_named():
            await obstore.put_async(
                self._store, key, chunks, chunk_size=PART, max_concurrency=PARTS_AT_ONCE
            )

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """Return a file's bytes, piece by piece. Raises `NotFound`, `StoreAway`."""
        with _failures_named():
            try:
                found = await obstore.get_async(self._store, key) if _KEY.fullmatch(key) else None
            except FileNotFoundError:
                found = None
        if found is None:
            raise NotFound("There is no such file")
        return _pieces(found)

    def delete(self, key: str) -> None:
        """Remove a file; one that is not there is none. Blocks. Raises `StoreAway`."""
        with _failures_named(), suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def probe(self) -> None:
        """Return when a file could be written. Blocks. Raises `StoreAway`.

        It stays, empty: not every store of this kind can delete as Amazon's does.
        """
        with _failures_named():
            obstore.put(self._store, _PROBE, b"")


def open_store(settings: MediaSettings) -> MediaStore:
    """Return the store that the settings name. Raises `StoreAway`."""
    parts = urlsplit(settings.media_store_url)
    with _failures_named():
        if parts.scheme == "file":
            directory = Path(unquote(parts.path)).absolute()
            return MediaStore(LocalStore(directory, mkdir=True))
        return MediaStore(_bucket(parts.netloc, parts.path, settings.media_s3_endpoint))


def open_or_end(settings: MediaSettings) -> MediaStore:
    """Return the store once a file could be written to it, or end the process with a line."""
    try:
        store = open_store(settings)
        store.probe()
    except StoreAway as error:
        sys.stderr.write(f"sendtrail: MEDIA_STORE_URL: cannot be written to: {error.__cause__}\n")
        raise SystemExit(2) from None
    return store


def _bucket(name: str, prefix: str, endpoint: str | None) -> S3Store:
    where: S3Config = {} if endpoint is None else {"endpoint": endpoint}
    return S3Store(
        name,
        prefix=prefix.strip("/") or None,
        config=where,
        client_options={"allow_http": (endpoint or "").startswith("http:")},
        retry_config={"max_retries": 3, "retry_timeout": RETRIES_LAST},
    )


async def _pieces(found: "GetResult") -> AsyncIterator[bytes]:
    with _failures_named():
        async for piece in found.stream():
            yield bytes(piece)


@contextmanager
def _failures_named() -> Generator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        # Not its words: they name paths, and of a bucket perhaps more.
        raise StoreAway(type(error).__name__) from error
