"""A group's robot: it takes a few messages a minute from whoever has its key (WX 11)."""

from base64 import b64decode
from hashlib import md5
from typing import ClassVar

from simulator.conduct import Outcome
from simulator.ledger import Message
from simulator.wecom import contents, ids, uploads
from simulator.wecom.bodies import WRONG_PARAMETER
from simulator.wecom.call import Call
from simulator.wecom.cards import Card
from simulator.wecom.contents import ChatText, Content, File, Markdown, News, Voice
from simulator.wecom.refusals import OK, Refusal, told
from simulator.world import World

_LARGEST_PICTURE = 2 * 1024 * 1024
_LONGEST_TEXT = 2048  # bytes
_WRONG_PICTURE, _TOO_LARGE, _TOO_OFTEN, _WRONG_KEY = 40009, 45001, 45009, 93000


class _Text(ChatText):
    def problem(self, world: World) -> Refusal | None:
        is_long = len(self.content.encode()) > _LONGEST_TEXT
        too_long = Refusal(WRONG_PARAMETER, f"content: most {_LONGEST_TEXT} bytes")
        return super().problem(world) or (too_long if is_long else None)


class _Markdown(Markdown):
    most: ClassVar[int] = 4096


class _Picture(Content):
    base64: str
    md5: str

    def problem(self, world: World) -> Refusal | None:
        del world
        try:
            data = b64decode(self.base64, validate=True)
        except ValueError:
            return Refusal(_WRONG_PICTURE, "base64")
        if len(data) > _LARGEST_PICTURE:
            return Refusal(_TOO_LARGE)
        is_right = md5(data, usedforsecurity=False).hexdigest() == self.md5
        return None if is_right and uploads.is_picture(data) else Refusal(_WRONG_PICTURE, "md5")


_KINDS: contents.Kinds = {
    "text": _Text,
    "markdown": _Markdown,
    "markdown_v2": _Markdown,
    "image": _Picture,
    "news": News,
    "file": File,
    "voice": Voice,
    "template_card": Card,
}


def send(world: World, call: Call) -> Outcome | Refusal:
    """POST webhook/send: no token, the key says who may."""
    account, now = world.wecom, world.clock.now()
    if not account.is_robot(call.query.get("key", "")):
        return Refusal(_WRONG_KEY)
    plain, held = contents.split(call.content)
    msgtype = str(plain.pop("msgtype", ""))
    refusal = call.problem or contents.problem_of(world, _KINDS, msgtype, held)
    if refusal is not None or plain:
        return refusal or Refusal(WRONG_PARAMETER, ", ".join(plain))
    if 0 < call.knobs.wx_robot_rate <= account.robot_sends.count(now):
        return Refusal(_TOO_OFTEN)
    account.robot_sends.note(now)
    # Without a key: the same alert again is no double.
    message = Message(ids.code(world, "robot", ""), "", account.corp_id, "", call.name, now)
    world.ledger.note_accepted(message)
    world.ledger.note_status(message, "sent", now)
    return Outcome(told(OK), "accepted")


def upload(world: World, call: Call) -> Outcome | Refusal:
    """POST webhook/upload_media: a file or a voice message for the robot."""
    if not world.wecom.is_robot(call.query.get("key", "")):
        return Refusal(_WRONG_KEY)
    kind = call.query.get("type", "")
    return uploads.keep(world, call, kind, frozenset({"file", "voice"}))
