"""Due messages that wait behind others of their conversations, where they are many."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

LOOK: Final = 1_000
"""Due messages of one sender and priority that are looked at together."""
AGAIN: Final = timedelta(seconds=1)
"""When those behind others are looked at again, at the earliest."""
EACH: Final = timedelta(milliseconds=50)
"""No message of a conversation takes less, from its claim to the next one's."""

_PASS_OVER = sa.text(
    """
    WITH near AS (
        SELECT n.* FROM unnest(CAST(:senders AS text[])) AS s(sender)
        CROSS JOIN generate_series(0, 2) AS p(priority)
        CROSS JOIN LATERAL (
            SELECT message_id, conversation, position, count(*) OVER () AS looked_at
            FROM (
                SELECT message_id, conversation, position FROM dispatch_ledger
                WHERE sender = s.sender AND priority = p.priority AND state = 'waiting'
                  AND due_at <= :now
                ORDER BY due_at
                LIMIT :look
            ) AS front
        ) AS n
        WHERE n.looked_at = :look
    ), behind AS (
        SELECT n.message_id, head.due_at,
               row_number() OVER (PARTITION BY n.conversation ORDER BY n.position) AS place
        FROM near n
        CROSS JOIN LATERAL (
            SELECT message_id, due_at FROM dispatch_ledger f
            WHERE f.conversation = n.conversation AND f.state IN ('waiting', 'claimed')
            ORDER BY f.position LIMIT 1
        ) AS head
        WHERE head.message_id <> n.message_id
    ), locked AS (
        SELECT l.message_id FROM dispatch_ledger l JOIN behind USING (message_id)
        WHERE l.state = 'waiting' FOR UPDATE OF l SKIP LOCKED
    )
    UPDATE dispatch_ledger l
    SET due_at = greatest(b.due_at, CAST(:now AS timestamptz) + CAST(:pause AS interval)
                          + b.place * CAST(:each AS interval)),
        updated_at = :now
    FROM behind b JOIN locked USING (message_id)
    WHERE l.message_id = b.message_id
    """
)


def pass_over(connection: sa.Connection, senders: Collection[str], *, now: datetime) -> int:
    """Let those wait longer that fill what `lock_due` looks at and are behind another.

    Until the first of their conversation is due, and no sooner than they could go: without that,
    a conversation that is long, or whose first waits for the morning, would be looked through
    again and again, and what is due behind it would never be seen. Returns how many they are.
    """
    values = {"senders": list(senders), "look": LOOK, "now": now, "pause": AGAIN, "each": EACH}
    return connection.execute(_PASS_OVER, values).rowcount
