"""Messages that somebody wants to be sent again, as the projector has them (RT-05)."""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from domain.identity import JobId, MessageId
from runtime.vault import Vault
from schemas.sealed import Personal, place_of_message


@dataclass(frozen=True, slots=True)
class Original:
    """One message."""

    is_failed: bool
    """Ours, and failed."""
    is_retried: bool
    context: dict[str, Any]
    """The fields of its request that are not personal, by their names there."""
    personal: Personal | None
    """None: its recipient was erased."""


_LOAD = sa.text(
    """
    SELECT message_direction = 'outbound' AND delivery_status = 'failed' AS is_failed, retried,
           person, sealed, channel, sender_id, tenant_id, contact_id, order_id, case_id, queue_id,
           wa_account_type, wa_account_id
    FROM messages
    WHERE message_id = :message_id
        AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    """
)
_IS_ACCEPTED = sa.text(
    """
    SELECT EXISTS (
        SELECT 1 FROM accepted_sends
        WHERE message_id = :message_id
            AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    )
    """
)


def load(
    connection: sa.Connection, vault: Vault, message_id: MessageId, tenant_id: str | None
) -> Original | None:
    """Return the message; with a tenant, the others' messages do not exist."""
    asked = {"message_id": message_id, "tenant_id": tenant_id}
    row = connection.execute(_LOAD, asked).mappings().one_or_none()
    if row is None:
        return None
    context = dict(row)
    is_failed, is_retried = context.pop("is_failed"), context.pop("retried")
    person, sealed = bytes(context.pop("person")), context.pop("sealed")
    plain = None
    if sealed is not None:
        keyring = vault.keyring(connection, [person])
        plain = keyring.open(person, bytes(sealed), place=place_of_message(message_id))
    personal = None if plain is None else Personal.unpacked(plain)
    return Original(is_failed, is_retried, context, personal)


@dataclass(frozen=True, slots=True)
class Failed:
    """A message of a job that failed."""

    row: int
    message_id: str
    priority: Literal["high", "medium", "low"]
    when_limited: Literal["fail", "wait"]


_FAILED = sa.text(
    """
    SELECT i.row, i.message_id, j.priority, j.when_limited
    FROM job_items i JOIN jobs j USING (job_id) JOIN messages m USING (message_id)
    WHERE i.job_id = :job_id AND i.state = 'failed' AND i.row > :after
        AND m.delivery_status = 'failed' AND NOT m.retried
    ORDER BY i.row LIMIT :limit
    """
)
"""Not those that were refused because the job was cancelled: their rows say so."""


def failed_of_job(
    connection: sa.Connection, job_id: JobId, *, after: int, limit: int
) -> list[Failed]:
    """Return what failed of a job behind a row, and was not sent again."""
    values = {"job_id": job_id, "after": after, "limit": limit}
    return [Failed(*row) for row in connection.execute(_FAILED, values)]


def is_accepted(connection: sa.Connection, message_id: MessageId, tenant_id: str | None) -> bool:
    """Return whether we accepted such a message, whatever the projector knows of it."""
    asked = {"message_id": message_id, "tenant_id": tenant_id}
    return connection.execute(_IS_ACCEPTED, asked).scalar_one()
