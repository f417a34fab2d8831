"""Connections that the server ended are noticed and replaced; each has a thread of its own."""

import asyncio
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from runtime import postgres
from runtime.errors import DatabaseAway

pytestmark = pytest.mark.stack


def backend(engine: sa.Engine) -> int:
    with postgres.transaction(engine) as connection:
        return connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()


def end(database: sa.Engine, process: int) -> None:
    with database.begin() as connection:
        assert connection.execute(
            sa.text("SELECT pg_terminate_backend(:process, 30000)"), {"process": process}
        ).scalar_one()


def test_a_rested_connection_is_tested_before_its_use(
    database: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RESTED", timedelta(0))
    engine = postgres.connect(database_url, pool=1)
    before = backend(engine)

    end(database, before)

    assert backend(engine) != before


def test_one_that_did_not_rest_is_missed_once(
    database: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RESTED", timedelta(hours=1))
    engine = postgres.connect(database_url, pool=1)
    before = backend(engine)
    assert backend(engine) == before

    end(database, before)

    with pytest.raises(DatabaseAway):
        backend(engine)
    assert backend(engine) != before


async def test_as_many_transactions_as_connections_go_on_at_once(database_url: str) -> None:
    many = 12  # more than asyncio has threads on two cores, and than one engine below has
    engine = postgres.connect(database_url, pool=many)
    others = postgres.connect(database_url, pool=1)
    together = Barrier(many + 1)

    def meet(_: sa.Connection) -> int:
        return together.wait(timeout=20)

    engines = [*(engine for _ in range(many)), others]
    met = await asyncio.gather(*(postgres.in_thread(one, meet) for one in engines))

    assert sorted(met) == list(range(many + 1))
