"""What WeChat's errors look like: HTTP 200, the code in the body, a `rid` for support (WX 14.5)."""

from typing import NamedTuple

import msgspec

from simulator.tencent.documents import Json
from simulator.wire import HTML, Answer

OK: Json = {"errcode": 0, "errmsg": "ok"}

# WX 14.5: real texts where they are known.
_TEXTS: dict[int, str] = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40037: "invalid template_id",
    40038: "daily limit of the template to this user",
    40164: "invalid ip, not in whitelist",
    41001: "access_token missing",
    41030: "invalid page",
    42001: "access_token expired",
    43002: "require POST method",
    43101: "user refuse to accept the msg",
    43107: "subscribe message is blocked",
    43108: "concurrent sends to the user",
    44004: "empty content",
    45001: "media file size exceed limit",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45168: "sensitive words",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    50002: "user limited",
}

NOT_FOUND = Answer(404, b"<html><head><title>404 Not Found</title></head></html>", HTML)
"""What a path that does not exist is answered with."""


class Refusal(NamedTuple):
    """Why a call is refused."""

    code: int
    detail: str = ""
    """What is wrong, behind the code's own text."""


def refused(refusal: Refusal, rid: str) -> Answer:
    """Return the answer that tells a refusal."""
    code, detail = refusal
    text = f"{_TEXTS.get(code, 'unknown error')}{f' {detail}' if detail else ''}"
    return told({"errcode": code, "errmsg": f"{text} rid: {rid}"})


def told(body: Json) -> Answer:
    """Return an answer, whatever its code."""
    return Answer(200, msgspec.json.encode(body))
