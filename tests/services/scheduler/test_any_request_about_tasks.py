"""Whatever is asked of the scheduler, the answer is one that the document describes."""

import asyncio

import pytest

from tests.callers import signed_in
from tests.fuzz.api import Chance, fuzz_tagged
from tests.services.scheduler.schedulers import RunningScheduler

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def test_no_request_that_can_be_conceived_breaks_the_api_of_tasks(
    scheduler: RunningScheduler,
) -> None:
    chance = Chance(seed=1, examples=6)

    sent = await asyncio.to_thread(fuzz_tagged, scheduler.url, signed_in(), "tasks", chance=chance)

    assert sent > 0


async def test_nor_the_others(scheduler: RunningScheduler) -> None:
    tags = ("previews", "notifications", "feedback", "pushes", "jobs")
    chance = Chance(seed=1, examples=2)

    sent = await asyncio.to_thread(fuzz_tagged, scheduler.url, signed_in(), *tags, chance=chance)

    assert sent > 0
