"""Whether there is anything to read yet."""

import asyncio
import logging
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.topics.status_changes import STATUS_CHANGES

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=500)


async def source_exists(bootstrap: str) -> None:
    """Return when the broker answers and has the topic; Faust would crash, or make one of its own.

    However long that takes: /readyz tells.
    """
    while not await _is_there(bootstrap):  # noqa: ASYNC110 - nobody could set an Event
        await asyncio.sleep(LOOK_EVERY.total_seconds())


async def _is_there(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return STATUS_CHANGES.name in await admin.list_topics()
    except KafkaError as error:
        log.warning("statistics.waits_for_broker", extra={"reason": type(error).__name__})
        return False
    finally:
        await admin.close()
