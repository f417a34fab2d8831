"""How services speak to PostgreSQL: an engine, transactions in a thread, and which errors pass.

psycopg2 blocks, so every transaction runs in a worker thread (`in_thread`); the loop goes on.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar
from weakref import WeakKeyDictionary

import psycopg2
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from runtime.arrays import write_arrays_as_literals
from runtime.errors import DatabaseAway

T = TypeVar("T")

IDLE_IN_TRANSACTION = timedelta(seconds=10)
"""The server ends a session that holds locks and says nothing for so long: a process that was
stopped in mid-transaction must not stop the others (peers, R4)."""

STATEMENT = timedelta(seconds=30)
"""No statement of ours takes longer unless something is wrong."""

CONNECT = timedelta(seconds=3)

RESTED = timedelta(seconds=1)
"""A connection that nobody used for so long is tested first. A test before every use costs a busy
service a tenth of its time at the database."""

_AWAY = (psycopg2.OperationalError, psycopg2.InterfaceError)
"""Connection lost or refused, server starting or stopping; deadlocks and lock time-outs too,
which psycopg2 counts among them and which a repetition cures."""


def connect(url: str, *, pool: int = 5) -> sa.Engine:
    """Return an engine with at most ``pool`` connections, tested when they have rested."""
    engine = sa.create_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        connect_args={
            "connect_timeout": int(CONNECT.total_seconds()),
            "options": (
                f"-c idle_in_transaction_session_timeout={_milliseconds(IDLE_IN_TRANSACTION)}"
                f" -c statement_timeout={_milliseconds(STATEMENT)} -c timezone=UTC"
                # Starting helpers takes longer than most of our questions, and as many cores.
                " -c max_parallel_workers_per_gather=0"
            ),
        },
    )
    _test_rested(engine)
    write_arrays_as_literals(engine)
    return engine


@contextmanager
def transaction(engine: sa.Engine) -> Generator[sa.Connection]:
    """Open a transaction: committed at the end, rolled back on an error.

    Raises `DatabaseAway` where the database is what failed, and lets all else pass.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except exc.DBAPIError as error:
        if error.connection_invalidated or isinstance(error.orig, _AWAY):
            raise DatabaseAway(type(error.orig).__name__) from error
        raise
    except exc.TimeoutError as error:
        raise DatabaseAway("no free connection") from error


def delete_some(
    connection: sa.Connection, table: str, condition: str, *, before: datetime, limit: int
) -> int:
    """Delete up to so many old rows of a table; return how many. Both words are ours.

    Whatever somebody else works on stays until the next time.
    """
    deleted = connection.execute(
        sa.text(
            f"""
            DELETE FROM {table} WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM {table} t WHERE {condition} LIMIT :limit
                FOR UPDATE SKIP LOCKED))
            """  # noqa: S608 - our own words only
        ),
        {"before": before, "limit": limit},
    )
    return deleted.rowcount


async def in_thread(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Run ``work`` in one transaction in a worker thread and return its result.

    Cancelling the caller does not interrupt the thread: the transaction ends as it would have.
    """

    def run() -> T:
        with transaction(engine) as connection:
            return work(connection)

    return await asyncio.get_running_loop().run_in_executor(_threads_of(engine), run)


_THREADS: WeakKeyDictionary[sa.Engine, ThreadPoolExecutor] = WeakKeyDictionary()


def _threads_of(engine: sa.Engine) -> ThreadPoolExecutor | None:
    """Return the engine's own threads, as many as it keeps connections; asyncio's if it keeps none.

    asyncio's are four and one for each core, for all that the process does: a few transactions that
    wait for a disk or a broker would hold up everybody else.
    """
    if not isinstance(engine.pool, sa.QueuePool):
        return None
    if engine not in _THREADS:
        _THREADS[engine] = ThreadPoolExecutor(engine.pool.size(), "postgres")
    return _THREADS[engine]


def _test_rested(engine: sa.Engine) -> None:
    def note(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    def test(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < RESTED.total_seconds():
            return
        try:
            engine.dialect.do_ping(connection)
        except _AWAY as error:
            raise exc.InvalidatePoolError from error  # the others are as old

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", test)


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1_000)
