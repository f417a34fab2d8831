"""Tokens, files that are fetched, and what customers said (WX 1, 7, 10)."""

from typing import Annotated

from msgspec import Meta, Struct

from simulator import downloads
from simulator.conduct import Outcome
from simulator.wecom.call import Call
from simulator.wecom.kf import Desk
from simulator.wecom.paging import WRONG_CURSOR
from simulator.wecom.refusals import OK, Refusal, told
from simulator.world import World

_NO_SUCH_FILE, _TOO_OFTEN, _NO_SUCH_DESK, _WRONG_EVENT_TOKEN = 40007, 45009, 95000, 95007
_LARGEST_PAGE = 1000


def get_token(world: World, call: Call) -> Outcome | Refusal:
    """GET gettoken: the same token while it lives (WX 1)."""
    corp_id, secret = call.query.get("corpid", ""), call.query.get("corpsecret", "")
    world.ledger.tally.token_calls[world.wecom.provider] += 1
    given = world.wecom.tokens.give(corp_id, secret, call.knobs)
    if isinstance(given, int):
        return Refusal(given)
    token, lives_s = given
    return Outcome(told({**OK, "access_token": token, "expires_in": lives_s}), "answered")


def get_media(world: World, call: Call) -> Outcome | Refusal:
    """GET media/get: the bytes, for three days (WX 7)."""
    file = world.wecom.media.find(call.query.get("media_id", ""))
    if file is None or file.befalls("lookup_404"):
        return Refusal(_NO_SUCH_FILE)
    disposition = f'attachment; filename="{file.filename}"'
    headers = (
        (b"content-type", file.mime_type.encode()),
        (b"content-disposition", disposition.encode("utf-8")),
    )
    return downloads.outcome(file, headers)


class SyncBody(Struct):
    """From where on, and for which account."""

    open_kfid: str = ""
    cursor: str = ""
    token: str = ""
    limit: Annotated[int, Meta(ge=0)] = _LARGEST_PAGE
    voice_format: int = 0


def _refusal_of(desk: Desk, asked: SyncBody) -> int:
    if not desk.is_known(asked.open_kfid):
        return _NO_SUCH_DESK
    if not asked.token:
        return 0 if desk.may_ask_without(asked.open_kfid) else _TOO_OFTEN
    return 0 if desk.is_token(asked.open_kfid, asked.token) else _WRONG_EVENT_TOKEN


def sync_messages(world: World, call: Call, asked: SyncBody) -> Outcome | Refusal:
    """POST kf/sync_msg: what customers said since a cursor (WX 10)."""
    desk = world.wecom.desk
    if code := _refusal_of(desk, asked):
        return Refusal(code)
    is_empty = call.chance.happens("wx.empty_pages", call.knobs.wx_empty_pages)
    wished = min(asked.limit or _LARGEST_PAGE, call.knobs.wx_page_size or _LARGEST_PAGE)
    page = desk.page(asked.open_kfid, asked.cursor, 0 if is_empty else min(wished, _LARGEST_PAGE))
    if page is None:
        return Refusal(WRONG_CURSOR)
    body = {
        **OK,
        "next_cursor": page.next_cursor,
        "has_more": int(page.has_more),
        "msg_list": page.messages,
    }
    return Outcome(told(body), "answered")
