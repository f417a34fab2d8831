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
    told = ""
    while missing := await _missing(bootstrap):
        if missing != told:
            log.warning("statistics.waits", extra={"reason": missing})
            told = missing
        await asyncio.sleep(LOOK_EVERY.total_seconds())


async def _missing(bootstrap: str) -> str | None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        is_there = STATUS_CHANGES.name in await admin.list_topics()
    except KafkaError as error:
        return type(error).__name__
    else:
        return None if is_there else f"no topic {STATUS_CHANGES.name}"
    finally:
        await admin.close()
