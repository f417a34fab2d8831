"""Files in the media store: which are whose, those our people brought and those people sent us."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that one of our people brought."""

    key: str
    mime_type: str
    size: int
    tenant_id: str | None
    uploaded_by: str
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store, as far as its reader has to know it."""

    mime_type: str
    tenant_id: str | None
    is_upload: bool
    """Or somebody sent it to us."""


def insert(connection: sa.Connection, upload: Upload) -> None:
    """Enter a file that is in the store."""
    connection.execute(
        sa.text(
            """
            INSERT INTO media_uploads
                (key, mime_type, size, tenant_id, uploaded_by, uploaded_at)
            VALUES (:key, :mime_type, :size, :tenant_id, :uploaded_by, :uploaded_at)
            """
        ),
        {
            "key": upload.key,
            "mime_type": upload.mime_type,
            "size": upload.size,
            "tenant_id": upload.tenant_id,
            "uploaded_by": upload.uploaded_by,
            "uploaded_at": upload.uploaded_at,
        },
    )


def find(connection: sa.Connection, key: str) -> Stored | None:
    """Return what is known of a file. One that came with a message belongs to its tenant."""
    row = connection.execute(
        sa.text(
            """
            SELECT mime_type, tenant_id, true AS is_upload FROM media_uploads WHERE key = :key
            UNION ALL
            SELECT i.mime_type, m.tenant_id, false FROM inbound_media i
            JOIN messages m
                ON m.whatsapp_message_id = i.provider_message_id AND m.channel = i.channel
            WHERE i.key = :key AND i.state = 'stored'
            LIMIT 1
            """
        ),
        {"key": key},
    ).first()
    return None if row is None else Stored(row.mime_type, row.tenant_id, row.is_upload)


def type_of(connection: sa.Connection, key: str, tenant_id: str | None) -> str | None:
    """Return the type of a file that this tenant's people brought; None: there is none.

    ``tenant_id`` None: of anybody's.
    """
    return connection.execute(
        sa.text(
            """
            SELECT mime_type FROM media_uploads WHERE key = :key
                AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
            """
        ),
        {"key": key, "tenant_id": tenant_id},
    ).scalar()
