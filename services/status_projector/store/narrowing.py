"""In which quarters of an hour the messages lie that are looked for: the tallies know.

However rare they are, the days without any are passed over, and of the others the quarters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from runtime.vault import Person
from services.status_projector.cursors import Cursor
from services.status_projector.tallies import SLOT, slot_of

TALLIED: Final = frozenset(
    {"tenant_id", "channel", "sender_id", "message_direction", "message_type"}
)
"""The columns of messages that tallies have, too."""

_STATUSES: Final = ("pending", "sending", "sent", "delivered", "read", "failed")
_LONGEST_DAY: Final = timedelta(hours=25)
"""Where a clock is put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which messages; what is None does not matter."""

    people: Sequence[Person] | None = None
    """One of these: who it is on each channel that is asked for."""
    statuses: Sequence[str] | None = None
    since: datetime | None = None
    before: datetime | None = None
    equal: Mapping[str, str] = field(default_factory=dict[str, str])
    """By column."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of them, in which order."""

    limit: int
    newest_first: bool
    behind: Cursor[int] | None = None
    """Only what follows this row in the order."""


def slots(connection: sa.Connection, wanted: Wanted, page: Page) -> list[datetime]:
    """Return the quarters, in the page's order, that together fill it."""
    since, before = _bounds(wanted, page)
    # Of the quarters at the edges perhaps no message belongs to the page.
    open_ends = {slot_of(moment) for moment in (since, before) if moment is not None}
    if page.behind is not None:
        open_ends.add(slot_of(page.behind.at))
    days = _days(connection, wanted, page, since, before)
    taken: dict[datetime, None] = {}
    room, at, at_once = page.limit, 0, 1
    while room > 0 and at < len(days):
        # More and more at once: one of the newest is enough for what is common, and what is rare
        # is not asked for day by day.
        part = days[at : at + at_once]
        for slot, count in _quarters(connection, wanted, page, part, since, before):
            if room > 0 and slot not in taken:
                taken[slot] = None
                room -= 0 if slot in open_ends else count
        at, at_once = at + at_once, 2 * at_once
    return list(taken)


def _bounds(wanted: Wanted, page: Page) -> tuple[datetime | None, datetime | None]:
    since, before = wanted.since, wanted.before
    if page.behind is not None and page.newest_first:
        after = slot_of(page.behind.at) + SLOT
        before = after if before is None else min(before, after)
    elif page.behind is not None:
        since = page.behind.at if since is None else max(since, page.behind.at)
    return since, before


def _days(
    connection: sa.Connection,
    wanted: Wanted,
    page: Page,
    since: datetime | None,
    before: datetime | None,
) -> list[datetime]:
    """Return when the days begin that have such messages, in the page's order."""
    conditions, values = _conditions(
        wanted, None if since is None else since - _LONGEST_DAY, before
    )
    statement = f"""
        SELECT slot FROM message_tallies WHERE span = 'day' {conditions}
        GROUP BY slot HAVING sum({_counted(wanted)}) > 0 ORDER BY slot {_order(page)}
    """  # noqa: S608 - our own words only
    return list(connection.execute(sa.text(statement), values).scalars())


def _quarters(
    connection: sa.Connection,
    wanted: Wanted,
    page: Page,
    days: Sequence[datetime],
    since: datetime | None,
    before: datetime | None,
) -> list[tuple[datetime, int]]:
    """Return these days' quarters that have such messages, and how many, in the page's order.

    All days are taken for the longest, so that a quarter may come with the day before its own.
    """
    conditions, values = _conditions(wanted, None if since is None else slot_of(since), before)
    statement = f"""
        SELECT q.slot, q.found FROM unnest(CAST(:days AS timestamptz[])) AS d(day)
        CROSS JOIN LATERAL (
            SELECT slot, CAST(sum({_counted(wanted)}) AS bigint) AS found FROM message_tallies
            WHERE span = 'quarter' AND slot >= d.day AND slot < d.day + INTERVAL '25 hours'
                {conditions}
            GROUP BY slot HAVING sum({_counted(wanted)}) > 0
        ) AS q ORDER BY q.slot {_order(page)}
    """  # noqa: S608 - the same
    rows = connection.execute(sa.text(statement), {**values, "days": list(days)})
    return [(slot, found) for slot, found in rows]


def _conditions(
    wanted: Wanted, since: datetime | None, before: datetime | None
) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {k: v for k, v in wanted.equal.items() if k in TALLIED}
    conditions = [f"{column} = :{column}" for column in values]
    for name, sign, moment in (("since", ">=", since), ("before", "<", before)):
        if moment is not None:
            conditions.append(f"slot {sign} :{name}")
            values[name] = moment
    return "".join(f" AND {condition}" for condition in conditions), values


def _counted(wanted: Wanted) -> str:
    return " + ".join(wanted.statuses or _STATUSES)


def _order(page: Page) -> str:
    return "DESC" if page.newest_first else "ASC"
