"""What a call of WeCom's can carry: sizes in bytes, files by the ids of uploads (WX 2, 5, 7, 11).

WeCom cuts some texts that are too long and refuses others. We refuse all of them before the call,
in words that name the field.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from domain.failures import ErrorCode, Failure, Origin
from schemas.topics.files import File

Body = dict[str, object]
"""Of a call, as JSON."""

FORMATS: Final[Mapping[str, frozenset[str]]] = {
    "image": frozenset({"jpg", "jpeg", "png"}),
    "voice": frozenset({"amr"}),
    "video": frozenset({"mp4"}),
}
"""Endings by kind of upload; a ``file`` may have any."""
PICTURE: Final = "picture"
"""What a robot's image is: no upload, its bytes stand in the call."""

_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u")


class CannotCarry(ValueError):
    """The call would be refused or do something else; the argument is a plain reason."""

    def __init__(self, reason: str, code: ErrorCode = ErrorCode.UNKNOWN_ERROR) -> None:
        super().__init__(reason)
        self.failure = Failure(code, Origin.LOCAL, detail=reason)


class Wanted(NamedTuple):
    """A file of our store that a call needs."""

    kind: str
    """image, voice, video or file, as WeCom calls its uploads; or `PICTURE`."""
    key: str
    name: str | None
    """What people see."""


class Media:
    """The media ids for one body; asked for one that is not known, it notes what is wanted."""

    def __init__(self, known: Mapping[Wanted, str] | None = None) -> None:
        self._known = known or {}
        self.wanted: list[Wanted] = []

    def id_of(self, kind: str, file: File, name: str | None = None) -> str:
        """Return the media id, empty while it is wanted. Raises `CannotCarry`."""
        if file.id is not None and kind != PICTURE:
            return file.id
        if file.key is None:
            takes = "a `key`" if kind == PICTURE else "a `key` or an `id`"
            raise CannotCarry(f"WeCom fetches no file: it needs {takes}")
        formats = FORMATS["image" if kind == PICTURE else kind] if kind != "file" else None
        if formats and file.key.rpartition(".")[2] not in formats:
            raise CannotCarry(f"of this kind WeCom takes {', '.join(sorted(formats))} only")
        wanted = Wanted(kind, file.key, name)
        self.wanted.append(wanted)
        return self._known.get(wanted, "")


def within(most: int, field: str, text: str) -> str:
    """Return the text. Raises `CannotCarry` where it has more bytes.

    >>> within(6, "content.title", "企业")
    '企业'
    """
    size = len(text.encode())
    if size > most:
        raise CannotCarry(f"`{field}` has {size} bytes; here WeCom takes {most}")
    return text


def encoded(body: Body) -> bytes:
    r"""Return the JSON. Raises `CannotCarry` for what could only be written as ``\uxxxx`` (40033).

    >>> encoded({"content": "企业 \t"}).decode()
    '{"content":"企业 \\t"}'
    """
    content = msgspec.json.encode(body)
    if _ESCAPE.search(content):
        raise CannotCarry("a text holds a control character, which WeCom does not take")
    return content
