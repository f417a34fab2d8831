"""What waits for each sending account, for how long, and what of it is in doubt (IM-54)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a sender in the ledger."""

    count: int
    due_since: datetime | None
    """When the oldest of it was due."""


def waiting(connection: sa.Connection) -> dict[str, Waiting]:
    """Return what waits for each sender; reads every waiting entry of the index."""
    rows = connection.execute(
        sa.text(
            """
            SELECT sender, count(*) AS messages, min(due_at) AS due_since
            FROM dispatch_ledger WHERE state = 'waiting' GROUP BY sender
            """
        )
    )
    return {row.sender: Waiting(row.messages, row.due_since) for row in rows}


def counts(connection: sa.Connection, now: datetime) -> dict[tuple[str, str], int]:
    """Return how many messages wait for each sender, by whether they are `due` or are so `later`.

    Reads every waiting entry of the index.
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT sender, CASE WHEN due_at <= :now THEN 'due' ELSE 'later' END AS state,
                   count(*) AS messages
            FROM dispatch_ledger WHERE state = 'waiting' GROUP BY 1, 2
            """
        ),
        {"now": now},
    )
    return {(row.sender, row.state): row.messages for row in rows}


_HEADS = """
    FROM senders s
    CROSS JOIN generate_series(0, 2) AS p(priority)
    CROSS JOIN LATERAL (
        SELECT n.due_at FROM (
            SELECT due_at, conversation, position FROM dispatch_ledger
            WHERE sender = s.sender AND priority = p.priority AND state = 'waiting'
              AND due_at <= :before
            ORDER BY due_at LIMIT 1000
        ) AS n
        WHERE NOT EXISTS (
            SELECT FROM dispatch_ledger earlier
            WHERE earlier.conversation = n.conversation AND earlier.state IN ('waiting', 'claimed')
              AND earlier.position < n.position)
        LIMIT :most
    ) AS w
"""
"""Waiting messages that nothing of their conversation is before: who is behind another waits for
that one, however long its night is. Of no sender more than 1,000 of a priority are looked at."""


def due_since(connection: sa.Connection, now: datetime) -> dict[str, datetime]:
    """Return when the oldest due message of each sender was due."""
    query = f"SELECT s.sender, min(w.due_at) AS due_since {_HEADS} GROUP BY s.sender"
    rows = connection.execute(sa.text(query), {"before": now, "most": 1})
    return {row.sender: row.due_since for row in rows}


def count_due(
    connection: sa.Connection, names: Collection[str], *, before: datetime
) -> dict[str, int]:
    """Return how many messages of these senders have been due since before then, up to 3,000."""
    query = f"SELECT s.sender, count(*) AS messages {_HEADS} WHERE s.sender = ANY(:senders)"
    rows = connection.execute(
        sa.text(query + " GROUP BY s.sender"),
        {"before": before, "most": None, "senders": sorted(names)},
    )
    return {row.sender: row.messages for row in rows}


def at_their_rates(connection: sa.Connection, names: Collection[str], now: datetime) -> set[str]:
    """Return which of these senders send as fast as they may at this moment."""
    rows = connection.execute(
        sa.text("SELECT scope FROM send_arrivals WHERE scope = ANY(:scopes) AND next_at > :now"),
        {"scopes": [f"sender:{name}" for name in sorted(names)], "now": now},
    )
    return {row.scope.removeprefix("sender:") for row in rows}


def in_doubt(connection: sa.Connection) -> dict[str, int]:
    """Return how many messages of each sender may have been sent; reads those entries alone."""
    rows = connection.execute(
        sa.text(
            """
            SELECT sender, count(*) AS messages FROM dispatch_ledger
            WHERE state = 'in_doubt' GROUP BY sender
            """
        )
    )
    return {row.sender: row.messages for row in rows}
