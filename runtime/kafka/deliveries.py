"""Which of the polled records are handed over, and what a record is in a handler's hands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition

from runtime.kafka.dead_letters import Rejected
from runtime.kafka.progress import PartitionProgress
from runtime.kafka.sealing import TopicKeys
from schemas.topics.dead_letters import Place, Reason
from schemas.topics.topic import EVENT_TYPE, Headers, MalformedRecord, Topic


@dataclass(slots=True, eq=False)
class Delivery:
    """One record in the handler's hands until it calls `finish`."""

    place: TopicPartition
    offset: int
    key: bytes | None
    value: Any
    """What the topic's codec made of the bytes."""
    raw: bytes
    """In the clear, as the headers are those of a value in the clear."""
    headers: Headers
    progress: PartitionProgress
    _on_finish: Callable[[], None]

    def finish(self) -> None:
        """Say that the record is dealt with: applied, parked, put down durably or rejected."""
        self.progress.finish(self.offset)
        self._on_finish()

    def forget(self) -> None:
        """Say that the record was put aside unfinished: another process will get it."""
        self.progress.forget(self.offset)
        self._on_finish()


def reject(delivery: Delivery, reason: Reason, detail: str) -> Rejected:
    """Return the delivery as a rejected record, its bytes and headers as they were written."""
    place = Place(delivery.place.topic, delivery.place.partition, delivery.offset)
    return Rejected(place, delivery.key, delivery.raw, delivery.headers, reason, detail)


Malformed = tuple[Delivery, MalformedRecord]
"""A record that is none of its topic, and why."""


class Intake:
    """Turns polled records into deliveries.

    Records of other types than the wanted ones are finished by their header alone: passing over
    one costs a tenth of decoding it (0.2 for 2 microseconds of the 9 that a record takes in all),
    and less than opening it. One without the header may be of any type and is decoded.
    """

    def __init__(
        self,
        topics: Mapping[str, Topic[Any]],
        wanted: frozenset[str] | None,
        matters: Callable[[bytes], bool] | None,
        keys: TopicKeys,
        on_finish: Callable[[], None],
    ) -> None:
        self._topics: Final = topics
        self._wanted: Final = None if wanted is None else {kind.encode() for kind in wanted}
        self._matters: Final = matters
        self._keys: Final = keys
        self._on_finish: Final = on_finish

    def take(
        self,
        place: TopicPartition,
        records: Sequence[ConsumerRecord[bytes, bytes]],
        progress: PartitionProgress,
    ) -> tuple[list[Delivery], list[Malformed]]:
        """Return what is to be handed over and what is to be rejected; the rest is finished."""
        deliveries: list[Delivery] = []
        malformed: list[Malformed] = []
        for record in records:
            taken = self._taken(place, record, progress)
            if taken is None:
                progress.pass_over(record.offset)
                continue
            progress.start(record.offset)
            if isinstance(taken, Delivery):
                deliveries.append(taken)
            else:
                malformed.append(taken)
        return deliveries, malformed

    def _taken(
        self,
        place: TopicPartition,
        record: ConsumerRecord[bytes, bytes],
        progress: PartitionProgress,
    ) -> Delivery | Malformed | None:
        """Return the record as it is handed over or rejected; None where nobody wants it."""
        if not self._is_of_wanted_type(record):
            return None
        delivery = Delivery(
            place,
            record.offset,
            record.key,
            None,
            record.value or b"",
            tuple(record.headers),
            progress,
            self._on_finish,
        )
        try:
            value, delivery.headers = self._keys.clear(record)
            delivery.raw = value or b""
            if self._matters is not None and not self._matters(delivery.raw):
                return None
            delivery.value = self._topics[place.topic].decode(value)
        except MalformedRecord as error:
            return delivery, error
        return delivery

    def _is_of_wanted_type(self, record: ConsumerRecord[bytes, bytes]) -> bool:
        if self._wanted is None:
            return True
        for name, value in record.headers:
            if name == EVENT_TYPE:
                return value in self._wanted
        return True
