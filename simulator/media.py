"""Files that providers keep for a while, and what can go wrong when one is fetched."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Literal

from msgspec import Meta, Struct

from simulator.clock import SimClock
from simulator.samples import SAMPLES

_LARGEST = 128 * 1024 * 1024

Fault = Literal[
    "lookup_404", "download_404", "download_500", "slow", "too_large", "redirect", "tampered"
]
SampleName = Literal["jpeg", "png", "pdf", "ogg", "mp4", "webp", "amr", "text"]


class FileOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file as it is ordered: a sample or given bytes, with what is to go wrong about it."""

    sample: SampleName | None = None
    base64: bytes | None = None
    """The file itself instead of a sample."""
    size: Annotated[int, Meta(ge=1, le=_LARGEST)] | None = None
    """Fill the file up to so many bytes."""
    mime_type: str | None = None
    """What is announced, true or not; default: the sample's own type."""
    file_size: int | None = None
    """Bytes that are announced, true or not."""
    filename: str | None = None
    fault: Fault | None = None
    """`slow`: a byte every 500 ms; `too_large`: it goes on and on; `tampered`: other bytes."""
    times: Annotated[int, Meta(ge=1)] | None = None
    """How often the fault befalls; none: always."""


@dataclass(slots=True, kw_only=True)
class File:
    """A file at the provider."""

    id: str
    data: bytes
    mime_type: str
    """As announced."""
    file_size: int
    """As announced."""
    filename: str
    digest: bytes
    """SHA-256 of the data."""
    kept_until: float
    fault: Fault | None = None
    times: int | None = None

    def befalls(self, *faults: Fault) -> Fault | None:
        """Return the file's fault if it is one of these and has not befallen often enough."""
        if self.fault not in faults or self.times == 0:
            return None
        if self.times is not None:
            self.times -= 1
        return self.fault


class Shelf:
    """The files of one provider, each for so many seconds."""

    def __init__(self, clock: SimClock, keeps_s: float) -> None:
        self._clock = clock
        self._keeps_s = keeps_s
        self._files: dict[str, File] = {}

    def __len__(self) -> int:
        return len(self._files)

    def put(self, media_id: str, order: FileOrder, keeps_s: float | None = None) -> File:
        """Keep a file under an id."""
        sample = SAMPLES[order.sample or "jpeg"]
        data = sample.data if order.base64 is None else order.base64
        if order.size is not None:
            data = data[: order.size].ljust(order.size, b"\x00")
        made = File(
            id=media_id,
            data=data,
            mime_type=order.mime_type or sample.mime_type,
            file_size=len(data) if order.file_size is None else order.file_size,
            filename=order.filename or f"{media_id}.{sample.extension}",
            digest=sha256(data).digest(),
            kept_until=self._clock.now() + (self._keeps_s if keeps_s is None else keeps_s),
            fault=order.fault,
            times=order.times,
        )
        self._files[media_id] = made
        return made

    def find(self, media_id: str) -> File | None:
        """Return a file that is still kept."""
        found = self._files.get(media_id)
        return found if found is not None and self._clock.now() < found.kept_until else None

    def remove(self, media_id: str) -> bool:
        """Drop a file; false when there is none of this id."""
        return self._files.pop(media_id, None) is not None
