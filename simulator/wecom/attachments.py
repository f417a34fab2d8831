"""What a group send may hold beside its text (WX 2)."""

from typing import Protocol

from msgspec import Struct

from simulator.wecom import uploads
from simulator.wecom.bodies import WRONG_PARAMETER
from simulator.wecom.refusals import Refusal
from simulator.world import World

MOST = 9
_TITLE, _DESCRIPTION, _ADDRESS, _APP_TITLE = 128, 512, 2048, 64  # bytes
_EMPTY, _WRONG_TYPE, _TOO_LONG = 40063, 41065, 41082


class _Held(Protocol):
    def problem(self, world: World) -> Refusal | None: ...


class _Image(Struct, forbid_unknown_fields=True):
    media_id: str = ""
    pic_url: str = ""
    """Only what `media/uploadimg` gave; the media id wins."""

    def problem(self, world: World) -> Refusal | None:
        if self.media_id or not self.pic_url:
            return uploads.refusal_of(world, self.media_id, "image")
        is_ours = self.pic_url in world.wecom.pictures
        return None if is_ours else Refusal(WRONG_PARAMETER, "pic_url is not of media/uploadimg")


class _Link(Struct, forbid_unknown_fields=True):
    title: str = ""
    picurl: str = ""
    desc: str = ""
    url: str = ""

    def problem(self, world: World) -> Refusal | None:
        del world
        if not self.title or not self.url:
            return Refusal(_EMPTY, "link.title, link.url")
        return (
            _too_long("link.title", self.title, _TITLE)
            or _too_long("link.desc", self.desc, _DESCRIPTION)
            or _too_long("link.url", self.url, _ADDRESS)
            or _too_long("link.picurl", self.picurl, _ADDRESS)
        )


class _MiniProgram(Struct, forbid_unknown_fields=True):
    title: str = ""
    pic_media_id: str = ""
    appid: str = ""
    page: str = ""

    def problem(self, world: World) -> Refusal | None:
        if not (self.title and self.pic_media_id and self.appid and self.page):
            return Refusal(_EMPTY, "miniprogram needs title, pic_media_id, appid, page")
        too_long = _too_long("miniprogram.title", self.title, _APP_TITLE)
        return too_long or uploads.refusal_of(world, self.pic_media_id, "image")


class _Video(Struct, forbid_unknown_fields=True):
    media_id: str = ""

    def problem(self, world: World) -> Refusal | None:
        return uploads.refusal_of(world, self.media_id, "video")


class _File(Struct, forbid_unknown_fields=True):
    media_id: str = ""

    def problem(self, world: World) -> Refusal | None:
        return uploads.refusal_of(world, self.media_id, "file")


class Attachment(Struct, forbid_unknown_fields=True):
    """One attachment; the object of its type must be there, and no other."""

    msgtype: str
    image: _Image | None = None
    link: _Link | None = None
    miniprogram: _MiniProgram | None = None
    video: _Video | None = None
    file: _File | None = None

    def problem(self, world: World) -> Refusal | None:
        """Return why it cannot be sent."""
        held: dict[str, _Held | None] = {
            "image": self.image,
            "link": self.link,
            "miniprogram": self.miniprogram,
            "video": self.video,
            "file": self.file,
        }
        found = held.get(self.msgtype)
        if found is None or sum(other is not None for other in held.values()) > 1:
            return Refusal(_WRONG_TYPE, f"msgtype {self.msgtype!r} and its object must agree")
        return found.problem(world)


def _too_long(name: str, text: str, most: int) -> Refusal | None:
    length = len(text.encode())
    return Refusal(_TOO_LONG, f"{name}: {length} bytes, most {most}") if length > most else None
