"""Creates the monthly partitions of the history ahead of time; there is no DEFAULT partition."""

from datetime import date

import sqlalchemy as sa

MONTHS_AHEAD = 3
"""Long enough that a service which is down for weeks finds its partition on its return."""


def ensure_months(connection: sa.Connection, today: date, ahead: int = MONTHS_AHEAD) -> None:
    """Create the partitions from last month's to ``ahead`` months after today's, where missing."""
    for offset in range(-1, ahead + 1):
        first, after = _month(today, offset), _month(today, offset + 1)
        name = f"message_status_history_{first:%Y_%m}"
        connection.execute(
            sa.text(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF message_status_history"
                f" FOR VALUES FROM ('{first}') TO ('{after}')"
            )
        )


def _month(today: date, offset: int) -> date:
    years, month = divmod(today.year * 12 + today.month - 1 + offset, 12)
    return date(years, month + 1, 1)
