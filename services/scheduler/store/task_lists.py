"""Which tasks there are: a page of them, how many, all of them (TP-06, TP-13, IM-44)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from domain.pacing import PRIORITIES
from domain.tasks import TaskStatus
from services.scheduler.store.task_rows import COLUMNS, Task, task_of

SORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("schedule_time", "task_id"),
    "status": ("status", "created_at", "task_id"),
    "priority": ("urgency", "created_at", "task_id"),
    "createdAt": ("created_at", "task_id"),
}
"""By name: the columns, of which each has an index in this order."""


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


_CONDITIONS: Final[Mapping[str, str]] = {
    "tenant_id": "tenant_id = :tenant_id",
    "status": "status = :status",
    "since": "schedule_time >= :since",
    "until": "schedule_time <= :until",
    "group_id": "groups ? :group_id",
    "creator_id": "creator_id = :creator_id",
    "recipient_id": "preview_recipients ? :recipient_id",
}


def page(
    connection: sa.Connection, wanted: Wanted, *, skip: int, limit: int, most: int | None
) -> list[Task]:
    """Return a part of what is wanted.

    ``most``: there are no more than so many; they are all found first and then sorted. The planner
    would go through an index in order until it has found enough, which are all rows where hardly
    one is wanted. None: they are many, and an index in order soon has enough.
    """
    conditions, values = _narrowed(wanted)
    order = _order(wanted)
    # The limit has them found as they were counted: the planner expects more than there are.
    kept, at_most = (
        ("NOT MATERIALIZED", "") if most is None else ("MATERIALIZED", "LIMIT :most + 1")
    )
    rows = connection.execute(
        sa.text(
            f"""
            WITH found AS {kept} (
                SELECT {", ".join(SORTS[wanted.sort])} FROM t_tasks WHERE {conditions} {at_most}
            ), part AS (
                SELECT task_id FROM found ORDER BY {order} OFFSET :skip LIMIT :limit
            )
            SELECT {COLUMNS} FROM part JOIN t_tasks USING (task_id) ORDER BY {order}
            """  # noqa: S608 - our own words only
        ),
        values | {"skip": skip, "limit": limit} | ({} if most is None else {"most": most}),
    )
    return [task_of(dict(row)) for row in rows.mappings()]


def after(
    connection: sa.Connection, wanted: Wanted, last: Task | None, *, limit: int
) -> list[Task]:
    """Return what follows the last one, whatever was added or taken away meanwhile."""
    conditions, values = _narrowed(wanted)
    if last is not None:
        columns = SORTS[wanted.sort]
        sign = "<" if wanted.descending else ">"
        places = ", ".join(f":last_{column}" for column in columns)
        conditions += f" AND ({', '.join(columns)}) {sign} ({places})"
        values |= {f"last_{column}": _value(last, column) for column in columns}
    rows = connection.execute(
        sa.text(
            f"""
            SELECT {COLUMNS} FROM t_tasks WHERE {conditions} ORDER BY {_order(wanted)} LIMIT :limit
            """  # noqa: S608 - the same
        ),
        {**values, "limit": limit},
    )
    return [task_of(dict(row)) for row in rows.mappings()]


def count(connection: sa.Connection, wanted: Wanted, *, most: int) -> int:
    """Return how many there are; ``most`` + 1 where there are more than that."""
    conditions, values = _narrowed(wanted)
    statement = f"""
        SELECT count(*) FROM (SELECT 1 FROM t_tasks WHERE {conditions} LIMIT :most) AS found
    """  # noqa: S608 - the same
    counted = connection.execute(sa.text(statement), {**values, "most": most + 1})
    return counted.scalar_one()


def _narrowed(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    values = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    conditions = ["deleted_at IS NULL", *(_CONDITIONS[name] for name in values)]
    return " AND ".join(conditions), values


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
