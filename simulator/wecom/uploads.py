"""Files that are uploaded: types, sizes, how long they are known (WX 7)."""

from typing import Literal

from simulator.conduct import Outcome
from simulator.forms import Part, parts_of
from simulator.media import FileOrder
from simulator.wecom import ids
from simulator.wecom.call import Call
from simulator.wecom.refusals import OK, Refusal, told
from simulator.world import World

LARGEST_UPLOAD = 21 * 1024 * 1024
"""The largest file, and what stands around it."""

Kind = Literal["image", "voice", "video", "file"]

_MB = 1024 * 1024
_SMALLEST = 5  # a file must have more bytes than this
_LARGEST: dict[str, int] = {
    "image": 10 * _MB,
    "voice": 2 * _MB,
    "video": 10 * _MB,
    "file": 20 * _MB,
}
_LARGEST_PICTURE = 2 * _MB
_PICTURES_A_MONTH, _PICTURES_A_DAY = 3000, 1000
_DAY_S, _MONTH_S = 86_400, 30 * 86_400

_PNG, _JPEG, _AMR = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"#!AMR\n"
_FILM, _FILM_AT = b"ftyp", slice(4, 8)
_TYPES = {"image/png": _PNG, "image/jpeg": _JPEG, "audio/amr": _AMR}
# Bytes of a frame of 20 ms by its type, without the byte that names it.
_FRAMES = (12, 13, 15, 17, 19, 20, 26, 31, 5)
_FRAME_MS, _LONGEST_VOICE_MS = 20, 60_000

_WRONG_KIND, _WRONG_TYPE, _WRONG_SIZE, _NOT_KNOWN = 40004, 40005, 40006, 40007
_NOT_NAMED, _NO_FILE, _TOO_LARGE, _TOO_LONG, _TOO_OFTEN = 41006, 44001, 45001, 45007, 45009


def upload(world: World, call: Call) -> Outcome | Refusal:
    """POST media/upload: a form with one part, `media`; kept for three days."""
    return keep(world, call, call.query.get("type", ""), frozenset(_LARGEST))


def keep(world: World, call: Call, kind: str, kinds: frozenset[str]) -> Outcome | Refusal:
    """Keep the file of a form that is of one of these kinds."""
    if kind not in kinds:
        return Refusal(_WRONG_KIND, f"type {kind!r}")
    part = _file_in(call)
    if isinstance(part, Refusal):
        return part
    refusal = _refusal_of(kind, part.content)
    if refusal is not None:
        return refusal
    account = world.wecom
    order = FileOrder(base64=part.content, mime_type=_type_of(part.content), filename=part.filename)
    media_id = ids.code(world, "media", str(len(account.media)))
    account.media.put(media_id, order, call.knobs.wx_media_expire)
    account.media_kinds[media_id] = kind
    created_at = str(int(world.clock.now()))
    about = {"type": kind, "media_id": media_id, "created_at": created_at}
    return Outcome(told({**OK, "errmsg": "", **about}), "answered")


def upload_picture(world: World, call: Call) -> Outcome | Refusal:
    """POST media/uploadimg: an address for ever."""
    part = _file_in(call)
    if isinstance(part, Refusal):
        return part
    if len(part.content) > _LARGEST_PICTURE:
        return Refusal(_TOO_LARGE)
    refusal = _refusal_of("image", part.content)
    if refusal is not None:
        return refusal
    pictures, now = world.wecom.pictures, world.clock.now()
    made_at = list(pictures.values())
    for most, span_s in ((_PICTURES_A_DAY, _DAY_S), (_PICTURES_A_MONTH, _MONTH_S)):
        if sum(at > now - span_s for at in made_at[-most:]) >= most:
            return Refusal(_TOO_OFTEN)
    url = f"https://wework.qpic.cn/wwpic/{ids.code(world, 'picture', '')}/0"
    pictures[url] = now
    return Outcome(told({**OK, "errmsg": "", "url": url}), "answered")


def refusal_of(world: World, media_id: str, kind: Kind) -> Refusal | None:
    """Return why a file cannot be sent as this kind; none where it can."""
    if not media_id:
        return Refusal(_NOT_NAMED)
    if world.wecom.media.find(media_id) is None:
        return Refusal(_NOT_KNOWN)
    # What was put there by command is taken for anything.
    if world.wecom.media_kinds.get(media_id, kind) != kind:
        return Refusal(_WRONG_KIND, f"not uploaded as {kind}")
    return None


def is_picture(data: bytes) -> bool:
    """Say whether it begins as a PNG or a JPEG does."""
    return data.startswith((_PNG, _JPEG))


def _file_in(call: Call) -> Part | Refusal:
    form = parts_of(call.content_type, call.body) or {}
    part = form.get("media")
    if part is None or not part.filename:
        return Refusal(_NO_FILE, "the form needs a part `media` with a filename")
    return part


def _refusal_of(kind: str, data: bytes) -> Refusal | None:
    if len(data) <= _SMALLEST:
        return Refusal(_WRONG_SIZE)
    if len(data) > _LARGEST[kind]:
        return Refusal(_TOO_LARGE)
    is_of_kind = {
        "image": is_picture(data),
        "voice": data.startswith(_AMR),
        "video": data[_FILM_AT] == _FILM,
        "file": True,
    }
    if not is_of_kind[kind]:
        return Refusal(_WRONG_TYPE, f"no {kind}")
    if kind == "voice" and _lasts_ms(data) > _LONGEST_VOICE_MS:
        return Refusal(_TOO_LONG)
    return None


def _type_of(data: bytes) -> str:
    found = (kind for kind, start in _TYPES.items() if data.startswith(start))
    film = "video/mp4" if data[_FILM_AT] == _FILM else "application/octet-stream"
    return next(found, film)


def _lasts_ms(data: bytes) -> int:
    place, frames = len(_AMR), 0
    while place < len(data):
        kind = data[place] >> 3 & 0xF
        place += 1 + (_FRAMES[kind] if kind < len(_FRAMES) else 0)
        frames += 1
    return frames * _FRAME_MS
