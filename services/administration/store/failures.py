"""How often somebody was wrong, by name and by address (IM-30)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Bound:
    """How many failures there may be, and how long they are held against somebody."""

    most: int
    remembered: timedelta


def count(connection: sa.Connection, who: bytes, bound: Bound, *, now: datetime) -> datetime | None:
    """Count an attempt as failed; return when the next may be made if this one is one too many.

    Attempts beyond the bound do not prolong the wait.
    """
    row = connection.execute(
        sa.text(
            """
            INSERT INTO login_failures AS f (who, failures, since) VALUES (:who, 1, :now)
            ON CONFLICT (who) DO UPDATE SET
                failures = CASE
                    WHEN f.since <= :forgotten THEN 1 ELSE least(f.failures, :most) + 1 END,
                since = CASE
                    WHEN f.since > :forgotten AND f.failures >= :most THEN f.since ELSE :now END
            RETURNING failures, since
            """
        ),
        {"who": who, "now": now, "most": bound.most, "forgotten": now - bound.remembered},
    ).one()
    return row.since + bound.remembered if row.failures > bound.most else None


def forgive(connection: sa.Connection, who: bytes) -> None:
    """Forget the failures of a name: its owner has come."""
    connection.execute(sa.text("DELETE FROM login_failures WHERE who = :who"), {"who": who})


def take_back(connection: sa.Connection, who: bytes) -> None:
    """Take one failure back: it was none. An address keeps the others'."""
    connection.execute(
        sa.text("UPDATE login_failures SET failures = failures - 1 WHERE who = :who"), {"who": who}
    )


def forget(connection: sa.Connection, *, before: datetime) -> None:
    """Delete what is held against nobody any more."""
    connection.execute(
        sa.text("DELETE FROM login_failures WHERE since < :before"), {"before": before}
    )
