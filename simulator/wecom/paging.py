"""Lists page by page: limits, cursors, and what the knobs do to them (WX 3; 7.3)."""

from collections.abc import Sequence
from typing import NamedTuple

from simulator.tencent.documents import Json
from simulator.wecom.call import Call
from simulator.wecom.cursors import cursor_at, position
from simulator.wecom.refusals import OK, Refusal

WRONG_CURSOR = 50100


class Size(NamedTuple):
    """How long the pages of a list are."""

    default: int
    most: int


def page(
    call: Call, name: str, items: Sequence[object], size: Size, asked: tuple[int, str], of: str = ""
) -> Json | Refusal:
    """Return the answer that lists the items under a name, from the asked limit and cursor on.

    A cursor belongs to one list: to the call, and to what it is a list of.
    """
    limit, cursor = asked
    scope = f"{call.name}/{of}"
    start = position(scope, cursor)
    is_stale = bool(cursor) and call.chance.happens("wx.stale_cursor", call.knobs.wx_stale_cursor)
    if start is None or start > len(items) or is_stale:
        return Refusal(WRONG_CURSOR)
    # Above the most it is silently the default (WX 3).
    length = limit if 0 < limit <= size.most else size.default
    length = min(length, call.knobs.wx_page_size or length)
    if call.chance.happens("wx.empty_pages", call.knobs.wx_empty_pages):
        length = 0
    shown = list(items[start : start + length])
    end = start + len(shown)
    return {**OK, name: shown, "next_cursor": cursor_at(scope, end) if end < len(items) else ""}
