"""What the query API reads; nothing here locks or writes."""

from typing import Any

import sqlalchemy as sa

_NUL = "\x00"
"""PostgreSQL keeps it in no text and refuses to look for it."""

_STATUS = sa.text(
    """
    SELECT message_id, delivery_status AS status, sent_at, delivered_at, read_at, failed_at,
           error_code, error_message, updated_at
    FROM messages
    WHERE message_id = :message_id
        AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    """
)
_ACCEPTED = sa.text(
    """
    SELECT message_id, 'pending' AS status, sent_at, NULL AS delivered_at, NULL AS read_at,
           NULL AS failed_at, NULL AS error_code, NULL AS error_message,
           sent_at AS updated_at
    FROM accepted_sends
    WHERE message_id = :message_id
        AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    """
)


def status_of(
    connection: sa.Connection, message_id: str, tenant_id: str | None
) -> dict[str, Any] | None:
    """Return a message's row; what was accepted and not projected yet is pending.

    With a tenant, the others' messages do not exist.
    """
    if _NUL in message_id:
        return None
    for statement in (_STATUS, _ACCEPTED):
        row = (
            connection.execute(statement, {"message_id": message_id, "tenant_id": tenant_id})
            .mappings()
            .first()
        )
        if row is not None:
            return dict(row)
    return None
