"""What lies sealed in rows that more than one service reads (SE-01, CF-32)."""

from typing import Final

import msgspec

JOB_ITEMS: Final = "job_items"
"""Where a `JobRow` is kept: it opens nowhere else."""


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


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(JobRow)
