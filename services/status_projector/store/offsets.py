"""How far each partition is applied, and who may apply it (architecture, promise 3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from runtime.errors import Fenced

Place = tuple[str, int]
"""Topic and partition."""

NOBODY = ""
"""The owner of a partition for which nothing is on its way to Kafka: there is nobody to fence."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A partition at the moment in which its epoch was raised."""

    next_offset: int
    """The first offset that is not applied; below the new epoch it stays that."""
    epoch: int
    owner: str
    """Who may still have a transaction for it, or `NOBODY`."""


_CLAIM = sa.text(
    """
    INSERT INTO applied_offsets AS o (topic, partition, next_offset, epoch, owner)
    SELECT topic, partition, 0, 1, :nobody
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[])) AS p(topic, partition)
    ORDER BY topic, partition
    ON CONFLICT (topic, partition) DO UPDATE SET epoch = o.epoch + 1
    RETURNING topic, partition, next_offset, epoch, owner
    """
)


def claim(connection: sa.Connection, places: Collection[Place]) -> dict[Place, Claim]:
    """Raise the places' epochs: whoever applied to them before may not do so any more.

    The owner's name stays until `sign`: should we die before he is fenced, our successor has to
    know whom to fence.
    """
    rows = connection.execute(_CLAIM, {**_columns(places), "nobody": NOBODY})
    return {
        (row.topic, row.partition): Claim(row.next_offset, row.epoch, row.owner) for row in rows
    }


_SIGN = sa.text(
    """
    UPDATE applied_offsets o SET owner = :owner
    FROM (
        SELECT o.topic, o.partition FROM applied_offsets o
        JOIN unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:epochs AS bigint[]))
             AS p(topic, partition, epoch) USING (topic, partition)
        WHERE o.epoch = p.epoch
        ORDER BY o.topic, o.partition
        FOR UPDATE OF o
    ) mine
    WHERE o.topic = mine.topic AND o.partition = mine.partition
    RETURNING o.topic, o.partition
    """
)


def sign(connection: sa.Connection, epochs: Mapping[Place, int], owner: str) -> set[Place]:
    """Enter who publishes for the places; return those whose epoch is still this one."""
    values = {**_columns(epochs), "epochs": list(epochs.values()), "owner": owner}
    return {(row.topic, row.partition) for row in connection.execute(_SIGN, values)}


_LOCK = sa.text(
    """
    SELECT o.topic, o.partition, o.next_offset, o.epoch
    FROM applied_offsets o
    JOIN unnest(CAST(:topics AS text[]), CAST(:partitions AS int[])) AS p(topic, partition)
      USING (topic, partition)
    ORDER BY o.topic, o.partition
    FOR UPDATE OF o
    """
)


def lock(connection: sa.Connection, epochs: Mapping[Place, int | None]) -> dict[Place, int]:
    """Lock the places' rows, in one order everywhere; return the first unapplied offset of each.

    Raises `Fenced` where one of them has another epoch, and so a newer owner.
    """
    rows = connection.execute(_LOCK, _columns(epochs)).all()
    found = {(row.topic, row.partition): row.epoch for row in rows}
    for place, epoch in epochs.items():
        if epoch is None or found.get(place) != epoch:
            raise Fenced(f"{place[0]}/{place[1]} has a newer owner")
    return {(row.topic, row.partition): row.next_offset for row in rows}


_ADVANCE = sa.text(
    """
    UPDATE applied_offsets o SET next_offset = p.next_offset
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
         AS p(topic, partition, next_offset)
    WHERE o.topic = p.topic AND o.partition = p.partition AND o.next_offset < p.next_offset
    """
)


def advance(connection: sa.Connection, offsets: Mapping[Place, int]) -> None:
    """Note how far the places, which are locked, are applied now."""
    connection.execute(_ADVANCE, {**_columns(offsets), "offsets": list(offsets.values())})


_UNPUBLISHED = sa.text(
    """
    SELECT change FROM message_status_history
    WHERE source_topic = :topic AND source_partition = :partition
      AND source_offset >= :start AND source_offset < :stop
    ORDER BY source_offset, message_id, sequence
    """
)


def changes_between(connection: sa.Connection, place: Place, start: int, stop: int) -> list[bytes]:
    """Return the changes that the records of these offsets caused, as they were encoded."""
    values = {"topic": place[0], "partition": place[1], "start": start, "stop": stop}
    return [bytes(row.change) for row in connection.execute(_UNPUBLISHED, values)]


def _columns(places: Collection[Place]) -> dict[str, list[str] | list[int]]:
    return {"topics": [topic for topic, _ in places], "partitions": [p for _, p in places]}
