"""How files are fetched from a provider; ``providers/<channel>/media.py`` is one way each (IM-27).

A `MediaSource` makes one attempt. It never retries: what did not work is one of two exceptions.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


class NotThere(Exception):
    """The provider does not know the id, or does not have the file any more."""


class Unavailable(Exception):
    """It cannot be had now; the argument is a word or two for logs and metrics."""

    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way from the provider."""

    chunks: AsyncIterator[bytes]
    """Its bytes. Raises `Unavailable` where the connection breaks."""
    sha256: str | None
    """As the provider announces it now: hexadecimal, or Base64."""
    mime_type: str | None = None
    """As the provider announces it now, where nothing was announced before."""
    file_name: str | None = None


class MediaSource(Protocol):
    """One provider's way of handing over files."""

    def open(self, media_id: str, account_id: str | None) -> AbstractAsyncContextManager[Download]:
        """Look the account's file up and begin its download.

        Raises `NotThere` or `Unavailable`.
        """
        ...

    def largest(self, message_type: str) -> int | None:
        """Return how many bytes a file may have that came with such a message.

        None where that is for the settings to say.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
