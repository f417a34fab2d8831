"""The first thing anybody tries: one message, sent with one call, and what can be seen of it."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from deploy.pipeline import Pipeline
from tests.eventually import eventually, seconds

pytestmark = pytest.mark.stack

HELLO = {"contactId": "+16505550001", "messageType": "text", "content": "Hello"}
LIFE = ["sending", "sent", "delivered", "read"]


async def test_a_message_sent_with_one_call_is_sending_at_once_and_read_in_the_end(
    world: Pipeline,
) -> None:
    async with httpx.AsyncClient(trust_env=False, headers=world.headers) as client:
        sent = await client.post(f"{world.urls['scheduler']}/api/v1/im/messages", json=HELLO)
        trail = _trail_of(world, sent.json()["data"]["messageId"])
        at_once = await client.get(trail)

        async def is_read() -> bool:
            return (await client.get(trail)).json()["data"]["status"] == "read"

        assert sent.status_code == 201
        assert sent.json()["data"]["status"] == "sending"
        assert at_once.status_code == 200
        assert at_once.json()["data"]["status"] in {"sending", "sent", "delivered", "read"}
        await eventually(is_read, within=seconds(20))


async def test_whoever_listens_hears_of_every_step_in_order(world: Pipeline) -> None:
    address = world.urls["status_projector"].replace("http://", "ws://") + "/api/v1/im/ws"
    async with (
        httpx.AsyncClient(trust_env=False, headers=world.headers) as client,
        connect(address, proxy=None, additional_headers=world.headers) as socket,
    ):
        assert json.loads(await socket.recv())["type"] == "hello"

        sent = await client.post(f"{world.urls['scheduler']}/api/v1/im/messages", json=HELLO)
        message_id = sent.json()["data"]["messageId"]
        heard: list[dict[str, Any]] = []
        async with asyncio.timeout(20):
            while not heard or heard[-1]["status"] != "read":
                heard.append(await _next_of(socket, message_id))

        history = await client.get(_trail_of(world, message_id, "history"))

    assert [event["sequence"] for event in heard] == list(range(1, len(heard) + 1))
    # A callback may be quicker than the dispatcher's own word, and pass a step over (ST-03).
    statuses = [event["status"] for event in heard]
    steps = [change["toStatus"] for change in history.json()["data"]]
    assert statuses in (steps, ["sending", *steps])
    assert [status for status in LIFE if status in statuses] == statuses
    assert statuses[-1] == "read"


async def test_who_has_no_phone_number_is_refused_at_once(world: Pipeline) -> None:
    async with httpx.AsyncClient(trust_env=False, headers=world.headers) as client:
        address = f"{world.urls['scheduler']}/api/v1/im/messages"
        refused = await client.post(address, json=HELLO | {"contactId": "12345"})

    assert refused.status_code == 400
    assert "recipient" in refused.json()["message"]


def _trail_of(world: Pipeline, message_id: str, what: str = "status") -> str:
    return f"{world.urls['status_projector']}/api/v1/im/messages/{message_id}/{what}"


async def _next_of(socket: Any, message_id: str) -> dict[str, Any]:  # noqa: ANN401 - websockets' connection
    while True:
        event = json.loads(await socket.recv())["data"]
        if event["messageId"] == message_id:
            return event
