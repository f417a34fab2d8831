"""Changes pushed over a WebSocket (ST-15, IM-36)."""

import asyncio
import socket as sockets
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from deploy.stack import Stack
from schemas.topics.status_changes import StatusChanged
from tests.eventually import eventually
from tests.given import a_message_id, a_status_changed
from tests.services.status_projector.facts import Life
from tests.services.status_projector.projectors import (
    SOON,
    WHOLE,
    RunningProjector,
    Writer,
    frame_from,
    whole,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

TOO_SLOW = 1013
FLOOD = 30_000
"""Changes, some 10 MB: more than all the buffers on the way to a client hold."""


@pytest.fixture(autouse=True)
def broker_lives_on(stack: Stack) -> Generator[None]:
    """Leave the others of this session the broker as it was found."""
    yield
    stack.kafka.start()


async def statuses(socket: ClientConnection, count: int) -> list[tuple[int, str]]:
    """Return the numbers and statuses of the next events; how far it is is told in between."""
    frames: list[dict[str, Any]] = []
    while len(frames) < count:
        frame = await frame_from(socket)
        assert frame["type"] in {"message.status", "cursor"}
        frames += [frame] if frame["type"] == "message.status" else []
    return [(frame["data"]["sequence"], frame["data"]["status"]) for frame in frames]


async def test_a_client_hears_of_its_message_and_of_no_other(
    running: RunningProjector, writer: Writer
) -> None:
    wanted, other = Life(), Life()

    async with running.live(f"?messageId={wanted.message_id}") as socket:
        await writer.write([*whole(other), *whole(wanted)])
        heard = await statuses(socket, 4)

    assert heard == list(enumerate(WHOLE, start=1))


async def test_an_event_is_the_status_with_the_number_of_its_change(
    running: RunningProjector, writer: Writer
) -> None:
    life = Life()
    job = a_message_id()

    async with running.live(f"?jobId={job}&event=message.status") as socket:
        await writer.write([Life().request(), life.request(job_id=job), life.started()])
        await writer.write([life.rejected()])
        first, second = await frame_from(socket), await frame_from(socket)

    assert first["data"]["status"] == "sending"
    assert first["data"]["conversationId"].startswith("cnv_")
    assert (second["type"], second["data"]) == (
        "message.status",
        {
            "messageId": life.message_id,
            "status": "failed",
            "sequence": 2,
            "sentAt": "2026-03-02T12:00:00Z",
            "deliveredAt": None,
            "readAt": None,
            "failedAt": "2026-03-02T12:00:02Z",
            "errorCode": "INVALID_RECIPIENT",
            "errorMessage": "Recipient phone number is invalid.",
            "jobId": job,
            "conversationId": first["data"]["conversationId"],
            "contactId": None,
            "orderId": None,
        },
    )


async def test_a_client_without_a_wish_hears_of_everything(
    running: RunningProjector, writer: Writer
) -> None:
    changes = [a_status_changed() for _ in range(3)]

    async with running.live() as socket:
        await writer.change(changes)
        heard = {(await frame_from(socket))["data"]["messageId"] for _ in changes}

    assert heard == {change.message_id for change in changes}


async def test_a_client_that_does_not_read_is_let_go_and_slows_nobody(
    running: RunningProjector, writer: Writer
) -> None:
    flood = [a_status_changed(job_id="flood") for _ in range(FLOOD)]
    last = a_status_changed()

    async with (
        running.live("?jobId=flood", sock=narrow(running.url), max_queue=1) as sleeper,
        running.live(f"?messageId={last.message_id}") as quick,
    ):
        for start in range(0, FLOOD, 5_000):
            await writer.change(flood[start : start + 5_000])
        await writer.change([last])
        heard = await statuses(quick, 1)
        await eventually(lambda: dropped(running), within=SOON)
        code = await read_to_the_end(sleeper)

    assert heard == [(1, "sending")]
    assert code == TOO_SLOW


def narrow(url: str) -> sockets.socket:
    """Connect with little room for what is not read."""
    connection = sockets.socket()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    connection.connect((urlsplit(url).hostname, urlsplit(url).port))
    connection.settimeout(0)
    return connection


async def dropped(running: RunningProjector) -> bool:
    return await running.metric("projector_live_clients_dropped_total") > 0


async def read_to_the_end(socket: ClientConnection) -> int | None:
    """Wake up, read everything, and return the code that the connection is closed with."""
    try:
        async with asyncio.timeout(SOON.total_seconds()):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


async def test_a_client_that_leaves_is_forgotten(running: RunningProjector) -> None:
    async with running.live():
        assert await running.metric("projector_live_clients") >= 1

    async def nobody_left() -> bool:
        return await running.metric("projector_live_clients") == 0

    await eventually(nobody_left, within=SOON)


async def test_a_broker_that_dies_costs_a_client_its_connection_at_most(
    running: RunningProjector, writer: Writer, stack: Stack
) -> None:
    async with running.live() as before:
        await asyncio.to_thread(stack.kafka.kill)
        await asyncio.to_thread(stack.kafka.start)
        change = a_status_changed()

        async with running.live(f"?messageId={change.message_id}") as after:
            await writer.change([change])
            heard = await statuses(after, 1)

        assert heard == [(1, "sending")]
        assert await told(before, change) in {"the change", "the end"}


async def told(socket: ClientConnection, change: StatusChanged) -> str:
    """Return what an older connection is told: the change as well, or its end."""
    frame: dict[str, Any] = {"data": {}}
    try:
        while frame.get("data", {}).get("messageId") != change.message_id:
            frame = await frame_from(socket)
    except ConnectionClosedError:
        return "the end"
    return "the change"
