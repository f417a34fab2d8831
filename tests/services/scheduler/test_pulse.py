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
from tests.sealed import VAULT
from tests.services.scheduler.tasks import a_task, enter

pytestmark = pytest.mark.stack

A_MOMENT = timedelta(microseconds=1)
EARLY = NOON - timedelta(days=1_000)
OF_TASKS = {Waiting.TASKS, Waiting.TASK_CHANGES}


def test_a_task_waits_from_its_time_on_and_its_steps_until_they_are_told(
    database: sa.Engine,
) -> None:
    # Nothing is committed: other tests, whose tasks are due later, do not see it.
    with database.connect() as connection:
        connection.execute(sa.text("DELETE FROM task_changes_to_tell"))
        assert not look(connection, sends_now=EARLY, now=EARLY) & OF_TASKS

        tasks.insert(connection, VAULT, a_task(at=EARLY, status=TaskStatus.SCHEDULED), {}, by="1")

        before = look(connection, sends_now=EARLY, now=EARLY - A_MOMENT)
        assert before & OF_TASKS == {Waiting.TASK_CHANGES}
        assert look(connection, sends_now=EARLY, now=EARLY) & OF_TASKS == OF_TASKS


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
