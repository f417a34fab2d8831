"""What people, WeCom and WeChat do by command (section 8; simulator-behaviour 4.3 and 5)."""

from dataclasses import dataclass

import msgspec
from msgspec import Struct
from starlette.requests import Request

from simulator.control.stage import NoSuchThingError, Stage
from simulator.media import FileOrder
from simulator.tencent.channel import Channel
from simulator.tencent.documents import Json
from simulator.tencent.pusher import Pusher
from simulator.tencent.verification import problem_of
from simulator.wechat import people as wechat
from simulator.wecom import events, people

Reply = dict[str, object]


async def write_member(stage: Stage, request: Request) -> Reply:
    """POST wecom/inbound: a member writes in the chat with the app."""
    order = msgspec.json.decode(await request.body(), type=people.Inbound)
    return {"id": people.Scene(stage.world, stage.wecom).write(order)}


async def click_card(stage: Stage, request: Request) -> Reply:
    """POST wecom/clicks: a member taps a button or a menu of a template card."""
    order = msgspec.json.decode(await request.body(), type=people.Click)
    return {"response_code": people.Scene(stage.world, stage.wecom).click(order)}


async def ask_desk(stage: Stage, request: Request) -> Reply:
    """POST wecom/kf: a customer speaks to the customer service."""
    order = msgspec.json.decode(await request.body(), type=people.Question)
    return {"id": people.Scene(stage.world, stage.wecom).ask(order)}


async def announce_wecom(stage: Stage, request: Request) -> Reply:
    """POST wecom/events: customers, groups, tags, the app's health."""
    order = msgspec.json.decode(await request.body(), type=events.Event)
    return {"told": events.announce(stage.world, stage.wecom, order)}


async def keep_file(stage: Stage, request: Request) -> Reply:
    """POST wecom/media: a file that `media/get` finds."""
    order = msgspec.json.decode(await request.body(), type=FileOrder)
    return {"id": people.Scene(stage.world, stage.wecom).keep(order)}


async def end_token(stage: Stage, request: Request) -> Reply:
    """POST wecom/token: the access token ends before its time."""
    del request
    stage.world.wecom.tokens.end()
    return {"ended": True}


async def write_user(stage: Stage, request: Request) -> Reply:
    """POST wechat/inbound: a user writes to the mini-program."""
    order = msgspec.json.decode(await request.body(), type=wechat.Inbound)
    return {"id": wechat.Scene(stage.world, stage.wechat).write(order)}


async def announce_wechat(stage: Stage, request: Request) -> Reply:
    """POST wechat/events: consents, and what became of a subscribe message."""
    order = msgspec.json.decode(await request.body(), type=wechat.Event)
    return {"told": wechat.Scene(stage.world, stage.wechat).announce(order)}


class _ConsentBody(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    user: str
    template_id: str
    count: int = 1


async def consent(stage: Stage, request: Request) -> Reply:
    """POST wechat/consents: a user accepts a template so many times, and no event tells of it."""
    body = msgspec.json.decode(await request.body(), type=_ConsentBody)
    stage.world.wechat.consents.accept(body.user, body.template_id, body.count)
    return {"consented": body.count}


class _SpoilBody(Struct, forbid_unknown_fields=True):
    still_given: bool = False
    """Whether it is given all the same to whoever does not force another one."""


async def spoil_token(stage: Stage, request: Request) -> Reply:
    """POST wechat/token: the stable token ends before its time, or is refused from now on."""
    body = msgspec.json.decode(await request.body() or b"{}", type=_SpoilBody)
    tokens = stage.world.wechat.tokens
    if body.still_given:
        tokens.spoil()
    else:
        tokens.end()
    return {"ended": True}


class _TemplateBody(Struct, forbid_unknown_fields=True):
    id: str
    keys: tuple[str, ...]


async def put_wechat_template(stage: Stage, request: Request) -> Reply:
    """PUT wechat/templates: add or replace one."""
    body = msgspec.json.decode(await request.body(), type=_TemplateBody)
    stage.world.wechat.templates[body.id] = body.keys
    return {"id": body.id}


@dataclass(slots=True, frozen=True)
class _Side:
    """One channel and the way out to its callback."""

    channel: Channel
    pusher: Pusher
    message: Json
    """What a forger would have us believe."""


def _side(stage: Stage, request: Request) -> _Side:
    name: str = request.path_params["channel"]
    world = stage.world
    lie: Json = {
        "FromUserName": "forger",
        "CreateTime": int(world.clock.now()),
        "MsgType": "text",
        "Content": "确认",
        "MsgId": world.ledger.next_notice(),
    }
    if name == world.wecom.provider:
        to: Json = {"ToUserName": world.wecom.corp_id, **lie, "AgentID": world.wecom.agent_id}
        return _Side(world.wecom, stage.wecom, to)
    if name == world.wechat.provider:
        return _Side(world.wechat, stage.wechat, {"ToUserName": world.wechat.original_id, **lie})
    raise NoSuchThingError(f"no channel {name}")


class _UrlBody(Struct, forbid_unknown_fields=True):
    url: str | None


async def set_callback(stage: Stage, request: Request) -> Reply:
    """PUT {channel}/callback: the URL without a verification; null stops the pushes."""
    body = msgspec.json.decode(await request.body(), type=_UrlBody)
    channel = _side(stage, request).channel
    channel.url, channel.failures = body.url, 0
    return {"url": channel.url}


async def verify_callback(stage: Stage, request: Request) -> Reply:
    """POST {channel}/verification: save the URL as an administrator would; the GET runs at once."""
    body = msgspec.json.decode(await request.body() or b'{"url":null}', type=_UrlBody)
    channel = _side(stage, request).channel
    url = body.url or channel.url
    if url is None:
        raise NoSuchThingError(f"no callback URL of {channel.provider}")
    number = stage.world.ledger.next_notice()
    asked = channel.verification(stage.world.chance(channel.provider, f"verify{number}"))
    problem = await problem_of(url, asked)
    if problem is None:
        channel.url, channel.failures = url, 0
    return {"verified": problem is None, "problem": problem}


class _HostileBody(Struct, forbid_unknown_fields=True):
    kind: str


async def push_hostile(stage: Stage, request: Request) -> Reply:
    """POST {channel}/hostile: something that a careful receiver refuses."""
    body = msgspec.json.decode(await request.body(), type=_HostileBody)
    side = _side(stage, request)
    return {"callback": side.pusher.tell_forged(body.kind, side.message)}
