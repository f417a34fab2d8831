"""Counts what one poll found in one partition."""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from aiokafka import ConsumerRecord

from runtime.kafka.dead_letters import Rejected
from schemas.topics.dead_letters import Place as Origin
from schemas.topics.dead_letters import Reason
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from schemas.topics.topic import MalformedRecord
from services.statistics.counting import Entry, Place, count


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of a run of records."""

    touched: set[Place]
    rejected: list[Rejected]
    newest: datetime | None
    """The latest ``recorded_at`` among the changes."""


def on_status_changes(
    entries: MutableMapping[Place, Entry],
    records: Iterable[ConsumerRecord[bytes, bytes]],
    now: datetime,
) -> Counted:
    """Count the records, in the order of their offsets and of one partition, into ``entries``."""
    changes: list[tuple[int, StatusChanged]] = []
    rejected: list[Rejected] = []
    partition = 0
    for record in records:
        partition = record.partition
        try:
            changes.append((record.offset, STATUS_CHANGES.decode(record.value)))
        except MalformedRecord as error:
            rejected.append(_rejected(record, error))
    newest = max((change.recorded_at for _, change in changes), default=None)
    return Counted(count(entries, partition, changes, now), rejected, newest)


def _rejected(record: ConsumerRecord[bytes, bytes], error: MalformedRecord) -> Rejected:
    return Rejected(
        place=Origin(record.topic, record.partition, record.offset),
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        reason=Reason.MALFORMED,
        detail=str(error),
    )
