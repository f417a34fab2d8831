"""Which tasks there are: a page of them, how many, all of them (TP-06, TP-13, IM-44)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from domain.pacing import PRIORITIES
from domain.tasks import TaskStatus
from runtime.vault import Vault
from services.scheduler.store.task_rows import WITH_CONTENT, Task, tasks_of

SORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("schedule_time", "task_id"),
    "status": ("status", "schedule_time", "task_id"),
    "priority": ("urgency", "schedule_time", "task_id"),
    "createdAt": ("created_at", "task_id"),
}
"""By name: the columns, of which each has an index in this order."""

CROWDED: Final = timedelta(seconds=30)
"""How long it is remembered that there were more than are counted."""
CROWDS: Final = 1_000
"""So many are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tasks, in which order; what is None does not matter."""

    tenant_id: str | None
    status: TaskStatus | None = None
    since: datetime | None = None
    """Of the schedule's time; included, as `until`."""
    until: datetime | None = None
    group_id: str | None = None
    creator_id: str | None = None
    recipient_id: str | None = None
    sort: str = "createdAt"
    descending: bool = True


class Crowds:
    """What more tasks were found for than are counted: for a while that is not counted again.

    To count 10,000 takes ten times as long as to show twenty of them, and a crowd does not
    dissolve in a moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[Wanted, float] = {}

    def note(self, wanted: Wanted) -> None:
        """There are more."""
        if len(self._until) >= CROWDS:
            self._until.clear()
        self._until[_unsorted(wanted)] = self._clock() + CROWDED.total_seconds()

    def has(self, wanted: Wanted) -> bool:
        """Return whether there were more a while ago."""
        return self._clock() < self._until.get(_unsorted(wanted), 0)


def _unsorted(wanted: Wanted) -> Wanted:
    return replace(wanted, sort="", descending=False)


_CONDITIONS: Final[Mapping[str, tuple[str, str]]] = {
    "tenant_id": ("tenant_id", "="),
    "status": ("status", "="),
    "since": ("schedule_time", ">="),
    "until": ("schedule_time", "<="),
    "creator_id": ("creator_id", "="),
}
_KINDS: Final[Mapping[str, str]] = {"group_id": "group", "recipient_id": "recipient"}
"""Of whom a task names; more than one may be asked for."""
_OF_AUDIENCE: Final = frozenset({"task_id", "tenant_id", "schedule_time", "created_at", "urgency"})
"""What `t_task_audience` knows of a task: as long as nothing else is asked for, its index does."""
_WALKED: Final[Mapping[str, tuple[str, list[Any]]]] = {
    "status": ("text[]", sorted(TaskStatus)),
    "priority": ("smallint[]", list(range(1, 1 + len(PRIORITIES)))),
}
"""By sort: all values of its first column. Named, they let an index that begins with that column
be entered at each of them: a range of times is found in order, without the rows outside of it."""


@dataclass(frozen=True, slots=True)
class _Query:
    """From where, and which."""

    tables: str
    conditions: str
    values: Mapping[str, Any]
    sorted_by: str
    """The table whose columns it is sorted by."""
    kept: str
    """Whether all are found before they are sorted, however many they are."""
    is_joined: bool
    """Whether tasks are looked up for the names in them."""

    def named(self, columns: tuple[str, ...]) -> str:
        """Return the columns, each with its table."""
        return ", ".join(f"{self.sorted_by}.{column}" for column in columns)


def counted_page(  # noqa: PLR0913 - what was asked for is all of these
    connection: sa.Connection,
    vault: Vault,
    wanted: Wanted,
    *,
    skip: int,
    limit: int,
    most: int,
    is_crowd: bool = False,
) -> tuple[int, list[Task]]:
    """Return how many are wanted, ``most`` + 1 where there are more, and a part of them.

    ``is_crowd``: there are more.

    Few are all found first and then sorted: the planner would go through an index in order until it
    has enough, which are all rows where hardly one is wanted. Of many, an index in order soon has
    enough.
    """
    if is_crowd:
        return most + 1, _walked(connection, vault, wanted, skip=skip, limit=limit)
    if _query(wanted, is_sorted=False).is_joined:
        # To find them takes longer than all else: they are found once.
        counted, found = _found(connection, vault, wanted, skip=skip, limit=limit, most=most)
    else:
        counted, found = _count(connection, wanted, most=most), None
        if skip < counted <= most:
            _, found = _found(connection, vault, wanted, skip=skip, limit=limit, most=most)
    if counted > most:
        found = _walked(connection, vault, wanted, skip=skip, limit=limit)
    return counted, found or []


def _found(
    connection: sa.Connection, vault: Vault, wanted: Wanted, *, skip: int, limit: int, most: int
) -> tuple[int, list[Task]]:
    """Return how many there are, ``most`` + 1 at most, and a part where they are not more."""
    query = _query(wanted)
    columns, order = SORTS[wanted.sort], _order(wanted)
    rows = connection.execute(
        sa.text(
            f"""
            WITH found AS MATERIALIZED (
                SELECT {query.named(columns)} FROM {query.tables}
                WHERE {query.conditions} LIMIT :most + 1
            ), counted AS (
                SELECT count(*) AS counted FROM found
            ), part AS (
                SELECT task_id FROM found ORDER BY {order} OFFSET :skip
                LIMIT (SELECT CASE WHEN counted > :most THEN 0 ELSE :limit END FROM counted)
            )
            SELECT counted, {WITH_CONTENT}
            FROM counted LEFT JOIN part ON true LEFT JOIN t_tasks USING (task_id) ORDER BY {order}
            """  # noqa: S608 - our own words only
        ),
        {**query.values, "skip": skip, "limit": limit, "most": most},
    )
    found = [dict(row) for row in rows.mappings()]
    # Without a task there is one row, of the count alone.
    listed = (row for row in found if row["task_id"] is not None)
    return found[0]["counted"], tasks_of(connection, vault, listed)


def _walked(
    connection: sa.Connection, vault: Vault, wanted: Wanted, *, skip: int, limit: int
) -> list[Task]:
    query = _query(wanted, walks=True)
    columns, order = SORTS[wanted.sort], _order(wanted)
    rows = connection.execute(
        sa.text(
            f"""
            WITH found AS {query.kept} (
                SELECT {query.named(columns)} FROM {query.tables} WHERE {query.conditions}
            ), part AS (
                SELECT task_id FROM found ORDER BY {order} OFFSET :skip LIMIT :limit
            )
            SELECT {WITH_CONTENT} FROM part JOIN t_tasks USING (task_id) ORDER BY {order}
            """  # noqa: S608 - the same
        ),
        {**query.values, "skip": skip, "limit": limit},
    )
    return tasks_of(connection, vault, map(dict, rows.mappings()))


def after(
    connection: sa.Connection, vault: Vault, wanted: Wanted, last: Task | None, *, limit: int
) -> list[Task]:
    """Return what follows the last one, whatever was added or taken away meanwhile."""
    query = _query(wanted, walks=True)
    columns, order = SORTS[wanted.sort], _order(wanted)
    conditions, values = query.conditions, {**query.values, "limit": limit}
    if last is not None:
        sign = "<" if wanted.descending else ">"
        places = ", ".join(f":last_{column}" for column in columns)
        conditions += f" AND ({query.named(columns)}) {sign} ({places})"
        values |= {f"last_{column}": _value(last, column) for column in columns}
    rows = connection.execute(
        sa.text(
            f"""
            WITH found AS {query.kept} (
                SELECT {query.named(columns)} FROM {query.tables} WHERE {conditions}
            ), part AS (
                SELECT task_id FROM found ORDER BY {order} LIMIT :limit
            )
            SELECT {WITH_CONTENT} FROM part JOIN t_tasks USING (task_id) ORDER BY {order}
            """  # noqa: S608 - the same
        ),
        values,
    )
    return tasks_of(connection, vault, map(dict, rows.mappings()))


def _count(connection: sa.Connection, wanted: Wanted, *, most: int) -> int:
    query = _query(wanted, is_sorted=False)
    statement = f"""
        SELECT count(*) FROM (
            SELECT 1 FROM {query.tables} WHERE {query.conditions} LIMIT :most
        ) AS found
    """  # noqa: S608 - the same
    counted = connection.execute(sa.text(statement), {**query.values, "most": most + 1})
    return counted.scalar_one()


def _query(wanted: Wanted, *, is_sorted: bool = True, walks: bool = False) -> _Query:
    """Return how the tasks are found.

    ``is_sorted``: they are not only counted; ``walks``: in order, as far as it takes.
    """
    kinds = [name for name in _KINDS if getattr(wanted, name) is not None]
    asked = [name for name in _CONDITIONS if getattr(wanted, name) is not None]
    columns = {_CONDITIONS[name][0] for name in asked}
    if is_sorted:
        columns |= set(SORTS[wanted.sort])
    tables = [f"t_task_audience AS {name}" for name in kinds]
    conditions = [f"{name}.kind = '{_KINDS[name]}' AND {name}.name = :{name}" for name in kinds]
    is_joined = not (kinds and columns <= _OF_AUDIENCE)
    if is_joined:
        tables.append("t_tasks")
        conditions.append("t_tasks.deleted_at IS NULL")
    # In the order of whose index has all that is asked for.
    sorted_by = "t_tasks" if is_joined else kinds[0]
    for name in asked:
        column, sign = _CONDITIONS[name]
        known = {sorted_by, *(kinds if column in _OF_AUDIENCE else ())}
        conditions += [f"{table}.{column} {sign} :{name}" for table in sorted(known)]
    values = {name: getattr(wanted, name) for name in (*kinds, *asked)}
    if walks and wanted.sort in _WALKED and wanted.sort not in asked:
        type_, all_of_them = _WALKED[wanted.sort]
        first = SORTS[wanted.sort][0]
        conditions.append(f"{sorted_by}.{first} = ANY(CAST(:walked AS {type_}))")
        values["walked"] = all_of_them
    joined = " JOIN ".join([tables[0], *(f"{table} USING (task_id)" for table in tables[1:])])
    # No index has a state's tasks by urgency; with a name as well it would be walked for too long.
    is_all_found = bool(kinds) and wanted.status is not None and wanted.sort == "priority"
    kept = "MATERIALIZED" if is_all_found else "NOT MATERIALIZED"
    looks_up = is_joined and bool(kinds)
    return _Query(joined, " AND ".join(conditions), values, sorted_by, kept, looks_up)


def _order(wanted: Wanted) -> str:
    direction = "DESC" if wanted.descending else "ASC"
    return ", ".join(f"{column} {direction}" for column in SORTS[wanted.sort])


def _value(task: Task, column: str) -> Any:  # noqa: ANN401 - as the column has it
    match column:
        case "schedule_time":
            return task.plan.timing.time
        case "urgency":
            return 1 + PRIORITIES.index(task.plan.priority)
        case _:
            return getattr(task, column)
