"""What users of the mini-program do, and what becomes of what they get, by command (WX 14)."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from simulator.tencent.documents import Json
from simulator.tencent.pusher import Pusher
from simulator.wechat import ids
from simulator.wechat.templates import PREVIEW
from simulator.world import World

SENT = "subscribe_msg_sent_event"
_POPUP = "subscribe_msg_popup_event"
_CHANGE = "subscribe_msg_change_event"
_OPENING = frozenset({"subscribe", "SCAN", "CLICK"})
"""Events after which a user may be written to for a minute (WX 14.3)."""


class Inbound(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    """What a user writes to the mini-program."""

    user: str
    """The user's openid."""
    text: str = ""
    type: str = "text"
    content: Json | None = None
    """The fields of the type; default: the text."""
    menu_id: str | None = None
    """The entry of a menu message that was tapped (`bizmsgmenuid`)."""
    msg_id: int | None = None
    """Default: a new one; the same again is a repetition."""


class Event(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    """An event as it is ordered; one that is not known is told all the same."""

    event: str
    user: str
    template_id: str = PREVIEW
    status: Literal["accept", "reject"] = "accept"
    """Of a popup event."""
    msg_id: int | None = None
    """Of a sent event; default: a new one."""
    error_code: int = 0
    error_status: str = "success"
    entries: int = 1
    """How many entries the list has; the others are about other templates."""
    fields: Json = {}
    """What it holds beside."""


class Scene:
    """The world and the way out of it."""

    def __init__(self, world: World, pusher: Pusher) -> None:
        self._world = world
        self._pusher = pusher

    def write(self, order: Inbound) -> str:
        """Let a user write; return the message's id."""
        msg_id = order.msg_id or ids.number(self._world)
        self._world.wechat.desk.wrote(order.user)
        text: Json = {"Content": order.text}
        message: Json = {
            **self._head(order.user, order.type),
            **(text if order.content is None else order.content),
            "MsgId": msg_id,
        }
        if order.menu_id is not None:
            message["bizmsgmenuid"] = order.menu_id
        self._pusher.tell(str(msg_id), message)
        return str(msg_id)

    def announce(self, order: Event) -> str:
        """Tell of an event; return the name under which the ledger keeps it."""
        self._take_effect(order)
        message: Json = {**self._head(order.user, "event"), "Event": order.event}
        entry_of = _ENTRIES.get(order.event)
        if entry_of is not None:
            entries = [self._entry(order, entry_of, place) for place in range(order.entries)]
            message |= self._listed(order.event, entries)
        name = f"{order.event}#{self._world.ledger.next_notice()}"
        self._pusher.tell(name, message | order.fields)
        return name

    def _take_effect(self, order: Event) -> None:
        consents, of = self._world.wechat.consents, (order.user, order.template_id)
        if order.event == _POPUP and order.status == "accept":
            consents.accept(*of)
        elif order.event == _CHANGE:
            consents.switch_off(*of)
        elif order.event in _OPENING:
            self._world.wechat.desk.acted(order.user)

    def _entry(self, order: Event, entry_of: Callable[[Event], Json], place: int) -> Json:
        template = order.template_id if place == 0 else f"{order.template_id}-{place}"
        entry: Json = {"TemplateId": template}
        if order.event == SENT:
            entry["MsgID"] = order.msg_id or ids.number(self._world)
        return entry | entry_of(order)

    def _listed(self, event: str, entries: list[Json]) -> Json:
        """Return the list in its place: in JSON at the top, one entry at times as an object."""
        knobs = self._world.knobs.world
        if knobs.wc_push_format == "xml":
            return {_WRAPPERS[event]: {"List": entries}}
        shape = knobs.wc_list_shape
        if shape == "both":
            number = f"list{self._world.ledger.next_notice()}"
            options = (("object", 1.0), ("array", 1.0))
            shape = self._world.chance("wechat", number).pick("wc.list_shape", options)
        return {"List": entries[0] if shape == "object" and len(entries) == 1 else entries}

    def _head(self, user: str, kind: str) -> Json:
        return {
            "ToUserName": self._world.wechat.original_id,
            "FromUserName": user,
            "CreateTime": int(self._world.clock.now()),
            "MsgType": kind,
        }


_WRAPPERS = {
    _POPUP: "SubscribeMsgPopupEvent",
    _CHANGE: "SubscribeMsgChangeEvent",
    SENT: "SubscribeMsgSentEvent",
}


def _popup(order: Event) -> Json:
    return {"SubscribeStatusString": order.status, "PopupScene": 0}


def _change(order: Event) -> Json:
    del order
    return {"SubscribeStatusString": "reject"}


def _sent(order: Event) -> Json:
    return {"ErrorCode": order.error_code, "ErrorStatus": order.error_status}


_ENTRIES: dict[str, Callable[[Event], Json]] = {
    _POPUP: _popup,
    _CHANGE: _change,
    SENT: _sent,
}
