"""What is known to be too many is not counted for each page."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
import sqlalchemy as sa

from domain.tasks import TaskStatus
from services.scheduler.store import task_lists
from services.scheduler.store.task_lists import CROWDED, CROWDS, Crowds, Wanted
from tests.given import NOON
from tests.sealed import VAULT
from tests.services.scheduler.tasks import a_task, enter

SCHEDULED: Final = Wanted(tenant_id="acme", status=TaskStatus.SCHEDULED)


def test_a_crowd_is_one_in_any_order_for_a_while() -> None:
    seconds = [0.0]
    crowds = Crowds(lambda: seconds[0])
    assert not crowds.has(SCHEDULED)

    crowds.note(SCHEDULED)

    assert crowds.has(replace(SCHEDULED, sort="priority", descending=False))
    assert not crowds.has(replace(SCHEDULED, tenant_id="other"))
    assert not crowds.has(replace(SCHEDULED, status=None))
    seconds[0] = CROWDED.total_seconds()
    assert not crowds.has(SCHEDULED)


def test_so_many_are_remembered() -> None:
    crowds = Crowds()
    for number in range(CROWDS + 1):
        crowds.note(replace(SCHEDULED, until=NOON + timedelta(seconds=number)))

    assert not crowds.has(replace(SCHEDULED, until=NOON))
    assert crowds.has(replace(SCHEDULED, until=NOON + timedelta(seconds=CROWDS)))


@pytest.mark.stack
def test_a_crowd_is_shown_without_being_counted(database: sa.Engine) -> None:
    mine = [replace(a_task(at=NOON), tenant_id="crowd") for _ in range(3)]
    enter(database, *mine)
    wanted = Wanted(tenant_id="crowd", sort="time", descending=False)
    with database.connect() as connection:
        counted, found = task_lists.counted_page(
            connection, VAULT, wanted, skip=1, limit=5, most=10, is_crowd=True
        )

    assert counted == 11
    assert [each.task_id for each in found] == sorted(each.task_id for each in mine)[1:]
