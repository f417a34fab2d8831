"""How far each partition is applied, and who may apply it (architecture, promise 3)."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

Place = tuple[str, int]
"""Topic and partition."""


_TAKE_OVER = sa.text(
    """
    INSERT INTO applied_offsets (topic, partition, next_offset, epoch, owner)
    VALUES (:topic, :partition, 0, 1, :owner)
    ON CONFLICT (topic, partition)
    DO UPDATE SET epoch = applied_offsets.epoch + 1, owner = :owner
    RETURNING next_offset, epoch
    """
)


def take_over(connection: sa.Connection, place: Place, owner: str) -> tuple[int, int]:
    """Make ``owner`` the one who may write; return the first unapplied offset and the epoch."""
    values = {"topic": place[0], "partition": place[1], "owner": owner}
    row = connection.execute(_TAKE_OVER, values).one()
    return row.next_offset, row.epoch


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


def lock(connection: sa.Connection, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
    """Lock the places' rows; return the first unapplied offset and the epoch of each."""
    values = {"topics": [place[0] for place in places], "partitions": [p[1] for p in places]}
    rows = connection.execute(_LOCK, values)
    return {(row.topic, row.partition): (row.next_offset, row.epoch) for row in rows}


_ADVANCE = sa.text(
    """
    UPDATE applied_offsets o SET next_offset = p.next_offset
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
         AS p(topic, partition, next_offset)
    WHERE o.topic = p.topic AND o.partition = p.partition AND o.next_offset < p.next_offset
    """
)


def advance(connection: sa.Connection, offsets: Mapping[Place, int]) -> None:
    """Note how far the places are applied now."""
    connection.execute(
        _ADVANCE,
        {
            "topics": [place[0] for place in offsets],
            "partitions": [place[1] for place in offsets],
            "offsets": list(offsets.values()),
        },
    )


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
