"""A sender whose provider takes few messages a second: everybody waits, nobody fails (IM-14)."""

from collections import Counter

import httpx
import pytest

from deploy.pipeline import Pipeline
from tests.eventually import eventually, seconds
from tests.trail import trail_of

pytestmark = pytest.mark.stack

RECIPIENTS = [f"+1650555{number:04d}" for number in range(100, 260)]


async def test_a_provider_without_room_fails_nobody(world: Pipeline) -> None:
    world.simulator.set_knobs({"wa.rate": 40})
    body: dict[str, object] = {
        "name": "Orders",
        "channel": "whatsapp",
        "content": {"type": "text", "body": "Your order is ready."},
        "recipients": [{"phone": phone, "variables": {}} for phone in RECIPIENTS],
    }

    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{world.urls['scheduler']}/api/v1/jobs", json=body)
    job_id: str = answer.json()["data"]["jobId"]

    def statuses() -> Counter[str]:
        return Counter(one.status for one in trail_of(world, job_id).messages)

    await eventually(lambda: statuses()["read"] == len(RECIPIENTS), within=seconds(60))
    assert statuses() == {"read": len(RECIPIENTS)}
    assert world.simulator.verdict().sent_twice == 0
    assert world.simulator.counts()["throttled"] > 0
