"""How soon a preview is called for that somebody has asked for (PV-01, PV-14)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import uvloop

from bench.arena import Arena
from bench.measurement import BenchError, Measurement, percentile
from bench.readers import reader, value_of
from bench.urgency import LISTS_MESSAGES
from deploy.pipeline import Pipeline
from deploy.simulated_provider import openid_of
from schemas.topics.provider_events import PROVIDER_EVENTS

TITLE = "Previews"
HOW = """\
The scheduler and the dispatcher run. One draft is previewed 200 times, five times a second, each
time to another person: `POST /api/preview`, from the moment at which it is asked to the moment at
which the simulator takes the call, by this machine's clock."""

PREVIEWS: Final = 200
PER_SECOND: Final = 5
TEXT: Final = "The course begins at six."
ENDS_WITHIN: Final = timedelta(minutes=2)


def run(arena: Arena) -> list[Measurement]:
    """Measure it."""
    count = arena.scaled(PREVIEWS)
    simulator = LISTS_MESSAGES | {"SIM_WECHAT_USERS": str(count)}
    settings = {"PREVIEW_PER_MINUTE": str(count)}
    with arena.system(
        "scheduler", "dispatcher", simulator_env=simulator, service_env=settings
    ) as system:
        arena.say(f"{count} previews")
        waits = uvloop.run(_waits(system, count))
    return [
        Measurement(f"preview_to_call_{name}", percentile(waits, share) * 1_000, "ms")
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    ]


async def _waits(system: Pipeline, count: int) -> list[float]:
    """Return the seconds from each question to its call."""
    people = [openid_of(number) for number in range(1, count + 1)]
    async with (
        httpx.AsyncClient(
            base_url=system.urls["scheduler"], headers=system.headers, trust_env=False
        ) as client,
        reader(system.bootstrap, PROVIDER_EVENTS.name) as told,
        asyncio.timeout(ENDS_WITHIN.total_seconds()),
    ):
        task_id = await _draft(client)
        asked: dict[str, datetime] = {}
        for person in people:
            asked[person] = datetime.now(UTC)
            await _preview(client, task_id, person)
            await asyncio.sleep(1 / PER_SECOND)
        left = count
        while left > 0:
            polled = await told.getmany(timeout_ms=100)
            values = [value_of(record) for records in polled.values() for record in records]
            if refused := next((value for value in values if b'"send.rejected"' in value), None):
                raise BenchError(f"a preview was refused: {refused.decode()}")
            left -= sum(b'"send.accepted"' in value for value in values)
        called = await asyncio.to_thread(system.simulator.reached)
    return [(called[person] - at).total_seconds() for person, at in asked.items()]


async def _draft(client: httpx.AsyncClient) -> str:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    body = {
        "name": "Monday",
        "schedule": {"type": "once", "time": at.isoformat()},
        "content": {"text": TEXT},
        "groups": ["g-1"],
    }
    return (await _posted(client, "/api/tasks", body))["taskId"]


async def _preview(client: httpx.AsyncClient, task_id: str, person: str) -> None:
    body = {"taskId": task_id, "content": {"text": TEXT}, "recipients": [person]}
    await _posted(client, "/api/preview", body)


async def _posted(client: httpx.AsyncClient, path: str, body: object) -> dict[str, str]:
    answer = await client.post(path, json=body)
    if not answer.is_success:
        raise BenchError(f"{path} was answered with HTTP {answer.status_code}: {answer.text}")
    return answer.json()
