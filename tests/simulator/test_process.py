"""The simulator as its own process, on the loop it really runs on."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from tests.simulator.product import APP_SECRET, NUMBER, READER, TOKEN, VERIFY_TOKEN
from tests.simulators import start_simulator

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "SIM_PORT": "0",
    "SIM_PROFILE": "perfect",
    "SIM_APP_SECRET": APP_SECRET,
    "SIM_VERIFY_TOKEN": VERIFY_TOKEN,
    "SIM_ACCESS_TOKEN": TOKEN,
    "SIM_PHONE_NUMBER_IDS": f"{NUMBER}, 106540352242999",
}


class Process:
    """A running simulator."""

    def __init__(self, process: asyncio.subprocess.Process, base_url: str) -> None:
        self._process = process
        self.base_url = base_url

    async def stop(self) -> int:
        """Ask it to end; return its exit code."""
        if self._process.returncode is None:
            self._process.terminate()
        return await self._process.wait()


async def started(**settings: str) -> asyncio.subprocess.Process:
    known = {name: value for name, value in os.environ.items() if not name.startswith("SIM_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator"),
        cwd=ROOT,
        env={**known, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
async def process() -> AsyncGenerator[Process]:
    """Return a simulator that said that it is ready."""
    run = await started(**SETTINGS)
    assert run.stdout is not None
    line = (await run.stdout.readline()).decode()
    made = Process(run, line.removeprefix("simulator listening on ").strip())
    yield made
    await made.stop()


async def test_it_serves_cuts_connections_and_ends_when_asked(process: Process) -> None:
    send = {"messaging_product": "whatsapp", "to": READER, "text": {"body": "hi"}}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{process.base_url}/v24.0/106540352242999/messages"

    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=send, headers=headers) as answer:
            assert answer.status == 200
        knobs = f"{process.base_url}/_sim/worlds/default/knobs"
        async with session.patch(knobs, json={"net.reset_after": 1}) as changed:
            assert changed.status == 200
        with pytest.raises(aiohttp.ClientOSError):
            await session.post(url, json=send, headers=headers)

    assert await process.stop() == 0


async def test_missing_secrets_are_named_one_line_each() -> None:
    run = await started(SIM_VERIFY_TOKEN="v")

    _, complaint = await run.communicate()

    assert run.returncode == 2
    assert complaint.decode().splitlines() == [
        "SIM_APP_SECRET: Field required",
        "SIM_ACCESS_TOKEN: Field required",
    ]


def test_a_started_simulator_calls_the_channels_of_an_ingester_back(tmp_path: Path) -> None:
    simulator = start_simulator({"SIM_PROFILE": "perfect"}, tmp_path, "http://127.0.0.1:9")
    try:
        simulator.provider.order("/wecom/events", {"event": "low_active"})
        simulator.provider.order("/wechat/inbound", {"from": "openid", "text": "确认"})
        simulator.provider.order("/inbound", {"from": READER, "text": "hello"})
        simulator.provider.order("/flush", {})

        urls = {kept["url"].partition("?")[0] for kept in simulator.provider.callbacks()}
        [wecom] = simulator.provider.callbacks(provider="wecom")
    finally:
        simulator.process.terminate()

    assert urls == {
        "http://127.0.0.1:9/api/v1/webhooks/wecom",
        "http://127.0.0.1:9/api/v1/webhooks/wechat",
        "http://127.0.0.1:9/api/whatsapp/webhook",
    }
    assert wecom["attempts"][0]["status"] == 0
