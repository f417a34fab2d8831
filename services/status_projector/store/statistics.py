"""Sums of the tallies, and what a sender has used of its day; nothing here reads messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from services.status_projector.periods import whole_days
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


_STATUSES: Final = MEASURES[:6]
_GROUP: Final[Mapping[str, str]] = {"day": "CAST(slot AT TIME ZONE :zone AS date)"}
_TIMES: Final = frozenset({"since", "before"})


def sums(
    connection: sa.Connection,
    which: Which,
    by: Sequence[str],
    zone: ZoneInfo,
    measures: Sequence[str] = _STATUSES,
) -> list[Mapping[str, Any]]:
    """Return the sums of these measures for each group, in the groups' order.

    ``by`` are columns of the tallies, or ``day``: the one that is in the zone. Whole days are
    read as days, what is left at both ends as quarters.
    """
    groups = [f"{_GROUP.get(name, name)} AS {name}" for name in by]
    values = {f.name: getattr(which, f.name) for f in fields(which)}
    given = [name for name, value in values.items() if name not in _TIMES and value is not None]
    conditions = "".join(f" AND {name} = :{name}" for name in given)
    needed = ", ".join(dict.fromkeys(("slot", *(n for n in by if n not in _GROUP), *measures)))
    parts = [
        f"SELECT {needed} FROM message_tallies WHERE span = '{span}'"  # noqa: S608 - our own words only
        f" AND slot >= :{begin} AND slot < :{end}{conditions}"
        for span, begin, end in (
            ("quarter", "since", "first_day"),
            ("day", "first_day", "last_day"),
            ("quarter", "last_day", "before"),
        )
    ]
    summed = [f"CAST(sum({name}) AS bigint) AS {name}" for name in measures]
    places = ", ".join(str(place) for place in range(1, len(by) + 1))
    statement = (
        f"SELECT {', '.join([*groups, *summed])} FROM ({' UNION ALL '.join(parts)}) AS t"  # noqa: S608 - the same
        + (f" GROUP BY {places} ORDER BY {places}" if by else "")
    )
    first_day, last_day = whole_days(which.since, which.before, zone)
    values |= {"zone": zone.key, "first_day": first_day, "last_day": last_day}
    return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]


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
