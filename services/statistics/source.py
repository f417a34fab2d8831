"""Whether there is anything to read yet, and where to write."""

import asyncio
import logging
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from schemas.topics.status_changes import STATUS_CHANGES

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=500)


async def topics_exist(bootstrap: str, changelog: NewTopic) -> None:
    """Return when the broker has both topics, the changelog made by us where there was none.

    Without the source Faust would crash, or make one of its own. The changelog it would make while
    it joins its group; it was seen to join once more then, with its next look at the broker's
    topics minutes later, which ends the process. However long this takes: /readyz tells.
    """
    told = ""
    while missing := await _missing(bootstrap, changelog):
        if missing != told:
            log.warning("statistics.waits", extra={"reason": missing})
            told = missing
        await asyncio.sleep(LOOK_EVERY.total_seconds())


async def _missing(bootstrap: str, changelog: NewTopic) -> str | None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        names = await admin.list_topics()
        if STATUS_CHANGES.name in names and changelog.name not in names:
            await admin.create_topics([changelog])
            names = await admin.list_topics()
        missing = {STATUS_CHANGES.name, changelog.name} - {*names}
    except KafkaError as error:
        return type(error).__name__
    else:
        return f"no topic {', '.join(sorted(missing))}" if missing else None
    finally:
        await admin.close()
