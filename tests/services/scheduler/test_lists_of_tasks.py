"""Lists of tasks: found in order as well as all at once, and by whom they name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

import pytest
import sqlalchemy as sa

from domain.tasks import TaskStatus
from services.scheduler.store import task_lists, tasks
from services.scheduler.store.task_lists import SORTS, Wanted
from services.scheduler.store.task_rows import Task
from tests.given import NOON
from tests.sealed import VAULT
from tests.services.scheduler.tasks import a_task, enter

pytestmark = pytest.mark.stack

DAY: Final = timedelta(days=1)
MANY: Final = 10_000
FILTERS: Final[Sequence[dict[str, Any]]] = (
    {},
    {"status": TaskStatus.PAUSED},
    {"until": NOON + 10 * DAY},
    {"since": NOON + 5 * DAY, "until": NOON + 20 * DAY},
    {"creator_id": "1", "status": TaskStatus.SCHEDULED},
    {"group_id": "all"},
    {"group_id": "all", "status": TaskStatus.SCHEDULED},
    {"group_id": "all", "since": NOON + 4 * DAY},
    {"group_id": "all", "creator_id": "1"},
    {"recipient_id": "ada"},
    {"group_id": "g-1", "recipient_id": "ada"},
    {"group_id": "nobody"},
)


@pytest.fixture(scope="module")
def entered(database: sa.Engine) -> list[Task]:
    """Enter tasks that have nothing to do with each other in what is filtered and sorted by."""
    new = [_task(number) for number in range(36)]
    enter(database, *new)
    return new


def _task(number: int) -> Task:
    task = a_task(
        at=NOON + (number * 7 % 29) * DAY,
        status=list(TaskStatus)[number * 5 % len(TaskStatus)],
        groups=["all", f"g-{number % 3}"],
        priority=("high", "medium", "low")[number * 11 % 3],
    )
    people = ("ada", "bo") if number % 2 else ()
    return replace(
        task,
        plan=replace(task.plan, preview_recipients=people),
        tenant_id=("acme", "other")[number // 2 % 2],
        created_at=NOON - (number * 13 % 31) * DAY,
    )


@pytest.mark.parametrize("tenant", [None, "acme"])
@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_a_walk_in_order_finds_what_a_look_at_all_finds(
    entered: list[Task], database: sa.Engine, filters: dict[str, Any], tenant: str | None
) -> None:
    for sort, descending in product(SORTS, (True, False)):
        wanted = Wanted(tenant_id=tenant, sort=sort, descending=descending, **filters)
        with database.connect() as connection:
            _, walked = task_lists.counted_page(connection, VAULT, wanted, skip=3, limit=7, most=0)
            counted, looked_at = task_lists.counted_page(
                connection, VAULT, wanted, skip=3, limit=7, most=MANY
            )
        expected = [each.task_id for each in _expected(entered, wanted)]

        assert [each.task_id for each in walked] == expected[3:10], (sort, descending)
        assert [each.task_id for each in looked_at] == expected[3:10], (sort, descending)
        assert counted == len(expected), (sort, descending)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_a_file_has_each_once_in_order(
    entered: list[Task], database: sa.Engine, filters: dict[str, Any]
) -> None:
    for sort, descending in product(SORTS, (True, False)):
        wanted = Wanted(tenant_id=None, sort=sort, descending=descending, **filters)
        written: list[Task] = []
        with database.connect() as connection:
            while part := task_lists.after(
                connection, VAULT, wanted, written[-1] if written else None, limit=5
            ):
                written += part

        assert [each.task_id for each in written] == [
            each.task_id for each in _expected(entered, wanted)
        ]


def test_whom_a_task_names_follows_each_change(database: sa.Engine) -> None:
    task = a_task(at=NOON, groups=["moved-1", "moved-2"], status=TaskStatus.DRAFT)
    timing = replace(task.plan.timing, time=NOON + DAY)
    groups = ("moved-2", "moved-3")
    plan = replace(task.plan, groups=groups, preview_recipients=("moved",), timing=timing)
    # Nothing is committed: the other tests' lists have their own tasks alone.
    with database.connect() as connection:
        tasks.insert(connection, VAULT, task, {}, by="1")
        edited = tasks.change(connection, VAULT, task, replace(task, plan=plan), by="1", now=NOON)

        found = [_names(connection, group_id=f"moved-{n}") for n in (1, 2, 3)]
        assert found == [[], [task.task_id], [task.task_id]]
        assert _names(connection, recipient_id="moved") == [task.task_id]
        assert _names(connection, group_id="moved-2", until=NOON) == []

        tasks.delete(connection, edited, by="1", now=NOON)
        assert _names(connection, group_id="moved-2") == []
        assert _kept(connection, task) == []


def test_a_row_that_is_deleted_names_nobody(database: sa.Engine) -> None:
    task = a_task(at=NOON, groups=["thrown"])
    with database.connect() as connection:
        tasks.insert(connection, VAULT, task, {}, by="1")
        assert _kept(connection, task) == ["thrown"]

        for table in ("t_task_logs", "t_tasks"):
            query = sa.text(f"DELETE FROM {table} WHERE task_id = :id")  # noqa: S608 - our words
            connection.execute(query, {"id": task.task_id})

        assert _kept(connection, task) == []


def _names(connection: sa.Connection, **filters: Any) -> list[str]:  # noqa: ANN401 - any filter
    """Return the ids of the tasks that are found."""
    wanted = Wanted(tenant_id=None, **filters)
    _, found = task_lists.counted_page(connection, VAULT, wanted, skip=0, limit=10, most=MANY)
    return [each.task_id for each in found]


def _kept(connection: sa.Connection, task: Task) -> list[str]:
    query = sa.text("SELECT name FROM t_task_audience WHERE task_id = :id")
    return list(connection.execute(query, {"id": task.task_id}).scalars())


def _expected(entered: Sequence[Task], wanted: Wanted) -> list[Task]:
    """Return what is wanted, found in Python."""
    kept = [each for each in entered if _is_wanted(each, wanted)]
    return sorted(kept, key=lambda each: _place(each, wanted.sort), reverse=wanted.descending)


def _place(task: Task, sort: str) -> tuple[Any, ...]:
    urgency = ("high", "medium", "low").index(task.plan.priority)
    places: dict[str, tuple[Any, ...]] = {
        "time": (_at(task),),
        "status": (task.status, _at(task)),
        "priority": (urgency, _at(task)),
        "createdAt": (task.created_at,),
    }
    return (*places[sort], task.task_id)


def _is_wanted(task: Task, wanted: Wanted) -> bool:
    plan = task.plan
    return (
        wanted.tenant_id in (None, task.tenant_id)
        and wanted.status in (None, task.status)
        and (wanted.since is None or _at(task) >= wanted.since)
        and (wanted.until is None or _at(task) <= wanted.until)
        and (wanted.group_id is None or wanted.group_id in plan.groups)
        and (wanted.recipient_id is None or wanted.recipient_id in plan.preview_recipients)
        and wanted.creator_id in (None, task.creator_id)
    )


def _at(task: Task) -> datetime:
    return task.plan.timing.time
