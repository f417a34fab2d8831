"""What members and customers do by command: write, tap, ask (WX 9 and 10)."""

from collections.abc import Callable

from msgspec import Struct

from simulator.media import FileOrder, SampleName
from simulator.tencent.documents import Json
from simulator.tencent.pusher import Pusher
from simulator.wecom import ids
from simulator.world import World

_KF_EVENT = "kf_msg_or_event"
_CUSTOMER, _SYSTEM = 3, 4
_MEDIA: dict[str, SampleName] = {
    "image": "jpeg",
    "voice": "amr",
    "video": "mp4",
    "file": "pdf",
}


class Inbound(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    """What a member writes in the chat with the app."""

    user: str
    """The member's userid."""
    text: str = ""
    type: str = "text"
    content: Json | None = None
    """The fields of the type; default: an example of its kind."""
    file: FileOrder | None = None
    msg_id: int | None = None
    """Default: a new one; the same again is a repetition."""


class Click(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    """A tap on a button or a menu of a template card."""

    user: str
    key: str
    task_id: str
    card_type: str = "button_interaction"
    selected: dict[str, list[str]] = {}
    """Question -> the options that were chosen."""
    is_menu: bool = False


class Question(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    """What a customer says to the customer service."""

    user: str
    """The customer's external userid."""
    text: str = ""
    menu_id: str = ""
    """The menu entry that was tapped."""
    type: str = "text"
    content: Json | None = None
    file: FileOrder | None = None
    open_kfid: str = "wkSimulatedDesk0000000000"
    origin: int = _CUSTOMER
    is_silent: bool = False
    """No callback tells of it: it is found by asking only."""


class Scene:
    """The world and the way out of it."""

    def __init__(self, world: World, pusher: Pusher) -> None:
        self._world = world
        self._pusher = pusher

    def write(self, order: Inbound) -> str:
        """Let a member write; return the message's id."""
        account = self._world.wecom
        msg_id = order.msg_id or ids.number(self._world, "message")
        message: Json = {
            **self._head(order.user, order.type),
            **self._content(order),
            "MsgId": msg_id,
            "AgentID": account.agent_id,
        }
        self._pusher.tell(str(msg_id), message)
        return str(msg_id)

    def click(self, order: Click) -> str:
        """Let a member tap; return the response code of the tap."""
        code = ids.code(self._world, "response", order.user)
        self._world.wecom.cards.give(code)
        menu = "_menu" if order.is_menu else ""
        message: Json = {
            **self._head(order.user, "event"),
            "Event": f"template_card{menu}_event",
            "EventKey": order.key,
            "TaskId": order.task_id,
            "CardType": order.card_type,
            "ResponseCode": code,
            "AgentID": self._world.wecom.agent_id,
        }
        if order.selected:
            items = [
                {"QuestionKey": question, "OptionIds": {"OptionId": options}}
                for question, options in order.selected.items()
            ]
            message["SelectedItems"] = {"SelectedItem": items}
        self._pusher.tell(f"{order.task_id}/{order.key}", message)
        return code

    def ask(self, order: Question) -> str:
        """Let a customer speak to the customer service; return the message's id."""
        account = self._world.wecom
        msg_id = ids.code(self._world, "kf", order.user)[:32]
        message: Json = {
            "msgid": msg_id,
            "open_kfid": order.open_kfid,
            "external_userid": order.user,
            "send_time": int(self._world.clock.now()),
            "origin": order.origin,
            "msgtype": order.type,
            order.type: self._said(order),
        }
        if order.origin == _SYSTEM:
            del message["external_userid"]
        account.desk.add(order.open_kfid, message)
        if order.is_silent:
            return msg_id
        token = ids.code(self._world, "token", order.open_kfid)
        account.desk.give_token(order.open_kfid, token)
        event: Json = {
            **self._head("sys", "event"),
            "Event": _KF_EVENT,
            "Token": token,
            "OpenKfId": order.open_kfid,
        }
        self._pusher.tell(msg_id, event)
        return msg_id

    def keep(self, order: FileOrder) -> str:
        """Put a file where `media/get` finds it; return its id."""
        media_id = ids.code(self._world, "media", str(len(self._world.wecom.media)))
        return self._world.wecom.media.put(media_id, order).id

    def _head(self, user: str, kind: str) -> Json:
        return {
            "ToUserName": self._world.wecom.corp_id,
            "FromUserName": user,
            "CreateTime": int(self._world.clock.now()),
            "MsgType": kind,
        }

    def _content(self, order: Inbound) -> Json:
        if order.content is not None and order.file is None:
            return order.content
        if order.type in _MEDIA:
            media_id = self.keep(order.file or FileOrder(sample=_MEDIA[order.type]))
            extra = _EXTRAS.get(order.type, {})
            return {**extra, "MediaId": media_id, **(order.content or {})}
        made = _MADE.get(order.type)
        return made(order.text) if made else {}

    def _said(self, order: Question) -> Json:
        if order.content is not None and order.file is None:
            return order.content
        if order.type in _MEDIA:
            return {"media_id": self.keep(order.file or FileOrder(sample=_MEDIA[order.type]))}
        said: Json = {"content": order.text}
        return {**said, "menu_id": order.menu_id} if order.menu_id else said


def _text(text: str) -> Json:
    return {"Content": text}


def _location(text: str) -> Json:
    return {
        "Location_X": "23.134521",
        "Location_Y": "113.358803",
        "Scale": 20,
        "Label": text or "Somewhere",
    }


def _link(text: str) -> Json:
    return {
        "Title": text or "A page",
        "Description": "What it is about",
        "Url": "https://example.com/page",
        "PicUrl": "https://example.com/page.png",
    }


_MADE: dict[str, Callable[[str], Json]] = {"text": _text, "location": _location, "link": _link}
_EXTRAS: dict[str, Json] = {
    "image": {"PicUrl": "https://example.com/picture.jpg"},
    "voice": {"Format": "amr"},
    "video": {"ThumbMediaId": "thumb-of-the-film"},
}
