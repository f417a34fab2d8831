# ruff: noqa: S608 - statements are joined from our own words only
"""Counters of a rebuild: counted again where they differ, and where the rows under them change.

They are functions of the live rows, those that are older than the topics among them, so they are
not compared with the shadow's but with a count, as `sendtrail check` does.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from services.status_projector.periods import day_of, start_of
from services.status_projector.store import counting, tallies
from services.status_projector.store.rebuilding.models import (
    DIFFERENT,
    MISSING,
    SHOWN,
    Example,
    Line,
)
from services.status_projector.store.rebuilding.people import CONCERNED
from services.status_projector.store.rebuilding.shadow import SHADOW, look_at


def _of_messages(column: str) -> str:
    """Return the query for what the suspects say, and what they are to say."""
    return " UNION ".join(
        f"SELECT {column} FROM {schema}.messages m JOIN {CONCERNED} USING (message_id)"
        for schema in ("public", "rebuild")
    )


_MOVED: Final[Mapping[str, str]] = {
    counting.JOBS.table: f"SELECT job_id FROM ({_of_messages('job_id')}) jobs"
    " WHERE job_id IS NOT NULL",
    counting.GROUP_SENDS.table: """
        SELECT r.task_id FROM rebuild.t_group_send_result r
        JOIN rebuild.group_send_members m ON m.result_id = r.id
        JOIN rebuild.suspects_t_group_send_result USING (message_id, person)
        UNION SELECT r.task_id FROM public.t_group_send_result r
        JOIN public.group_send_members m ON m.result_id = r.id
        JOIN rebuild.suspects_t_group_send_result USING (message_id, person)
        """,
    counting.SENDS.table: _of_messages("channel || ':' || sender_id"),
}
"""The keys of counters whose rows may change; before any does."""
_MOVED_DAYS: Final = _of_messages("date_trunc('day', sent_at, :zone)")
_TALLIES: Final = "message_tallies"


@dataclass(slots=True)
class Suspects:
    """Which counters are counted again while nobody applies."""

    keys: dict[str, set[Any]] = field(default_factory=dict[str, set[Any]])
    """By table, the first columns of their keys."""
    days: set[date] = field(default_factory=set[date])
    """Of the tallies."""
    compared: dict[str, int] = field(default_factory=dict[str, int])

    def __bool__(self) -> bool:
        return bool(self.days or any(self.keys.values()))


def suspect(connection: sa.Connection, zone: ZoneInfo) -> Suspects:
    """Compare all counters with counting the rows; return those that differ."""
    look_at(connection, "public")
    scope, found = counting.scope_of(connection, zone), Suspects()
    for counters in counting.ALL:
        differing = counters.differing(connection, scope)
        found.keys[counters.table] = {row[counters.key[0]] for row in differing}
    differences = tallies.differences(connection, scope.since, counting.ALL_TIME, zone)
    found.days = {day_of(one.group.slot, zone) for one in differences}
    for table in (*found.keys, _TALLIES):
        count = sa.text(f"SELECT count(*) FROM {table}")
        found.compared[table] = connection.execute(count).scalar_one()
    look_at(connection, SHADOW, "public")
    return found


def add_moved(connection: sa.Connection, suspects: Suspects, zone: ZoneInfo) -> None:
    """Add those whose rows are suspects."""
    for table, statement in _MOVED.items():
        suspects.keys[table] |= set(connection.execute(sa.text(statement)).scalars())
    moments = connection.execute(sa.text(_MOVED_DAYS), {"zone": zone.key}).scalars()
    suspects.days |= {day_of(moment, zone) for moment in moments}


def settle(
    connection: sa.Connection, suspects: Suspects, zone: ZoneInfo, now: datetime
) -> list[Line]:
    """Let the suspects say what counting the rows gives; return what differed."""
    look_at(connection, "public")
    scope = counting.scope_of(connection, zone)
    lines: list[Line] = []
    for counters in counting.ALL:
        examples = _count_again(connection, counters, scope, suspects.keys[counters.table], now)
        lines.append(_line(counters.table, suspects.compared[counters.table], examples))
    differing = [
        one
        for day in sorted(suspects.days)
        for one in tallies.differences(connection, *_bounds(day, scope, zone), zone)
    ]
    if differing:
        tallies.put_right(connection, differing)
    examples = [_example(one.group, one.kept) for one in differing]
    lines.append(_line(_TALLIES, suspects.compared[_TALLIES], examples))
    look_at(connection, SHADOW, "public")
    return lines


def _count_again(
    connection: sa.Connection,
    counters: counting.Counters,
    scope: counting.Scope,
    among: Collection[Any],
    now: datetime,
) -> list[Example]:
    differing = counters.differing(connection, scope, among) if among else ()
    if differing:
        counters.put_right(connection, scope, among, now)
    return [
        _example(
            [row[name] for name in counters.key],
            {name: row[f"kept_{name}"] for name in counters.columns},
        )
        for row in differing
    ]


def _bounds(day: date, scope: counting.Scope, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return (
        max(start_of(day, zone), scope.since),
        start_of(day + timedelta(days=1), zone),
    )


def _example(key: Iterable[Any], kept: Mapping[str, int]) -> Example:
    is_missing = not any(kept.values())
    name = " ".join(str(part) for part in key)
    return Example(name, MISSING if is_missing else DIFFERENT, () if is_missing else list(kept))


def _line(table: str, compared: int, examples: Sequence[Example]) -> Line:
    missing = sum(one.what == MISSING for one in examples)
    return Line(
        name=table,
        compared=compared,
        missing=missing,
        different=len(examples) - missing,
        examples=examples[:SHOWN],
    )
