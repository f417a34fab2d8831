"""What WeCom's errors look like: HTTP 200, the code in the body (WX 0 and 13)."""

from typing import NamedTuple

import msgspec

from simulator.tencent.documents import Json
from simulator.wire import Answer

OK: Json = {"errcode": 0, "errmsg": "ok"}


class Refusal(NamedTuple):
    """Why a call is refused."""

    code: int
    detail: str = ""
    """What is wrong, beside the code's own text."""


# WX 13: real texts where they are known.
_TEXTS: dict[int, str] = {
    -1: "system busy",
    40001: "invalid credential",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40009: "invalid image size",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40031: "invalid userid list",
    40032: "invalid userid list size",
    40033: "invalid charset",
    40050: "invalid chatid",
    40058: "invalid Request Parameter",
    40063: "some parameters are empty",
    40066: "invalid url",
    40068: "invalid tagid",
    40096: "invalid external userid",
    41001: "access_token missing",
    41006: "media_id missing",
    41009: "userid missing",
    41011: "agentid missing",
    41046: "missing groupmsg id",
    41047: "invalid groupmsg id",
    41048: "no customer to send",
    41063: "group msg is being dispatched, try later",
    41064: "attachments size exceed limit",
    41065: "attachments msgtype invalid",
    41082: "attachments content length exceed limit",
    41093: "group msg has been canceled",
    41094: "remind group msg exceed limit",
    42001: "access_token expired",
    42014: "template_card: invalid card_type",
    42015: "template_card: invalid main_title",
    42016: "template_card: invalid task_id",
    42017: "template_card: duplicated task_id",
    42018: "template_card: invalid button_list",
    42019: "template_card: invalid selection",
    42052: "recall message timeout",
    43002: "require POST method",
    44001: "empty media data",
    44004: "empty content",
    45001: "media file size exceed limit",
    45002: "content size out of limit",
    45007: "voice playtime exceed limit",
    45008: "article size exceed limit",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    50100: "invalid cursor",
    60020: "not allow to access from your ip",
    60111: "userid not found",
    60140: "invalid response_code",
    81013: "user & party & tag all invalid",
    82001: "All touser & toparty & totag invalid",
    84061: "not external contact",
    86001: "invalid chatid",
    86003: "invalid chatid",
    86008: "you has no privilege to access this chat, which is created by other agent.",
    93000: "invalid webhook url",
    95000: "invalid open_kfid",
    95007: "invalid msg token",
    301002: "not allow operate another agent with this accesstoken",
}

# Codes that are about the message itself: calling again with the same is pointless (WX 13).
PERMANENT = frozenset(_TEXTS) - frozenset(
    {-1, 40001, 40007, 40013, 40014, 41001, 41063, 42001, 45009, 45033, 50100, 60020}
)


def refused(refusal: Refusal, hint: str, address: str, empty: str = "") -> Answer:
    """Return the answer that tells a refusal; a list call's carries its list, empty."""
    code, detail = refusal
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
