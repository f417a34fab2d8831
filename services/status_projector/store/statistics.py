"""Sums of the tallies, and what a sender has used of its day; nothing here reads messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from services.status_projector.tallies import MEASURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which messages are summed; what is None does not matter."""

    since: datetime
    """The first quarter that counts."""
    before: datetime
    """The first that does not count any more."""
    tenant_id: str | None = None
    channel: str | None = None
    sender_id: str | None = None
    message_direction: str | None = None


Grouping = Literal["day", "tenant_id", "channel", "sender_id", "message_type"]

_SUMS: Final = ", ".join(f"CAST(sum({name}) AS bigint) AS {name}" for name in MEASURES)
_GROUP: Final[Mapping[str, str]] = {"day": "CAST(slot AT TIME ZONE :zone AS date)"}
_TIMES: Final = frozenset({"since", "before"})


def sums(
    connection: sa.Connection, which: Which, by: Sequence[str], zone: str = "UTC"
) -> list[Mapping[str, Any]]:
    """Return the sums of all measures for each group, in the groups' order.

    ``by`` are columns of the tallies, or ``day``: the one that is in the zone.
    """
    groups = [f"{_GROUP.get(name, name)} AS {name}" for name in by]
    values = {f.name: getattr(which, f.name) for f in fields(which)}
    given = [name for name, value in values.items() if name not in _TIMES and value is not None]
    places = ", ".join(str(place) for place in range(1, len(by) + 1))
    statement = (
        f"SELECT {', '.join([*groups, _SUMS])} FROM message_tallies"  # noqa: S608 - our own words only
        " WHERE slot >= :since AND slot < :before"
        + "".join(f" AND {name} = :{name}" for name in given)
        + (f" GROUP BY {places} ORDER BY {places}" if by else "")
    )
    rows = connection.execute(sa.text(statement), values | {"zone": zone}).mappings()
    return [dict(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a sender's day looks like to the dispatcher."""

    counted: int | None
    """Messages counted against its limit; None where none was."""
    own_limit: int | None
    is_limited: bool


_USAGE: Final = sa.text(
    """
    SELECT (SELECT used FROM send_counts WHERE scope = 'sender:' || s.sender AND day = :day)
               AS counted,
           s.daily_limit, s.is_limited
    FROM senders s WHERE s.sender = :sender
    """
)


def usage(connection: sa.Connection, channel: str, sender_id: str, day: date) -> Usage | None:
    """Return a sender's usage; None for one that no dispatcher has heard of (LM-02)."""
    values = {"sender": f"{channel}:{sender_id}", "day": day}
    row = connection.execute(_USAGE, values).one_or_none()
    return None if row is None else Usage(row.counted, row.daily_limit, row.is_limited)
