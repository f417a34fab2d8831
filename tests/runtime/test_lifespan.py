"""Work that is interrupted is begun again, and ends when it is asked to."""

import asyncio

import pytest

from runtime.errors import BrokerAway
from runtime.lifespan import running
from tests.eventually import eventually, seconds


@pytest.mark.parametrize(
    "error", [BrokerAway("away"), RuntimeError("not foreseen"), asyncio.CancelledError()]
)
async def test_work_goes_on_whatever_interrupts_it(error: BaseException) -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise error
        await asyncio.Event().wait()

    async with running(work=work):
        await eventually(lambda: len(begun) == 2, within=seconds(20))

    assert len(begun) == 2
