"""What members and customers do about group sends by command, and how these stand (4.2, 8)."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request

from simulator.control.stage import NoSuchThingError, Stage
from simulator.control.views import paged
from simulator.wecom.group_sends import GroupSend

Reply = dict[str, object]


class _ConfirmBody(Struct, forbid_unknown_fields=True):
    member: str | None = None
    """Default: all that were asked."""
    count: Annotated[int, Meta(ge=1)] | None = None
    """Only the next so many of each one's customers; default: all that are left."""


async def confirm(stage: Stage, request: Request) -> Reply:
    """POST wecom/group_sends/{msgid}/confirm: members send now, whatever they had in mind."""
    body = msgspec.json.decode(await request.body() or b"{}", type=_ConfirmBody)
    sends = stage.world.wecom.group_sends
    msgid: str = request.path_params["msgid"]
    send = sends.find(msgid)
    if send is None:
        raise NoSuchThingError(f"no group send {msgid}")
    asked = send.tasks if body.member is None else [body.member]
    if body.member is not None and body.member not in send.tasks:
        raise NoSuchThingError(f"member {body.member} was not asked")
    now = stage.world.clock.now()
    if now >= send.cancelled_at:
        raise NoSuchThingError(f"group send {msgid} was cancelled")
    for userid in asked:
        sends.confirm(send, send.tasks[userid], now, body.count)
    return {"confirmed": list(asked)}


class _UnfriendBody(Struct, forbid_unknown_fields=True):
    member: str
    customer: str


async def unfriend(stage: Stage, request: Request) -> Reply:
    """POST wecom/unfriend: a customer deletes a member; what is still to be sent fails."""
    body = msgspec.json.decode(await request.body(), type=_UnfriendBody)
    account = stage.world.wecom
    account.directory.unfriend(body.member, body.customer)
    account.group_sends.unfriend(body.member, body.customer, stage.world.clock.now())
    return {"unfriended": body.customer}


async def show_group_sends(stage: Stage, request: Request) -> Reply:
    """GET wecom/group_sends: oldest first, with what is true of each row; `?msgid=`, `?key=`."""
    wanted = {name: request.query_params.get(name) for name in ("msgid", "key")}
    found = [
        send
        for send in stage.world.wecom.group_sends
        if all(value is None or getattr(send, name) == value for name, value in wanted.items())
    ]
    now = stage.world.clock.now()
    return paged(found, lambda send: _shown(send, now), request)


def _shown(send: GroupSend, now: float) -> Reply:
    tasks = [
        {
            "userid": task.userid,
            "mood": task.mood,
            "status": task.status(now),
            "rows": [
                {
                    "target": row.target,
                    "status": row.status(now),
                    "at": row.at if now >= row.at else None,
                }
                for row in task.rows
            ],
        }
        for task in send.tasks.values()
    ]
    return {
        "msgid": send.msgid,
        "key": send.key,
        "chat_type": send.chat_type,
        "content": send.content,
        "created_at": send.created_at,
        "is_cancelled": now >= send.cancelled_at,
        "reminders": len(send.reminded_at),
        "fail_list": send.fail_list,
        "tasks": tasks,
    }
