"""Messages that were accepted and not projected yet: timed ones, and those of this moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa

from runtime.vault import Vault
from schemas.sealed import ACCEPTED_SENDS
from schemas.topics.send_requests import SendRequested

_NUL: Final = "\x00"
"""PostgreSQL keeps it in no text and refuses to look for it."""
_DECODER: Final = msgspec.json.Decoder(SendRequested)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One of them."""

    message_id: str
    sent_at: datetime
    due_at: datetime | None
    """When it is to be published; None: at once."""
    tenant_id: str | None
    request: SendRequested | None
    """None once it is published, and of somebody who was erased."""


_FIND = sa.text(
    """
    SELECT message_id, sent_at, due_at, request, tenant_id FROM accepted_sends
    WHERE message_id = :message_id
        AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    """
)


def accepted(
    connection: sa.Connection, vault: Vault, message_id: str, tenant_id: str | None
) -> Accepted | None:
    """Return it; None where this tenant has no such one."""
    if _NUL in message_id:
        return None
    row = connection.execute(_FIND, {"message_id": message_id, "tenant_id": tenant_id}).first()
    if row is None:
        return None
    sealed = None if row.request is None else bytes(row.request)
    (plain,) = vault.disclose(connection, [sealed], place=ACCEPTED_SENDS)
    return Accepted(
        message_id=row.message_id,
        sent_at=row.sent_at,
        due_at=row.due_at,
        tenant_id=row.tenant_id,
        request=None if plain is None else _DECODER.decode(plain),
    )
