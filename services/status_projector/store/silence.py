"""Sends that nobody has called back about: asked for, counted, and at last forgotten (IM-54)."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import sqlalchemy as sa

from domain.staleness import Silence


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them."""

    before: datetime
    sender: str | None
    tenant_id: str | None


@dataclass(frozen=True, slots=True)
class After:
    """Where a page ended."""

    accepted_at: datetime
    message_id: str

    @property
    def text(self) -> str:
        """What a caller gives back for the next page."""
        said = f"{self.accepted_at.isoformat()} {self.message_id}"
        return base64.urlsafe_b64encode(said.encode()).decode()

    @classmethod
    def of(cls, text: str) -> Self:
        """Return what a caller gave back. Raises ValueError."""
        moment, _, message_id = base64.urlsafe_b64decode(text.encode()).decode().partition(" ")
        accepted_at = datetime.fromisoformat(moment)
        if accepted_at.tzinfo is None or not message_id or "\x00" in message_id:
            raise ValueError("not a cursor")
        return cls(accepted_at, message_id)


_WHICH = """
    accepted_at < :before AND (CAST(:sender AS text) IS NULL OR sender = :sender)
    AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
"""
_SENDERS = sa.text(
    f"""
    SELECT sender, count(*) AS count, min(accepted_at) AS oldest_at FROM unheard_sends
    WHERE {_WHICH} GROUP BY sender ORDER BY count DESC, sender LIMIT 1000
    """  # noqa: S608 - our own words only
)
_PAGE = sa.text(
    f"""
    SELECT message_id, sender, accepted_at FROM unheard_sends
    WHERE {_WHICH} AND (CAST(:at AS timestamptz) IS NULL OR (accepted_at, message_id) > (:at, :id))
    ORDER BY accepted_at, message_id LIMIT :limit
    """  # noqa: S608 - our own words only
)


def senders(connection: sa.Connection, wanted: Wanted) -> list[sa.RowMapping]:
    """Return the senders with stale messages, those with most of them first."""
    return list(connection.execute(_SENDERS, _values(wanted)).mappings())


def page(
    connection: sa.Connection, wanted: Wanted, after: After | None, limit: int
) -> list[sa.RowMapping]:
    """Return stale messages, the oldest first."""
    place = (
        {"at": None, "id": ""}
        if after is None
        else {
            "at": after.accepted_at,
            "id": after.message_id,
        }
    )
    values = {**_values(wanted), **place, "limit": limit}
    return list(connection.execute(_PAGE, values).mappings())


def _values(wanted: Wanted) -> dict[str, datetime | str | None]:
    sender = None if wanted.sender is None else wanted.sender.replace("\x00", "")
    return {"before": wanted.before, "sender": sender, "tenant_id": wanted.tenant_id}


_SILENCE = sa.text(
    """
    SELECT s.sender, sum(s.accepted) AS sent, (
        SELECT count(*) FROM unheard_sends u
        WHERE u.sender = s.sender AND u.accepted_at >= :start AND u.accepted_at < :stop) AS unheard
    FROM sends_by_time s WHERE s.began_at >= :start AND s.began_at < :stop GROUP BY s.sender
    """
)


def by_sender(connection: sa.Connection, start: datetime, stop: datetime) -> dict[str, Silence]:
    """Return what each sender has sent between two beginnings of steps."""
    rows = connection.execute(_SILENCE, {"start": start, "stop": stop})
    return {row.sender: Silence(row.sent, row.unheard) for row in rows}
