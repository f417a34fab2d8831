"""Where the file of a message is."""

from typing import Annotated

import msgspec

from schemas.topics.records import Command

Link = Annotated[
    str, msgspec.Meta(min_length=1, max_length=2_048, pattern=r"^https?://[^\s\x00]+$(?!\n)")
]
MediaId = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
MediaKey = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class File(Command, frozen=True, kw_only=True, rename="camel"):
    """Where a file is: exactly one of the three (WA-06, WC-03)."""

    id: MediaId | None = None
    """The provider's, of an upload that somebody else made."""
    link: Link | None = None
    """A public address, which the provider fetches; WhatsApp only."""
    key: MediaKey | None = None
    """Its name in our store: uploaded when it is sent, and again when the upload has expired."""

    def __post_init__(self) -> None:
        """Refuse none and several."""
        if sum(where is not None for where in (self.id, self.link, self.key)) != 1:
            raise ValueError("exactly one of `id`, `link` and `key` must be given")
