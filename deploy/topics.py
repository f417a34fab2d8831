"""Empties Kafka between runs on one broker, such as the modules of the tests."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient

from runtime.kafka.topics import ensure_topics

INTERNAL = "__"
"""How the broker's own topics begin: groups' offsets and transactions."""

POLL_SECONDS = 0.05
GONE_WITHIN_SECONDS = 20


async def recreate_topics(bootstrap: str) -> None:
    """Delete every topic that is not the broker's own, then create the registry's.

    With a topic go the offsets that groups have committed on it, unless the broker has started
    within the last second and still loads them: then begin with `lease_empty`, or wait. Raises
    TimeoutError.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(GONE_WITHIN_SECONDS):
            await _delete_all(admin)
    finally:
        await admin.close()
    await ensure_topics(bootstrap)


async def _delete_all(admin: AIOKafkaAdminClient) -> None:
    # A broker that was just restarted may not list all of them at once.
    while names := await _ours(admin):
        await admin.delete_topics(names)
        await asyncio.sleep(POLL_SECONDS)


async def _ours(admin: AIOKafkaAdminClient) -> list[str]:
    return [name for name in await admin.list_topics() if not name.startswith(INTERNAL)]
