"""How services speak to PostgreSQL: an engine, transactions in a thread, and which errors pass.

psycopg2 blocks, so every transaction runs in a worker thread (`in_thread`); the loop goes on.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import psycopg2
import sqlalchemy as sa
from sqlalchemy import exc

from runtime.errors import DatabaseAway

T = TypeVar("T")

IDLE_IN_TRANSACTION = timedelta(seconds=10)
"""The server ends a session that holds locks and says nothing for so long: a process that was
stopped in mid-transaction must not stop the others (peers, R4)."""

STATEMENT = timedelta(seconds=30)
"""No statement of ours takes longer unless something is wrong."""

CONNECT = timedelta(seconds=3)

_AWAY = (psycopg2.OperationalError, psycopg2.InterfaceError)
"""Connection lost or refused, server starting or stopping; deadlocks and lock time-outs too,
which psycopg2 counts among them and which a repetition cures."""


def connect(url: str, *, pool: int = 5) -> sa.Engine:
    """Return an engine with at most ``pool`` connections, each tested before its use."""
    return sa.create_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": int(CONNECT.total_seconds()),
            "options": (
                f"-c idle_in_transaction_session_timeout={_milliseconds(IDLE_IN_TRANSACTION)}"
                f" -c statement_timeout={_milliseconds(STATEMENT)} -c timezone=UTC"
            ),
        },
    )


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


async def in_thread(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Run ``work`` in one transaction in a worker thread and return its result.

    Cancelling the caller does not interrupt the thread: the transaction ends as it would have.
    """

    def run() -> T:
        with transaction(engine) as connection:
            return work(connection)

    return await asyncio.to_thread(run)


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1_000)
