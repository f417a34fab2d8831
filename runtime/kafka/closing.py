"""Closes consumers for good: what is left half closed stays a member of its group.

To be closed, a consumer has to be started by `start`.
"""

import asyncio
import logging
from asyncio import CancelledError
from contextlib import suppress
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)


OPENS_WITHIN: Final = timedelta(seconds=1)
"""For so long who is cancelled while a consumer starts waits for its connection."""


async def start(consumer: AIOKafkaConsumer) -> None:
    """Start a consumer; where that is cancelled, it can be closed all the same. Raises KafkaError.

    aiokafka (0.14, `AIOKafkaClient.bootstrap`) knows a connection only once it is open: cut short
    while it opens one, nothing would ever close it.
    """
    starting = asyncio.create_task(consumer.start())
    try:
        await asyncio.shield(starting)
    except CancelledError:
        await asyncio.wait([starting], timeout=OPENS_WITHIN.total_seconds())
        starting.cancel()
        await asyncio.wait([starting])
        if not starting.cancelled():
            starting.exception()  # nobody asks for it any more
        raise


async def close(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, also one whose start was cut short. Raises nothing of Kafka's.

    aiokafka (0.14, `Fetcher.close`) cancels requests of its own and waits for them. The
    CancelledError of such a request ends its `stop` halfway, with the connections open, and would
    end whoever waits for that as well. So it is stopped in a task apart, and its client is closed
    in any case.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping])
    error = CancelledError() if stopping.cancelled() else stopping.exception()
    if error is not None:
        log.info("consumer.half_closed", extra={"why": f"{type(error).__name__}: {error}"})
        with suppress(KafkaError, OSError):
            await consumer._client.close()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - stop does nothing the second time
