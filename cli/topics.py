"""`sendtrail topics`: creates what is missing of Kafka's topics."""

import asyncio

from runtime.kafka.topics import ensure_topics
from runtime.settings import Settings, read
from schemas.topics.registry import REGISTRY, dead_letter_topic


def topics() -> None:
    """Create the topics that are missing at KAFKA_BOOTSTRAP_SERVERS; harmless to repeat."""
    asyncio.run(ensure_topics(read(Settings).kafka_bootstrap_servers))
    for entry in REGISTRY:
        print(f"{entry.topic.name:<18} {dead_letter_topic(entry.topic.name)}")
