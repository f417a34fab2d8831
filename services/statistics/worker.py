# pyright: reportMissingTypeStubs=false
# Faust ships no types; all contact with it is here, in table.py and transport.py.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedFunctionDecorator=false, reportUntypedBaseClass=false
"""The Faust app: reads `status-changes`, keeps the entries in a table with a changelog.

The order that makes it exact (ADR 0005): a run is counted, each touched entry is written to the
changelog and acknowledged by the broker, and only then is the run acknowledged to Faust, which
commits its offset. Faust's own flush before a commit may return early, so it is not relied on.

Whatever Faust does not survive (a crashed service of its own, partitions taken away) ends the
process through ``end``; the next one recovers from the changelog.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, NoReturn

import faust
from aiokafka.admin import NewTopic

from runtime.clock import Clock
from runtime.errors import TryAgainLater
from runtime.kafka.dead_letters import Rejected
from schemas.topics.registry import PARTITIONS
from schemas.topics.status_changes import STATUS_CHANGES
from services.statistics import metrics
from services.statistics.counting import Entry, Place
from services.statistics.handlers import on_status_changes
from services.statistics.settings import StatisticsSettings
from services.statistics.table import EntriesTable
from services.statistics.transport import FULL_POLL, RunsTransport

log = logging.getLogger(__name__)

GROUP = "statistics"
"""Consumer group, and the prefix of the changelog's name."""

BATCH_WITHIN = timedelta(milliseconds=500)
"""How far the answers may lag behind; each entry is written at most once in it."""

EXPIRE_EVERY = timedelta(minutes=1)
LOOK_EVERY = timedelta(milliseconds=200)

Reject = Callable[[Sequence[Rejected]], Awaitable[None]]
End = Callable[[str], NoReturn]


class Worker:
    """Counts while it runs, and hands out what it counted."""

    def __init__(
        self, settings: StatisticsSettings, *, clock: Clock, reject: Reject, end: End
    ) -> None:
        self._clock = clock
        self._reject = reject
        self._end = end
        self._recovered = False
        self._began = time.monotonic()
        self._app = _app(settings)
        self._table = EntriesTable(self._app)
        self._app.tables.add(self._table)
        self._table.on_recover(self._on_recovered)
        self._app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        source = self._app.topic(STATUS_CHANGES.name, value_serializer="raw", key_serializer="raw")
        self._app.agent(source, name="count")(self._count)
        self._app.timer(EXPIRE_EVERY)(self._expire)
        metrics.ENTRIES.set_function(lambda: len(self._table.data))

    @property
    def changelog(self) -> NewTopic:
        """The topic that keeps what is counted."""
        return self._table.changelog

    async def run(self) -> None:
        """Run until cancelled; end the process when Faust does not go on."""
        try:
            await self._app.start()
            while not self._app.should_stop:  # noqa: ASYNC110 - Faust has no event for stop or crash
                await asyncio.sleep(LOOK_EVERY.total_seconds())
        except Exception as error:  # noqa: BLE001 - whatever it is, only a fresh process helps
            self._end(f"{type(error).__name__}: {error}")
        self._end(f"Faust stopped: {self._app.crash_reason!r}")

    def problem(self) -> str | None:
        """Return why answers would be partial, None when they are whole."""
        return None if self._recovered else "the entries are still being read back"

    def entries(self) -> Iterable[tuple[Place, Entry]]:
        """Return all entries; raise `TryAgainLater` while they are not whole."""
        problem = self.problem()
        if problem is not None:
            raise TryAgainLater(problem)
        return list(self._table.data.items())

    async def _count(self, stream: Any) -> None:  # noqa: ANN401 - Faust's stream
        async for runs in stream.take(1_000, within=BATCH_WITHIN.total_seconds()):
            try:
                await self._count_batch(runs)
            except Exception as error:
                # Faust would acknowledge the batch and go on with the next: lost.
                log.exception("statistics.batch_failed")
                self._end(f"a batch could not be counted: {type(error).__name__}")

    async def _count_batch(self, runs: Sequence[Sequence[Any]]) -> None:
        began = time.monotonic()
        touched: set[Place] = set()
        rejected: list[Rejected] = []
        entries = self._table.data
        for run in runs:
            counted = on_status_changes(entries, run, self._clock())
            touched |= counted.touched
            rejected += counted.rejected
            metrics.CHANGES.inc(len(run))
            await asyncio.sleep(0)  # callers get their turn during a backlog
        if rejected:
            metrics.REJECTED.inc(len(rejected))
            await self._reject(rejected)
        await self._write(touched)
        metrics.BATCH_SECONDS.observe(time.monotonic() - began)

    async def _write(self, touched: Iterable[Place]) -> None:
        for place in touched:
            self._table[place] = self._table.data[place]
        await self._table.acknowledged()

    async def _expire(self) -> None:
        if not self._recovered:
            return
        now = self._clock()
        for place in [place for place in self._table.data if not place.is_kept(now)]:
            del self._table[place]

    async def _on_recovered(self) -> None:
        self._recovered = True
        took = time.monotonic() - self._began
        metrics.RECOVERY_SECONDS.set(took)
        entries = len(self._table.data)
        log.info("statistics.recovered", extra={"entries": entries, "took_s": round(took, 3)})

    async def _on_revoked(self, _: Any, revoked: Any, **__: Any) -> None:  # noqa: ANN401 - Faust's signal
        # After it, Faust would read older entries over newer ones while runs of before still wait.
        if self._recovered and revoked:
            self._end("partitions were revoked")


def _app(settings: StatisticsSettings) -> Any:  # noqa: ANN401 - Faust's app
    servers = ";".join(f"kafka://{each}" for each in settings.kafka_bootstrap_servers.split(","))
    app = faust.App(
        GROUP,
        broker=servers,
        datadir=settings.statistics_data_dir,
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=PARTITIONS,
        consumer_auto_offset_reset="earliest",
        # The next process takes over its predecessor's membership: no wait for its session's end.
        consumer_group_instance_id=GROUP,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=1.0,
        broker_commit_interval=1.0,
        broker_max_poll_records=FULL_POLL,
        broker_request_timeout=30.0,
        producer_acks=-1,
        stream_buffer_maxsize=16,
        stream_recovery_delay=0.0,
        stream_wait_empty=False,
    )
    app.transport = RunsTransport(app.conf.broker_consumer, app)
    return app
