"""The statements on how far each customer-service account has been read (WX 10)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from services.fetcher.store.files import Claim

_NOTE = sa.text(
    """
    INSERT INTO customer_service_walks AS w
        (corp_id, open_kfid, token, token_at, due_at, updated_at)
    VALUES (:corp_id, :open_kfid, :token, :token_at, :now, :now)
    ON CONFLICT (corp_id, open_kfid) DO UPDATE SET
        token = CASE WHEN w.token_at > EXCLUDED.token_at THEN w.token ELSE EXCLUDED.token END,
        token_at = GREATEST(w.token_at, EXCLUDED.token_at),
        notices = w.notices + 1,
        due_at = COALESCE(w.due_at, EXCLUDED.due_at),
        updated_at = EXCLUDED.updated_at
    """
)


@dataclass(frozen=True, slots=True)
class Noted:
    """A notice that somebody wrote."""

    corp_id: str
    open_kfid: str
    token: str | None = field(repr=False)
    token_at: datetime


def note(connection: sa.Connection, notices: Sequence[Noted], *, now: datetime) -> None:
    """Enter that there is something to read; a walk that is on its way is followed by another."""
    # In one order, so that two fetchers never wait for each other's rows.
    for noted in sorted(notices, key=lambda n: (n.corp_id, n.open_kfid, n.token_at)):
        values = {
            "corp_id": noted.corp_id,
            "open_kfid": noted.open_kfid,
            "token": noted.token,
            "token_at": noted.token_at,
        }
        connection.execute(_NOTE, {**values, "now": now})


@dataclass(frozen=True, slots=True)
class Walk:
    """An account that this process has claimed."""

    corp_id: str
    open_kfid: str
    cursor: str
    token: str | None = field(repr=False)
    token_at: datetime | None
    notices: int
    attempt: int
    """This one; the first is 1."""


_CLAIM = sa.text(
    """
    WITH due AS (
        SELECT corp_id, open_kfid FROM customer_service_walks
        WHERE due_at <= :now AND corp_id = ANY(:corps)
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE customer_service_walks w
    SET claimed_by = :owner, due_at = :until, attempts = w.attempts + 1, updated_at = :now
    FROM due WHERE w.corp_id = due.corp_id AND w.open_kfid = due.open_kfid
    RETURNING w.corp_id, w.open_kfid, w.cursor, w.token, w.token_at, w.notices, w.attempts
    """
)


def claim_walk(connection: sa.Connection, corps: Sequence[str], claim: Claim) -> Walk | None:
    """Claim an account that is due, or one whose claim nobody renewed."""
    values = {"owner": claim.owner, "until": claim.until, "now": claim.now}
    row = connection.execute(_CLAIM, {**values, "corps": list(corps)}).first()
    return None if row is None else Walk(*row)


_OURS = "corp_id = :corp_id AND open_kfid = :open_kfid AND claimed_by = :owner"
"""Whoever has lost the claim meanwhile changes nothing."""

_ADVANCE = sa.text(
    f"""
    UPDATE customer_service_walks SET cursor = :cursor, due_at = :until, updated_at = :now
    WHERE {_OURS}
    """  # noqa: S608 - a constant of ours
)


def advance(connection: sa.Connection, walk: Walk, claim: Claim, cursor: str) -> bool:
    """Enter how far it is on Kafka, and keep the claim; False where it is another's now."""
    values = {"cursor": cursor, "until": claim.until, "now": claim.now}
    return connection.execute(_ADVANCE, values | _claim_of(walk, claim)).rowcount == 1


_END = sa.text(
    f"""
    UPDATE customer_service_walks
    SET claimed_by = NULL, attempts = 0, error = NULL, updated_at = :now,
        due_at = CASE WHEN notices > :notices THEN CAST(:now AS timestamptz) END
    WHERE {_OURS}
    """  # noqa: S608 - a constant of ours
)


def end(connection: sa.Connection, walk: Walk, claim: Claim) -> None:
    """Enter that all was read, up to the notices that the walk began with."""
    values = {"notices": walk.notices, "now": claim.now}
    connection.execute(_END, values | _claim_of(walk, claim))


_PUT_OFF = sa.text(
    f"""
    UPDATE customer_service_walks
    SET claimed_by = NULL, error = :why, due_at = :due_at, updated_at = :now
    WHERE {_OURS}
    """  # noqa: S608 - a constant of ours
)


def put_off(
    connection: sa.Connection, walk: Walk, claim: Claim, *, due_at: datetime, why: str | None
) -> None:
    """Put the account down until its next attempt."""
    values = {"due_at": due_at, "why": why, "now": claim.now}
    connection.execute(_PUT_OFF, values | _claim_of(walk, claim))


_WAITING = sa.text("SELECT count(*) FROM customer_service_walks WHERE due_at IS NOT NULL")


def waiting(connection: sa.Connection) -> int:
    """Return how many accounts have something to read."""
    return connection.execute(_WAITING).scalar_one()


def _claim_of(walk: Walk, claim: Claim) -> dict[str, object]:
    return {"corp_id": walk.corp_id, "open_kfid": walk.open_kfid, "owner": claim.owner}
