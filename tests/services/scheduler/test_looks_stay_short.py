"""A look at what waits reads the ends of indexes, however many rows are done with or wait."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from services.scheduler.store.waiting import look
from tests.given import NOON

pytestmark = pytest.mark.stack

HALF_IS_DONE = """
    INSERT INTO accepted_sends (message_id, sent_at, due_at, published_at)
    SELECT 'msg_' || n, :noon, CAST(:noon AS timestamptz) + n * INTERVAL '1 minute',
        CASE WHEN n <= 0 THEN CAST(:noon AS timestamptz) END
    FROM generate_series(-20000, 20000) AS n
"""
"""Half of what was accepted was due and is published, half of it waits for its time."""


def test_rows_that_are_done_with_or_wait_are_not_read(database: sa.Engine) -> None:
    with database.connect() as connection:
        connection.execute(sa.text(HALF_IS_DONE), {"noon": NOON})
        connection.execute(sa.text("ANALYZE accepted_sends"))

        plan = _plan_of_a_look(connection)

    assert "accepted_sends_due" in plan
    for table in ("accepted_sends", "jobs", "t_pushes", "t_tasks"):
        assert f"Seq Scan on {table}" not in plan


def _plan_of_a_look(connection: sa.Connection) -> str:
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:  # noqa: ANN401 - SQLAlchemy's own
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    look(connection, sends_now=NOON, now=NOON)
    event.remove(connection, "before_cursor_execute", note)
    (statement, parameters), *others = asked
    assert others == [], "one look is one statement"
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return "\n".join(row[0] for row in rows)
