"""What people, phones and Meta do on WhatsApp by command (section 8: inbound, events)."""

from typing import Literal

import msgspec
from msgspec import Struct
from starlette.requests import Request

from simulator.control.stage import NoSuchThingError, Stage
from simulator.ledger import Message
from simulator.media import FileOrder
from simulator.whatsapp import media
from simulator.whatsapp.choices import chosen, tap
from simulator.whatsapp.inbound import Inbound, receive
from simulator.whatsapp.narrator import Group
from simulator.whatsapp.notices import Event, announce

Reply = dict[str, object]


async def write_inbound(stage: Stage, request: Request) -> Reply:
    """POST inbound: a user writes to one of our numbers."""
    body = msgspec.json.decode(await request.body(), type=Inbound)
    return {"id": receive(stage.world, stage.outbox, body, stage.sender(body.to))}


class _TapBody(Struct, forbid_unknown_fields=True):
    choice: str
    """Title or id of a button or a row."""


async def tap_choice(stage: Stage, request: Request) -> Reply:
    """POST messages/{id}/tap: its recipient taps a button or a row that came with it."""
    body = msgspec.json.decode(await request.body(), type=_TapBody)
    message = _message(stage, request)
    choice = chosen(message.choices, body.choice)
    if choice is None:
        raise NoSuchThingError(f"no choice {body.choice!r} came with message {message.id}")
    kind, content = tap(choice)
    order = Inbound(user=message.recipient, type=kind, content=content, context=message.id)
    return {"id": receive(stage.world, stage.outbox, order, message.sender)}


async def announce_event(stage: Stage, request: Request) -> Reply:
    """POST events: a notice of the account, a template or a number; an echo; a history."""
    body = msgspec.json.decode(await request.body(), type=Event)
    return {"told": announce(stage.world, stage.outbox, body, stage.sender(body.to))}


async def keep_file(stage: Stage, request: Request) -> Reply:
    """POST media: a file that can be fetched by its id, as if a user had sent it."""
    order = msgspec.json.decode(await request.body(), type=FileOrder)
    return {"id": media.keep(stage.world, order, media.INBOUND_KEPT_S).id}


class _StatusBody(Struct, forbid_unknown_fields=True):
    status: Literal["sent", "delivered", "read", "failed", "played", "warning", "deleted"]
    code: int = 131000
    group_id: str | None = None
    participant: str = "16505550001"
    """Which member of the group."""


_OF_A_LIFE = frozenset({"sent", "delivered", "read", "failed"})


async def set_status(stage: Stage, request: Request) -> Reply:
    """POST messages/{id}/status: let a message reach a status now; `code` with `failed`."""
    body = msgspec.json.decode(await request.body(), type=_StatusBody)
    message = _message(stage, request)
    if body.group_id is None and body.status in _OF_A_LIFE:
        code = body.code if body.status == "failed" else 0
        stage.narrator.order(message, body.status, code)
    else:
        group = Group(body.group_id, body.participant) if body.group_id else None
        stage.narrator.order_aside(message, body.status, group)
    return {"status": message.status}


def _message(stage: Stage, request: Request) -> Message:
    message_id: str = request.path_params["message_id"]
    message = stage.world.ledger.messages.get(message_id)
    if message is None:
        raise NoSuchThingError(f"no message {message_id} in the ledger")
    return message
