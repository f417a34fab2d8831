# pyright: reportMissingTypeStubs=false
# Faust ships no types; all contact with it is in worker.py, transport.py and here.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUntypedBaseClass=false
"""The entries as a Faust table: in memory, and in a changelog from which a process recovers."""

import asyncio
from typing import Any

import faust
import msgspec
from aiokafka.admin import NewTopic
from faust.serializers import codecs

from schemas.topics.registry import PARTITIONS
from services.statistics.counting import Entry, Place

CHANGELOG = {
    # Recovery reads what is not compacted yet; the active segment never is.
    "segment.bytes": str(1_048_576),
    "min.cleanable.dirty.ratio": "0.1",
}


class _PlaceCodec(codecs.Codec):
    def _dumps(self, s: Place) -> bytes:
        return s.to_key()

    def _loads(self, s: bytes) -> Place:
        return Place.of_key(s)


class _EntryCodec(codecs.Codec):
    def _dumps(self, s: Entry) -> bytes:
        return msgspec.json.encode(s)

    def _loads(self, s: bytes) -> Entry:
        return msgspec.json.decode(s, type=Entry)


codecs.register("statistics-place", _PlaceCodec())
codecs.register("statistics-entry", _EntryCodec())


class EntriesTable(faust.Table[Place, Entry]):
    """The table: an entry lies in the changelog's partition of the same number as its source's."""

    def __init__(self, app: Any) -> None:  # noqa: ANN401 - Faust's app
        super().__init__(app, name="entries", partitions=PARTITIONS, extra_topic_configs=CHANGELOG)
        self.key_serializer = "statistics-place"
        self.value_serializer = "statistics-entry"
        self._written: list[asyncio.Future[Any]] = []

    @property
    def changelog(self) -> NewTopic:
        """Its changelog, as Faust would make it."""
        return NewTopic(
            name=self.changelog_topic.get_topic_name(),
            num_partitions=PARTITIONS,
            replication_factor=self.app.conf.topic_replication_factor,
            topic_configs={"cleanup.policy": "compact", **CHANGELOG},
        )

    def partition_for_key(self, key: Place) -> int:
        """Return where the key belongs; Faust would ask the event that it thinks is current."""
        return key.partition

    def send_changelog(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Faust's future
        """Remember what was written: Faust only logs it when the broker refuses."""
        written = super().send_changelog(*args, **kwargs)
        self._written.append(written)
        return written

    async def acknowledged(self) -> None:
        """Return when the broker has everything written; raise what it refused with."""
        written, self._written = self._written, []
        await asyncio.gather(*written)
