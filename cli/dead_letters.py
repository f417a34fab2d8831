"""Reads a topic's DLQ, and puts its records back to where they came from (IM-10)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cli.reading import read_to_end
from runtime.kafka.producer import Producer
from schemas.topics.registry import dead_letter_topic
from schemas.topics.topic import Headers, Outgoing, header

ADDED = "dlq_"
"""How the headers begin that a record got with its rejection."""

REPLAYED_WITHIN = timedelta(seconds=30)
CHUNK = 500
"""Records handed to the broker at once: bounds the memory, and what a failure leaves undecided."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of a DLQ."""

    offset: int
    """Its place in the DLQ, which has one partition."""
    key: bytes
    value: bytes
    headers: Headers

    def added(self, name: str) -> str:
        """Return what its rejection says: reason, detail, topic, partition, offset, at, by."""
        return header(self.headers, ADDED + name) or ""

    @property
    def place(self) -> str:
        """Where it stood: topic, partition and offset."""
        return f"{self.added('topic')}[{self.added('partition')}]@{self.added('offset')}"

    def original(self, topic: str) -> Outgoing:
        """Return the record as it was before it was rejected, for the topic it came from."""
        kept = tuple(pair for pair in self.headers if not pair[0].startswith(ADDED))
        return Outgoing(self.added("topic") or topic, self.key, self.value, kept)


async def dead_letters(
    bootstrap: str, topic: str, offsets: Collection[int] = ()
) -> list[DeadLetter]:
    """Return the DLQ's records, oldest first; only those at ``offsets`` where any are named."""
    return [
        DeadLetter(record.offset, record.key or b"", record.value or b"", tuple(record.headers))
        for record in await read_to_end(bootstrap, dead_letter_topic(topic))
        if not offsets or record.offset in offsets
    ]


async def replay(bootstrap: str, topic: str, letters: Sequence[DeadLetter]) -> None:
    """Publish the original records again, in their order. Raises `BrokerAway`.

    They stay in the DLQ. Doing it twice is harmless: every consumer knows a repeated record.
    """
    # Without keys: what lies sealed in the DLQ is put back as it is.
    producer = Producer(bootstrap, "sendtrail-cli", None)
    try:
        for start in range(0, len(letters), CHUNK):
            chunk = [letter.original(topic) for letter in letters[start : start + CHUNK]]
            await producer.publish(chunk, within=REPLAYED_WITHIN)
    finally:
        await producer.stop()
