"""Creates the topics of the registry; the broker's own auto-creation is off."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from schemas.topics.fence import FENCE_RETENTION, FENCE_TOPIC
from schemas.topics.registry import (
    DEAD_LETTER_PARTITIONS,
    DEAD_LETTER_RETENTION,
    PARTITIONS,
    REGISTRY,
    Entry,
    dead_letter_topic,
)


async def ensure_topics(
    bootstrap: str, *, partitions: int = PARTITIONS, replication: int = 1
) -> None:
    """Create what is missing among the registry's topics and their DLQs."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(list(_topics(REGISTRY, partitions, replication)))
        for topic, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"topic {topic} could not be created")
    finally:
        await admin.close()


def _topics(entries: Iterable[Entry], partitions: int, replication: int) -> Iterable[NewTopic]:
    for entry in entries:
        topic = entry.topic
        retention = int(topic.retention.total_seconds() * 1_000)
        yield _topic(topic.name, partitions, replication, retention)
        retention = int(DEAD_LETTER_RETENTION.total_seconds() * 1_000)
        yield _topic(dead_letter_topic(topic.name), DEAD_LETTER_PARTITIONS, replication, retention)
    # Not in the registry: nobody but us has anything to do with it.
    retention = int(FENCE_RETENTION.total_seconds() * 1_000)
    yield _topic(FENCE_TOPIC, 1, replication, retention)


def _topic(name: str, partitions: int, replication: int, retention_ms: int) -> NewTopic:
    return NewTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replication,
        topic_configs={"retention.ms": str(retention_ms)},
    )
