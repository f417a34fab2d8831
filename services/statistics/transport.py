# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# Faust ships no types, and offers no setting for what is changed here (see the ADR).
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportIncompatibleMethodOverride=false
"""How Faust reads `status-changes`: committed records only, and a run of them as one event.

Faust handles an event in about 0.15 ms whatever its size, and a message has four changes; a run of
all the changes that a poll found in one partition costs as much as one of them (ADR 0005). From the
changelog, read at the start, only what the same poll does not supersede is delivered.
"""

import asyncio
import dataclasses
from asyncio import AbstractEventLoop
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from faust.transport.drivers import aiokafka as driver

from schemas.topics.status_changes import STATUS_CHANGES

GATHER = timedelta(milliseconds=250)
"""Between two polls while there is little to read: a few full runs cost less than many short."""

FULL_POLL = 5_000
"""Records of one poll at most; when there were so many, the next follows at once."""


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    def _create_consumer(self, loop: AbstractEventLoop) -> Any:  # noqa: ANN401 - aiokafka's consumer
        consumer: Any = super()._create_consumer(loop)
        # Faust asks for it only together with its own transactions. Read when the consumer starts.
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - see above
        return consumer


class RunsConsumer(driver.Consumer):
    """Delivers a partition's records as one event: its value is their tuple, its offset the last's.

    An event is acknowledged whole and in order, so what is acknowledged is always a prefix.
    """

    _is_behind = False

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: Any, timeout: float) -> Mapping[Any, Any]:  # noqa: ANN401, ASYNC109 - Faust's signature
        if not (self.app.in_recovery or self._is_behind):
            await asyncio.sleep(GATHER.total_seconds())
        found = await super()._getmany(active_partitions, timeout)
        self._is_behind = sum(map(len, found.values())) >= FULL_POLL
        return {
            place: _as_run(records)
            if place.topic == STATUS_CHANGES.name
            else _newest_of_each_key(records)
            for place, records in found.items()
            if records
        }

    def _new_offset(self, tp: Any) -> int | None:  # noqa: ANN401 - Faust's TP
        # Faust's own waits for each offset between two records to be accounted for; in a
        # transactional topic, and within a run, there are offsets that nobody ever delivers.
        acknowledged = self._acked[tp]
        if not acknowledged:
            return None
        newest = max(acknowledged)
        acknowledged.clear()
        self._acked_index[tp].clear()
        return newest + 1

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:  # noqa: ANN401 - Faust's signature
        """Keep no account of undelivered offsets: `_new_offset` needs none."""


class RunsTransport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = RunsConsumer


def _as_run(records: list[Any]) -> list[Any]:
    return [dataclasses.replace(records[-1], key=None, value=tuple(records))]


def _newest_of_each_key(records: list[Any]) -> list[Any]:
    # As if the changelog were compacted: an entry is written again and again in its last minutes.
    newest = {record.key: record.offset for record in records}
    return [record for record in records if newest[record.key] == record.offset]
