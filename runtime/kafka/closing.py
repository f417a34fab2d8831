"""Closes consumers for good: what is left half closed stays a member of its group."""

import asyncio
import logging
from asyncio import CancelledError
from contextlib import suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)


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
