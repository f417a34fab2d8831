"""One look says what waits, and wakes whose work it is."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from domain.tasks import TaskStatus
from services.scheduler.pulse import Pulse
from services.scheduler.store import tasks
from services.scheduler.store.waiting import Waiting, look
from tests.eventually import eventually, seconds
from tests.given import NOON
from tests.services.scheduler.tasks import a_task, enter

pytestmark = pytest.mark.stack

A_MOMENT = timedelta(microseconds=1)


def test_a_task_waits_from_its_time_on_and_its_steps_until_they_are_told(
    database: sa.Engine,
) -> None:
    # Nothing is committed: other tests' tasks are not to be seen by it, nor it by them.
    with database.connect() as connection:
        for table in ("t_tasks", "t_pushes", "task_changes_to_tell", "accepted_sends", "jobs"):
            connection.execute(sa.text(f"DELETE FROM {table} WHERE true"))  # noqa: S608 - as above
        assert look(connection, sends_now=NOON, now=NOON) == set()

        tasks.insert(connection, a_task(at=NOON, status=TaskStatus.SCHEDULED), {}, by="1")

        assert look(connection, sends_now=NOON, now=NOON - A_MOMENT) == {Waiting.TASK_CHANGES}
        assert look(connection, sends_now=NOON, now=NOON) == {Waiting.TASK_CHANGES, Waiting.TASKS}


async def test_a_work_is_called_until_it_finds_no_more_and_another_is_not(
    database: sa.Engine,
) -> None:
    enter(database, a_task(at=NOON))
    pulse = Pulse(database, lambda: NOON, lambda _: NOON)
    found = [True, True, False]
    called: list[Waiting] = []

    async def tick(what: Waiting) -> bool:
        called.append(what)
        return found.pop(0) if found else False

    async with asyncio.TaskGroup() as works:
        running = [
            works.create_task(pulse.each(what, lambda what=what: tick(what)))
            for what in (Waiting.TASKS, Waiting.PUSHES)
        ]
        looking = works.create_task(pulse.run())
        await eventually(lambda: len(called) > len("TTF"), within=seconds(5))
        for each in (*running, looking):
            each.cancel()

    assert set(called) == {Waiting.TASKS}
