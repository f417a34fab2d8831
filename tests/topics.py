"""Empties Kafka between test modules."""

from aiokafka.admin import AIOKafkaAdminClient

from runtime.kafka.topics import ensure_topics
from tests.eventually import eventually, seconds

INTERNAL = "__"
"""How the broker's own topics begin: groups' offsets and transactions."""


async def recreate(bootstrap: str) -> None:
    """Delete every topic that is not the broker's own, then create the registry's.

    With a topic go the offsets that groups have committed on it.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(await _ours(admin))

        async def is_empty() -> bool:
            return not await _ours(admin)

        await eventually(is_empty, within=seconds(20))
    finally:
        await admin.close()
    await ensure_topics(bootstrap)


async def _ours(admin: AIOKafkaAdminClient) -> list[str]:
    return [name for name in await admin.list_topics() if not name.startswith(INTERNAL)]
