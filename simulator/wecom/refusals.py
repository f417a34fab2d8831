"""What WeCom's errors look like: HTTP 200, the code in the body (WX 0 and 13)."""

import msgspec

from simulator.tencent.documents import Json
from simulator.wire import Answer

OK: Json = {"errcode": 0, "errmsg": "ok"}

# WX 13: real texts where they are known.
_TEXTS: dict[int, str] = {
    -1: "system busy",
    40001: "invalid credential",
    40007: "invalid media_id",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40033: "invalid charset",
    40058: "invalid Request Parameter",
    40066: "invalid url",
    41001: "access_token missing",
    42001: "access_token expired",
    43002: "require POST method",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    50100: "invalid cursor",
    60020: "not allow to access from your ip",
    95000: "invalid open_kfid",
    95007: "invalid msg token",
}


def refused(code: int, hint: str, address: str, empty: str = "", detail: str = "") -> Answer:
    """Return the refusal; a list call's carries its list, empty, all the same."""
    text = f"{_TEXTS.get(code, 'unknown error')}{f' {detail}' if detail else ''}"
    link = f"https://open.work.weixin.qq.com/devtool/query?e={code}"
    body: Json = {empty: []} if empty else {}
    body |= {
        "errcode": code,
        "errmsg": f"{text}, hint: [{hint}], from ip: {address}, more info at {link}",
    }
    return told(body)


def told(body: Json) -> Answer:
    """Return an answer, whatever its code."""
    return Answer(200, msgspec.json.encode(body))
