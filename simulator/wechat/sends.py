"""What becomes of a message that is sent to a user (WX 14.2 and 14.3; simulator-behaviour 5)."""

from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from simulator.conduct import Outcome
from simulator.ledger import Message
from simulator.wechat import ids
from simulator.wechat.call import Call
from simulator.wechat.magic import is_user
from simulator.wechat.people import SENT, Event, Scene
from simulator.wechat.refusals import OK, Refusal, told
from simulator.wechat.templates import PAGES, problem_of
from simulator.world import World

_NO_SUCH_USER, _NO_SUCH_FILE, _NO_SUCH_TYPE, _NO_SUCH_TEMPLATE = 40003, 40007, 40008, 40037
_NO_SUCH_PAGE, _NO_CONSENT, _TOGETHER, _EMPTY = 41030, 43101, 43108, 44004
_NO_JSON, _WRONG_VALUE = 47001, 47003
_SYSTEM_FAILURE = 4

Found = Outcome | Refusal


class _SubscribeBody(Struct):
    touser: str = ""
    template_id: str = ""
    page: str = ""
    data: object = None
    miniprogram_state: Literal["developer", "trial", "formal"] = "formal"
    lang: Literal["zh_CN", "en_US", "zh_HK", "zh_TW"] = "zh_CN"


class Sends:
    """Takes messages, and tells afterwards what became of them."""

    def __init__(self, world: World, scene: Scene) -> None:
        self._world = world
        self._scene = scene

    def subscribe(self, world: World, call: Call) -> Found:
        """POST message/subscribe/send: one message for one consent."""
        asked = _shaped(call)
        if isinstance(asked, Refusal):
            return asked
        refusal = self._refusal_of(asked, call)
        if refusal is not None:
            return refusal
        now = world.clock.now()
        world.wechat.consents.use(asked.touser, asked.template_id, now)
        msg_id = ids.number(world)
        message = self._accepted(str(msg_id), asked.touser, asked.template_id)
        self._tell_later(message, asked, call)
        named = call.chance.happens("wc.msgid", call.knobs.wc_msgid)
        return Outcome(told({**OK, "msgid": msg_id} if named else OK), "accepted")

    def custom(self, world: World, call: Call) -> Found:
        """POST message/custom/send: to a user who has written within 48 hours."""
        if call.asked is None:
            return Refusal(_NO_JSON)
        kind = call.asked.get("msgtype")
        if not is_user(call.recipient):
            return Refusal(_NO_SUCH_USER)
        if not isinstance(kind, str) or kind not in _TYPES:
            return Refusal(_NO_SUCH_TYPE)
        refusal = _problem_of(world, kind, call.asked.get(kind))
        refusal = refusal or world.wechat.desk.refusal_of(call.recipient)
        if refusal is not None:
            return refusal
        world.wechat.desk.use(call.recipient)
        message = self._accepted(str(ids.number(world)), call.recipient, kind)
        world.ledger.note_status(message, "sent", world.clock.now())
        return Outcome(told(OK), "accepted")

    def _refusal_of(self, asked: _SubscribeBody, call: Call) -> Refusal | None:
        wechat, knobs = self._world.wechat, call.knobs
        keys = wechat.templates.get(asked.template_id)
        if not is_user(asked.touser):
            return Refusal(_NO_SUCH_USER)
        if keys is None:
            return Refusal(_NO_SUCH_TEMPLATE)
        if asked.page and asked.page.partition("?")[0] not in PAGES:
            return Refusal(_NO_SUCH_PAGE)
        if problem := problem_of(keys, asked.data):
            return Refusal(_WRONG_VALUE, problem)
        pair = (asked.touser, asked.template_id)
        if wechat.consents.left(*pair, knobs.wc_consent) <= 0:
            return Refusal(_NO_CONSENT)
        now, within_s = self._world.clock.now(), knobs.wc_together_ms / 1000
        is_together = wechat.consents.is_together(*pair, now, within_s)
        return Refusal(_TOGETHER) if is_together else None

    def _accepted(self, msg_id: str, openid: str, category: str) -> Message:
        world = self._world
        message = Message(
            id=msg_id,
            opaque="",
            sender=world.wechat.app_id,
            recipient=openid,
            category=category,
            accepted_at=world.clock.now(),
        )
        world.ledger.note_accepted(message)
        return message

    def _tell_later(self, message: Message, asked: _SubscribeBody, call: Call) -> None:
        fails = asked.touser.endswith("_sentfail") or call.knobs.wc_sent_event == "failing"
        event = Event(
            event=SENT,
            user=asked.touser,
            template_id=asked.template_id,
            msg_id=int(message.id),
            error_code=_SYSTEM_FAILURE if fails else 0,
            error_status="system error" if fails else "success",
        )
        delay_s = call.chance.delay("wc.sent_ms", call.knobs.wc_sent_ms) / 1000
        is_told = call.knobs.wc_sent_event != "missing"
        become = partial(self._become, message, event, is_told=is_told)
        self._world.timers.at(self._world.clock.now() + delay_s, become)

    def _become(self, message: Message, event: Event, *, is_told: bool) -> None:
        status = "failed" if event.error_code else "sent"
        self._world.ledger.note_status(message, status, self._world.clock.now())
        if is_told and self._world.wechat.is_configured:
            self._scene.announce(event)


def _shaped(call: Call) -> _SubscribeBody | Refusal:
    if call.asked is None:
        return Refusal(_NO_JSON)
    try:
        return msgspec.convert(call.asked, _SubscribeBody)
    except msgspec.ValidationError as error:
        return Refusal(_WRONG_VALUE, str(error))


_Words = Annotated[str, Meta(min_length=1)]


class _Text(Struct):
    content: _Words


class _Image(Struct):
    media_id: _Words


class _Entry(Struct):
    id: _Words
    content: _Words


class _Menu(Struct):
    entries: Annotated[list[_Entry], Meta(min_length=1)] = msgspec.field(name="list")
    head_content: str = ""
    tail_content: str = ""


class _Page(Struct):
    title: _Words
    pagepath: _Words
    thumb_media_id: _Words
    appid: str = ""


_TYPES: dict[str, type[_Text | _Image | _Menu | _Page]] = {
    "text": _Text,
    "image": _Image,
    "msgmenu": _Menu,
    "miniprogrampage": _Page,
}


def _problem_of(world: World, kind: str, held: object) -> Refusal | None:
    try:
        content = msgspec.convert(held, _TYPES[kind])
    except msgspec.ValidationError as error:
        return Refusal(_EMPTY, str(error))
    if isinstance(content, _Image):
        return _no_such_file(world, content.media_id)
    return _no_such_file(world, content.thumb_media_id) if isinstance(content, _Page) else None


def _no_such_file(world: World, media_id: str) -> Refusal | None:
    return Refusal(_NO_SUCH_FILE) if world.wechat.media.find(media_id) is None else None
