"""Which pushes under way make no progress, or have nothing left to make (IM-60)."""

from datetime import datetime

import sqlalchemy as sa


def stalled(connection: sa.Connection, *, before: datetime, limit: int) -> list[str]:
    """Return pushes under way of which nothing was heard since then (IM-60)."""
    query = """
        SELECT push_id FROM t_pushes
        WHERE status = 'running' AND started_at < :before AND moved_at < :before
        ORDER BY started_at LIMIT :limit
    """
    rows = connection.execute(sa.text(query), {"before": before, "limit": limit})
    return list(rows.scalars())


def unheard_of(connection: sa.Connection, *, before: datetime, limit: int) -> list[str]:
    """Return pushes whose requests the broker has since then, and of which nothing was heard."""
    query = """
        SELECT push_id FROM t_pushes
        WHERE status = 'running' AND started_at < :before AND moved_at < :before
            AND published_at < :before
        ORDER BY started_at LIMIT :limit
    """
    rows = connection.execute(sa.text(query), {"before": before, "limit": limit})
    return list(rows.scalars())


def over(connection: sa.Connection, *, limit: int) -> list[str]:
    """Return pushes under way that were handed over and of which no group is pending."""
    query = """
        SELECT push_id FROM t_pushes AS push
        WHERE status = 'running' AND published_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM t_push_results AS result
            WHERE result.push_id = push.push_id AND result.status = 'pending'
        )
        ORDER BY started_at LIMIT :limit
    """
    return list(connection.execute(sa.text(query), {"limit": limit}).scalars())
