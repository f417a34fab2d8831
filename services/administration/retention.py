"""Forgets what is older than it may be kept, once a day, with a report (SE-02, SE-05, IM-33).

Each service clears what it needs for days only; what is kept for a year is cleared here, in small
transactions. The months of messages and of their histories are dropped by the projector.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from runtime.clock import Clock
from runtime.media import MediaStore
from runtime.postgres import in_thread, transaction
from runtime.vault import Person
from services.administration.store import retention

log = logging.getLogger(__name__)

LOOK_EVERY: Final = timedelta(minutes=10)
RUN_EVERY: Final = timedelta(days=1)
BATCH: Final = 5_000
EXECUTIONS_KEPT: Final = timedelta(days=30)
"""Logs of pushes and previews (SE-05)."""
KEYS_KEPT: Final = timedelta(days=30)
"""A key that seals nothing is of no use; so long nobody looks whether it does."""


class Retention:
    """Forgets what is old."""

    def __init__(
        self, engine: sa.Engine, media: MediaStore, clock: Clock, *, kept: timedelta
    ) -> None:
        self._engine = engine
        self._media = media
        self._clock = clock
        self._kept = kept

    async def tick(self) -> bool:
        """Run once a day, whichever process is the first; tell that there is nothing more."""
        last = await in_thread(self._engine, retention.last_run)
        if last is None or self._clock() - last >= RUN_EVERY:
            await asyncio.to_thread(self.run)
        return False

    def run(self) -> dict[str, int]:
        """Forget what is old; return how many rows of each table, and how many files. Blocks.

        Raises `TryAgainLater`: what is gone is gone, and the next run does the rest.
        """
        began = self._clock()
        counts = self._rows(retention.EXECUTIONS, began - min(EXECUTIONS_KEPT, self._kept))
        counts |= self._rows({**retention.AGED, "jobs": retention.JOBS}, began - self._kept)
        counts["files"] = self._files(began - self._kept)
        counts["media_uploads"] = self._uploads(began - self._kept)
        counts["person_keys"] = self._keys(began - KEYS_KEPT)
        counts = {what: count for what, count in counts.items() if count}
        with transaction(self._engine) as connection:
            retention.note(connection, counts, began=began, ended=self._clock())
        log.info("retention.ended", extra={"forgotten": counts})
        return counts

    def _rows(self, aged: Mapping[str, str], before: datetime) -> dict[str, int]:
        return {table: self._all(_aged(table, aged[table], before)) for table in aged}

    def _all(self, step: Callable[[sa.Connection], int]) -> int:
        total = 0
        while True:
            with transaction(self._engine) as connection:
                count = step(connection)
            total += count
            if count < BATCH:
                return total

    def _files(self, before: datetime) -> int:
        total = 0
        while True:
            with transaction(self._engine) as connection:
                files = retention.aged_files(connection, before=before, limit=BATCH)
            for key in filter(None, files.values()):
                self._media.delete(key)
            with transaction(self._engine) as connection:
                retention.forget_files(connection, list(files))
            total += len(files)
            if len(files) < BATCH:
                return total

    def _uploads(self, before: datetime) -> int:
        total = 0
        while True:
            with transaction(self._engine) as connection:
                keys = retention.aged_uploads(connection, before=before, limit=BATCH)
            for key in keys:
                self._media.delete(key)
            with transaction(self._engine) as connection:
                retention.forget_uploads(connection, keys)
            total += len(keys)
            if len(keys) < BATCH:
                return total

    def _keys(self, before: datetime) -> int:
        last: Person | None = b""
        total = 0
        while last is not None:
            with transaction(self._engine) as connection:
                swept = retention.forget_keys(connection, after=last, before=before, limit=BATCH)
            last = swept.last
            total += swept.gone
        return total


def _aged(table: str, condition: str, before: datetime) -> Callable[[sa.Connection], int]:
    return lambda connection: retention.forget_aged(
        connection, table, condition, before=before, limit=BATCH
    )
