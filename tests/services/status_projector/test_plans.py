"""Statements stay quick on tables that have grown since the server looked at them."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from runtime.clock import now
from tests.services.status_projector.facts import Life, Projector

pytestmark = pytest.mark.stack

FEW, MANY = 100, 2_000


def test_messages_that_are_newer_than_the_statistics_are_expected(
    engine: sa.Engine, projector: Projector
) -> None:
    enter(projector, FEW)
    with engine.begin() as connection:
        connection.execute(sa.text("ANALYZE messages"))

    statement, parameters = the_update(engine, lambda: enter(projector, MANY))

    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        lines = [row[0] for row in plan]
    # Expecting one, the server may compare each of thousands with each row of the batch.
    assert not [line for line in lines if "Seq Scan on messages" in line and "rows=1 " in line]


def enter(projector: Projector, number: int) -> None:
    """Apply a batch of new messages, and that they were taken."""
    lives = [Life() for _ in range(number)]
    projector.apply([projector.heard(life.request()) for life in lives], now())
    projector.apply([projector.heard(life.started()) for life in lives], now())


def the_update(engine: sa.Engine, work: Any) -> tuple[str, Any]:  # noqa: ANN401 - as the driver takes it
    """Return the statement by which the work moves messages."""
    seen: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if "UPDATE messages" in statement:
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    work()
    event.remove(engine, "before_cursor_execute", note)
    return seen[-1]
