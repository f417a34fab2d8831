"""Sessions and API keys: what people and machines show to be let in (AU-02)."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Session:
    """From signing in to signing out, or to its end."""

    reference: str
    user_id: int
    version: int
    """The user's when the password was looked at."""
    began_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, without what opens."""

    key_id: int
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def begin(connection: sa.Connection, session: Session) -> bool:
    """Store the session; return False where the user is another than the one looked at."""
    stored = connection.execute(
        sa.text(
            """
            INSERT INTO credentials (
                reference, user_id, is_api_key, version, created_at, expires_at
            )
            SELECT :reference, user_id, false, version, :began_at, :expires_at FROM users
            WHERE user_id = :user_id AND version = :version AND disabled_at IS NULL
            FOR SHARE
            """
        ),
        {
            "reference": session.reference,
            "user_id": session.user_id,
            "version": session.version,
            "began_at": session.began_at,
            "expires_at": session.expires_at,
        },
    )
    return stored.rowcount > 0


def end(connection: sa.Connection, reference: str, *, now: datetime) -> None:
    """Void a session."""
    connection.execute(
        sa.text(
            """
            UPDATE credentials SET revoked_at = :now
            WHERE reference = :reference AND NOT is_api_key AND revoked_at IS NULL
            """
        ),
        {"reference": reference, "now": now},
    )


def keys_of(connection: sa.Connection, user_id: int) -> list[Key]:
    """Return a user's API keys, the newest first."""
    rows = connection.execute(
        sa.text(
            """
            SELECT credential_id, name, created_at, expires_at, revoked_at FROM credentials
            WHERE user_id = :user_id AND is_api_key ORDER BY credential_id DESC
            """
        ),
        {"user_id": user_id},
    )
    return [
        Key(row.credential_id, row.name, row.created_at, row.expires_at, row.revoked_at)
        for row in rows
    ]


def add_key(connection: sa.Connection, user_id: int, reference: str, key: Key) -> int:
    """Store an API key under its hash; return its id."""
    return connection.execute(
        sa.text(
            """
            INSERT INTO credentials (reference, user_id, is_api_key, name, created_at, expires_at)
            VALUES (:reference, :user_id, true, :name, :created_at, :expires_at)
            RETURNING credential_id
            """
        ),
        {
            "reference": reference,
            "user_id": user_id,
            "name": key.name,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
        },
    ).scalar_one()


def revoke_key(connection: sa.Connection, user_id: int, key_id: int, *, now: datetime) -> bool:
    """Void an API key; return False where there is none, or it was void before."""
    revoked = connection.execute(
        sa.text(
            """
            UPDATE credentials SET revoked_at = :now
            WHERE credential_id = :key_id AND user_id = :user_id AND is_api_key
                AND revoked_at IS NULL
            """
        ),
        {"key_id": key_id, "user_id": user_id, "now": now},
    )
    return revoked.rowcount > 0


def forget(connection: sa.Connection, *, before: datetime) -> None:
    """Delete sessions that ended before then; keys stay, for those who ask what there was."""
    connection.execute(
        sa.text("DELETE FROM credentials WHERE NOT is_api_key AND expires_at < :before"),
        {"before": before},
    )
