"""Readers that join no group and read all partitions of their topics."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.kafka.closing import start


async def start_alone(consumer: AIOKafkaConsumer) -> list[TopicPartition]:
    """Start a consumer made with topics but without a group; return its places, sorted.

    It keeps them whatever happens. Left alone, aiokafka gives up the partitions of a topic that the
    broker does not know, and with them where it was; a broker that has just come back knows none
    for a moment, and aiokafka asks it again only minutes later. Raises KafkaError.
    """
    await start(consumer)
    places = sorted(consumer.assignment())
    consumer.unsubscribe()
    consumer.assign(places)
    return places
