"""Single sends: accepted, perhaps waiting for their time, published (IM-02, CF-23, CF-42)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.identity import MessageId
from runtime.vault import Person, Vault
from schemas.sealed import ACCEPTED_SENDS


@dataclass(frozen=True, slots=True)
class AcceptedSend:
    """One row."""

    message_id: MessageId
    sent_at: datetime
    """When it was accepted."""
    due_at: datetime | None
    """When to publish it; None: at once."""
    request: bytes | None
    """The record for `send-requests`; None once it is published, or its recipient erased."""
    tenant_id: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A timed send whose time has come."""

    message_id: MessageId
    due_at: datetime
    request: bytes | None
    """None: its recipient was erased."""


@dataclass(frozen=True, slots=True)
class NewSend:
    """A send to be stored."""

    message_id: MessageId
    sent_at: datetime
    due_at: datetime | None
    person: Person
    """To whom it goes."""
    request: bytes
    tenant_id: str | None


def insert(connection: sa.Connection, vault: Vault, sends: Sequence[NewSend]) -> None:
    """Store the sends whose message id is new."""
    ordered = sorted(sends, key=lambda send: send.message_id)  # no deadlock
    letters = [(send.person, send.request) for send in ordered]
    connection.execute(
        sa.text(
            """
            INSERT INTO accepted_sends (message_id, sent_at, due_at, request, tenant_id)
            SELECT * FROM unnest(
                CAST(:ids AS text[]), CAST(:sent AS timestamptz[]),
                CAST(:due AS timestamptz[]), CAST(:requests AS bytea[]),
                CAST(:tenants AS text[])
            )
            ON CONFLICT DO NOTHING
            """
        ),
        {
            "ids": [send.message_id for send in ordered],
            "sent": [send.sent_at for send in ordered],
            "due": [send.due_at for send in ordered],
            "requests": vault.enclose(connection, letters, place=ACCEPTED_SENDS),
            "tenants": [send.tenant_id for send in ordered],
        },
    )


def enter_published(
    connection: sa.Connection, message_id: MessageId, *, tenant_id: str | None, now: datetime
) -> bool:
    """Note a send whose record is published before the commit; False: there is one already.

    Waits for whoever is just entering the same.
    """
    entered = connection.execute(
        sa.text(
            """
            INSERT INTO accepted_sends (message_id, sent_at, published_at, tenant_id)
            VALUES (:message_id, :now, :now, :tenant_id)
            ON CONFLICT DO NOTHING
            """
        ),
        {"message_id": message_id, "now": now, "tenant_id": tenant_id},
    )
    return entered.rowcount > 0


def load(
    connection: sa.Connection, vault: Vault, message_ids: Collection[MessageId]
) -> dict[MessageId, AcceptedSend]:
    """Return what is stored under the message ids."""
    rows = connection.execute(
        sa.text(
            """
            SELECT message_id, sent_at, due_at, request, tenant_id FROM accepted_sends
            WHERE message_id = ANY(:ids)
            """
        ),
        {"ids": list(message_ids)},
    ).all()
    requests = vault.disclose(connection, map(_envelope, rows), place=ACCEPTED_SENDS)
    return {
        row.message_id: AcceptedSend(
            row.message_id, row.sent_at, row.due_at, request, row.tenant_id
        )
        for row, request in zip(rows, requests, strict=True)
    }


def mark_published(
    connection: sa.Connection, message_ids: Collection[MessageId], *, now: datetime
) -> None:
    """Note that the broker has the records, and drop our copies of the content."""
    connection.execute(
        sa.text(
            """
            UPDATE accepted_sends SET published_at = :now, request = NULL
            WHERE message_id = ANY(:ids)
            """
        ),
        {"ids": sorted(message_ids), "now": now},
    )


def claim_due(connection: sa.Connection, vault: Vault, *, now: datetime, limit: int) -> list[Due]:
    """Return unpublished sends whose time has come, earliest first, locked.

    SKIP LOCKED: each goes to one scheduler (IM-17).
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT message_id, due_at, request FROM accepted_sends
            WHERE published_at IS NULL AND due_at IS NOT NULL AND due_at <= :now
            ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
            """
        ),
        {"now": now, "limit": limit},
    ).all()
    requests = vault.disclose(connection, map(_envelope, rows), place=ACCEPTED_SENDS)
    return [
        Due(row.message_id, row.due_at, request)
        for row, request in zip(rows, requests, strict=True)
    ]


def drop(connection: sa.Connection, message_ids: Collection[MessageId]) -> None:
    """Delete sends whose recipients were erased: nobody can read what was to be sent."""
    connection.execute(
        sa.text("DELETE FROM accepted_sends WHERE message_id = ANY(:ids)"),
        {"ids": list(message_ids)},
    )


def forget(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Delete sends published before then, and those nobody was told of; returns how many."""
    deleted = connection.execute(
        sa.text(
            """
            DELETE FROM accepted_sends WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM accepted_sends
                WHERE sent_at < :before
                    AND (published_at < :before OR (published_at IS NULL AND due_at IS NULL))
                ORDER BY sent_at LIMIT :limit
            ))
            """
        ),
        {"before": before, "limit": limit},
    )
    return deleted.rowcount


def _envelope(row: sa.Row[tuple[object, ...]]) -> bytes | None:
    return None if row.request is None else bytes(row.request)
