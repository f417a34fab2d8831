"""The ledger's statements about messages that nobody can read any more."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

_UNREADABLE = sa.text(
    """
    SELECT message_id, attempt FROM dispatch_ledger
    WHERE state = 'waiting' AND request IS NULL LIMIT :limit
    """
)


def unreadable(connection: sa.Connection, *, limit: int) -> Mapping[str, int]:
    """Return waiting messages without a request, with the attempts they have had."""
    rows = connection.execute(_UNREADABLE, {"limit": limit})
    return {row.message_id: row.attempt for row in rows}


_REJECT = sa.text(
    """
    UPDATE dispatch_ledger
    SET state = 'rejected', due_at = NULL, error_code = :code, updated_at = :now
    WHERE state = 'waiting' AND request IS NULL AND message_id = ANY(:message_ids)
    """
)


def reject(
    connection: sa.Connection, message_ids: Sequence[str], *, code: str, now: datetime
) -> None:
    """Enter that they will not be sent."""
    connection.execute(_REJECT, {"message_ids": list(message_ids), "code": code, "now": now})
