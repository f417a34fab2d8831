"""What makes two sends the same, since WeCom takes no key of the caller (WX 2; section 9)."""

from collections.abc import Callable
from hashlib import sha256
from typing import cast

import msgspec

from simulator.media import File
from simulator.tencent.documents import Json

Finder = Callable[[str], File | None]

_SHOWN = 10
_KEPT_OF_HASH = 24
_TARGETS = ("external_userid", "chat_id_list")
_RECIPIENTS = ("touser", "chatid", *_TARGETS, "toparty", "totag", "sender")

# Calls that send -> how the keys of their sends begin.
SENDS = {
    "externalcontact/add_msg_template": "group",
    "message/send": "app",
    "appchat/send": "chat",
}


def key_of(name: str, content: Json, find: Finder) -> str:
    """Return the key of a send: its kind and a hash of sender, targets and content.

    The order of the targets makes no difference, nor does a file's id: what was uploaded again is
    the same file. Empty: the call sends nothing.
    """
    kind = SENDS.get(name)
    if kind is None:
        return ""
    plain = {field: _plain(held, find) for field, held in content.items()}
    for field in _TARGETS:
        targets = plain.get(field)
        if isinstance(targets, list):
            plain[field] = sorted(map(str, cast("list[object]", targets)))
    encoded = msgspec.json.encode(plain, order="sorted")
    return f"{kind}:{sha256(encoded).hexdigest()[:_KEPT_OF_HASH]}"


def recipient_of(content: Json) -> str:
    """Return whom a send is for: the first few, joined by a bar."""
    for field in _RECIPIENTS:
        found = content.get(field)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, list) and found:
            return "|".join(map(str, cast("list[object]", found)[:_SHOWN]))
    return ""


def text_of(content: Json) -> str:
    """Return the text of a send, for the rules that look for one."""
    held = content.get("text") or content.get("markdown")
    text = cast("Json", held).get("content") if isinstance(held, dict) else None
    return text if isinstance(text, str) else ""


def _plain(held: object, find: Finder) -> object:
    if isinstance(held, dict):
        return {name: _plain(value, find) for name, value in cast("Json", held).items()}
    if isinstance(held, list):
        return [_plain(value, find) for value in cast("list[object]", held)]
    file = find(held) if isinstance(held, str) else None
    return file.digest.hex() if file is not None else held
