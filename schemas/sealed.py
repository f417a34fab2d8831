"""What lies sealed in rows that more than one service reads (SE-01, CF-32)."""

from typing import Final

import msgspec

JOB_ITEMS: Final = "job_items"
"""Where a `JobRow` is kept: it opens nowhere else."""
ACCEPTED_SENDS: Final = "accepted_sends"
"""Where a request lies until it is published."""


class JobRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is personal of one recipient of a job."""

    recipient: str
    """As the caller spelled it."""
    variables: dict[str, str]

    def packed(self) -> bytes:
        """Return it as it is sealed."""
        return _ENCODER.encode(self)

    @staticmethod
    def unpacked(plain: bytes) -> "JobRow":
        """Return what was sealed."""
        return _DECODER.decode(plain)


class Personal(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Everything personal of one message: the column ``messages.sealed``. New fields go to the end.

    It opens in the row it was sealed for and nowhere else. What is null was forgotten.
    """

    recipient: str
    """The address of the other side, of a group that of who wrote: a number or an id, as given."""
    user_id: str | None = None
    """Who wrote, by the id that stays the same where the number is hidden or changes."""
    name: str | None = None
    words: str | None = None
    """What a person reads of it first."""
    content: bytes | None = None
    """The typed content, as JSON."""
    context: bytes | None = None
    """What it answers or forwards, as JSON."""

    def packed(self) -> bytes:
        """Return it as it is sealed."""
        return _ENCODER.encode(self)

    @staticmethod
    def unpacked(plain: bytes) -> "Personal":
        """Return what was sealed."""
        return _PERSONAL.decode(plain)


def place_of_message(message_id: str) -> str:
    """Return where a message's `Personal` is kept."""
    return f"messages:{message_id}"


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(JobRow)
_PERSONAL: Final = msgspec.msgpack.Decoder(Personal)
