"""What WeChat's calls do that send nothing: tokens and files (WX 14.1, 14.3)."""

from typing import Literal

import msgspec
from msgspec import Struct

from simulator import downloads
from simulator.conduct import Outcome
from simulator.forms import parts_of
from simulator.media import FileOrder
from simulator.wechat import ids
from simulator.wechat.call import Call
from simulator.wechat.refusals import Refusal, told
from simulator.wechat.tokens import Credentials
from simulator.world import World

_WRONG_GRANT, _NO_SUCH_TYPE, _NO_SUCH_FILE, _NO_JSON = 40002, 40004, 40007, 47001
_EMPTY, _TOO_LARGE = 44004, 45001
_MB = 1024 * 1024
_LARGEST = {"image": 10 * _MB, "voice": 2 * _MB, "video": 10 * _MB, "thumb": 64 * 1024}
_GRANT = "client_credential"

Found = Outcome | Refusal


class _StableBody(Struct):
    grant_type: Literal["client_credential"]
    appid: str = ""
    secret: str = ""
    force_refresh: bool = False


def stable_token(world: World, call: Call) -> Found:
    """POST stable_token: the same token while it lives; by force another one."""
    if call.asked is None:
        return Refusal(_NO_JSON)
    try:
        asked = msgspec.convert(call.asked, _StableBody)
    except msgspec.ValidationError as error:
        return Refusal(_WRONG_GRANT, str(error))
    given = world.wechat.tokens.give_stable(
        Credentials(asked.appid, asked.secret), call.knobs, is_forced=asked.force_refresh
    )
    return _given(given)


def token(world: World, call: Call) -> Found:
    """GET token: another one each time; the one before works no longer."""
    if call.query.get("grant_type") != _GRANT:
        return Refusal(_WRONG_GRANT)
    asked = Credentials(call.query.get("appid", ""), call.query.get("secret", ""))
    return _given(world.wechat.tokens.give_plain(asked, call.knobs))


def upload(world: World, call: Call) -> Found:
    """POST media/upload: a temporary file, for three days."""
    kind = call.query.get("type", "")
    form = parts_of(call.content_type, call.body)
    if kind not in _LARGEST:
        return Refusal(_NO_SUCH_TYPE)
    if form is None or "media" not in form or not form["media"].content:
        return Refusal(_EMPTY)
    content, filename = form["media"]
    if len(content) > _LARGEST[kind]:
        return Refusal(_TOO_LARGE)
    order = FileOrder(base64=content, filename=filename or None)
    media_id = world.wechat.media.put(ids.code(world), order).id
    created_at = int(world.clock.now())
    return _answered({"type": kind, "media_id": media_id, "created_at": created_at})


def fetch(world: World, call: Call) -> Found:
    """GET media/get: the bytes."""
    file = world.wechat.media.find(call.query.get("media_id", ""))
    if file is None or file.befalls("lookup_404"):
        return Refusal(_NO_SUCH_FILE)
    disposition = f'attachment; filename="{file.filename}"'
    headers = (
        (b"content-type", file.mime_type.encode()),
        (b"content-disposition", disposition.encode("utf-8")),
    )
    return downloads.outcome(file, headers)


def _given(given: tuple[str, int] | Refusal) -> Found:
    if isinstance(given, Refusal):
        return given
    return _answered({"access_token": given[0], "expires_in": given[1]})


def _answered(body: dict[str, object]) -> Outcome:
    return Outcome(told(body), "answered")
