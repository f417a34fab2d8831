"""The same events over a WebSocket and as an event stream (ST-15, IM-36)."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Annotated, Final

import anyio
import msgspec
from fastapi import APIRouter, Depends, Header, Query, WebSocket, WebSocketDisconnect
from sse_starlette import EventSourceResponse
from starlette.requests import HTTPConnection

from runtime.auth import Guard, subprotocol
from runtime.callers import Caller, Permission
from runtime.errors import InvalidInput
from services.status_projector.live import cursors
from services.status_projector.live.client import Client, Ending
from services.status_projector.live.events import EVERYTHING, Frame, Kind, note
from services.status_projector.live.hub import Hub
from services.status_projector.live.wishes import MOST_KEYS, Wish, order_of

STANDING: Final = timedelta(seconds=15)
"""After so long with nothing to tell a client is told where it stands: its cursor stays young, and
a connection that is no more is noticed on both sides."""
SENT_WITHIN: Final = timedelta(seconds=30)
"""A reader of the event stream that takes nothing for so long is gone."""
DRAINED_WITHIN: Final = timedelta(seconds=5)
COME_BACK: Final = timedelta(seconds=1)
"""How long a browser waits before it connects to the event stream again."""
NEEDED: Final = Permission.MESSAGES_VIEW

Ids = list[str] | None

log = logging.getLogger(__name__)


def routes(hub: Hub, guard: Guard) -> APIRouter:
    """Return the endpoints that push."""
    router = APIRouter(prefix="/api/v1/im", tags=["live"])

    @router.websocket("/ws")
    async def live(socket: WebSocket, asked: Annotated[Asked, Depends(asked_for)]) -> None:
        """Push what is wished for; what may be wished for is in docs/live.md."""
        caller = await guard.socket_caller(socket, NEEDED)
        client = _client(caller, asked)
        await socket.accept(subprotocol=subprotocol(socket))
        async with _connected(hub, guard, client):
            await _serve(socket, hub, client)

    @router.get(
        "/events",
        summary="What happens, as Server-Sent Events",
        response_class=EventSourceResponse,
    )
    async def events(
        caller: Annotated[Caller, Depends(guard.needs_for_stream(NEEDED))],
        asked: Annotated[Asked, Depends(asked_for)],
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    ) -> EventSourceResponse:
        """Push what is wished for; a browser resumes by itself (docs/live.md)."""
        if last_event_id is not None:
            asked = msgspec.structs.replace(asked, cursor=_cursor("Last-Event-ID", last_event_id))
        client = _client(caller, asked)
        return EventSourceResponse(
            _stream(hub, client, _connected(hub, guard, client)),
            ping=0,  # ours tell where the client stands as well
            send_timeout=SENT_WITHIN.total_seconds(),
            # The hub lets its clients go; what follows is for those that do not take it.
            shutdown_event=anyio.Event(),
            shutdown_grace_period=DRAINED_WITHIN.total_seconds(),
        )

    return router


class Asked(msgspec.Struct, frozen=True):
    """What a client wants, as its address says."""

    wish: Wish
    kinds: frozenset[Kind]
    cursor: str | None


PARAMETERS: Final = (
    *("messageId", "jobId", "conversationId", "contactId", "orderId", "taskId"),
    *("event", "cursor", "ticket"),
)


def asked_for(  # noqa: PLR0913, PLR0917 - one for each parameter of the address
    connection: HTTPConnection,
    message_id: Annotated[Ids, Query(alias="messageId")] = None,
    job_id: Annotated[Ids, Query(alias="jobId")] = None,
    conversation_id: Annotated[Ids, Query(alias="conversationId")] = None,
    contact_id: Annotated[Ids, Query(alias="contactId")] = None,
    order_id: Annotated[Ids, Query(alias="orderId")] = None,
    task_id: Annotated[Ids, Query(alias="taskId")] = None,
    event: Annotated[Ids, Query(description="Only these events; all without it.")] = None,
    cursor: Annotated[str | None, Query(description="Where an earlier connection ended.")] = None,
) -> Asked:
    """Return what the address asks for. Raises `InvalidInput` naming the parameter."""
    for name in connection.query_params:
        # Whoever mistypes what they wish for must not hear of everything instead.
        if name not in PARAMETERS:
            raise InvalidInput(name, f"must be one of {', '.join(PARAMETERS)}")
    wish = Wish(
        messages=_ids("messageId", message_id),
        jobs=_ids("jobId", job_id),
        conversations=_ids("conversationId", conversation_id),
        contacts=_ids("contactId", contact_id),
        orders=_ids("orderId", order_id),
        tasks=_ids("taskId", task_id),
    )
    if len(wish.keys()) > MOST_KEYS:
        raise InvalidInput("messageId", f"at most {MOST_KEYS} subscriptions a connection")
    return Asked(wish, _kinds(event), None if cursor is None else _cursor("cursor", cursor))


def _ids(name: str, given: Ids) -> tuple[str, ...]:
    try:
        return msgspec.convert(given or (), Wish.__annotations__["messages"])
    except msgspec.ValidationError as error:
        raise InvalidInput(name, str(error).partition(" - at")[0]) from error


def _kinds(given: Ids) -> frozenset[Kind]:
    try:
        return frozenset(map(Kind, given or Kind))
    except ValueError as error:
        raise InvalidInput("event", f"must be one of {', '.join(Kind)}") from error


def _cursor(name: str, given: str) -> str:
    try:
        return cursors.checked(given)
    except cursors.MalformedCursor as error:
        raise InvalidInput(name, str(error)) from error


def _client(caller: Caller, asked: Asked) -> Client:
    keys = asked.wish.keys()
    return Client(
        caller,
        keys or {EVERYTHING},
        asked.kinds,
        resumes=asked.cursor,
        is_implicit=not keys,
    )


@asynccontextmanager
async def _connected(hub: Hub, guard: Guard, client: Client) -> AsyncGenerator[None]:
    """Have the client in the hub, for as long as its session lasts."""

    async def watch() -> None:
        await guard.until_gone(client.caller, NEEDED, client.known_as)
        client.end(Ending.SIGNED_OUT)

    # A token that stands for itself lasts; a task for each of its sockets would be a waste.
    watching = None if client.caller.credential is None else asyncio.create_task(watch())
    hub.enter(client)
    try:
        yield
    finally:
        hub.leave(client)
        if watching is not None:
            watching.cancel()


async def _frames(hub: Hub, client: Client) -> AsyncGenerator[Frame]:
    """Yield what the client is to be sent, and last of all a good-bye."""
    while True:
        frame = await client.take(within=STANDING)
        if frame is None and client.ending is not None:
            break
        if frame is None:
            frame = hub.standing()
        if frame is not None:
            client.cursor = frame.cursor or client.cursor
            yield frame
    yield note("bye", client.cursor, reason=client.ending.reason)


async def _serve(socket: WebSocket, hub: Hub, client: Client) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(_listen(socket, hub, client))
            async for frame in _frames(hub, client):
                await socket.send_text(frame.text)
            if client.ending is not None:
                await socket.close(client.ending.code, client.ending.reason)
            listening.cancel()
    except* WebSocketDisconnect:
        log.debug("live.client_left")


async def _listen(socket: WebSocket, hub: Hub, client: Client) -> None:
    while True:
        said = await socket.receive()
        if said["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(said["code"])
        try:
            hub.obey(client, order_of(said.get("text") or ""))
        except InvalidInput as error:
            client.offer(note("error", field=error.field, message=str(error)))


async def _stream(
    hub: Hub, client: Client, connected: AbstractAsyncContextManager[None]
) -> AsyncGenerator[bytes]:
    async with connected:
        yield f"retry: {int(COME_BACK.total_seconds() * 1_000)}\n\n".encode()
        async for frame in _frames(hub, client):
            yield _lines(frame)


def _lines(frame: Frame) -> bytes:
    id_line = "" if frame.cursor is None else f"id: {frame.cursor}\n"
    return f"{id_line}event: {frame.kind}\ndata: {frame.text}\n\n".encode()
