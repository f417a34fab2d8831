"""What a person decides by a word or a button: the two answers to a preview (PC-11, CF-27)."""

import re
import unicodedata
from enum import StrEnum
from typing import Final


class Choice(StrEnum):
    """An answer to a preview."""

    CONFIRM = "confirm"
    MODIFY = "modify"


_WORDS: Final = {
    "确认": Choice.CONFIRM,
    "確認": Choice.CONFIRM,
    "confirm": Choice.CONFIRM,
    "修改": Choice.MODIFY,
    "modify": Choice.MODIFY,
}
_LONGEST: Final = 64
"""Nobody decides in a longer text; a long one is not looked through."""
_AROUND: Final = re.compile(r"^[\W_]+|[\W_]+$")


def choice_of(words: str) -> Choice | None:
    """Return what the words decide, None where they say anything else.

    Nothing but the word itself may be left of them (`plain`).

    >>> choice_of(" “确认”。")
    <Choice.CONFIRM: 'confirm'>
    >>> choice_of("确认一下时间") is None
    True
    """
    return _WORDS.get(plain(words))


def plain(words: str) -> str:
    """Return the words as they are compared; nothing of a text in which nobody decides.

    People put blanks, quotes, full stops and full-width letters around and into the word they were
    asked for.

    >>> plain(" “STOP”! ")
    'stop'
    """
    if len(words) > _LONGEST:
        return ""
    return _AROUND.sub("", unicodedata.normalize("NFKC", words).casefold())


LONGEST_COMMENT: Final = 500
"""Code points of what somebody adds to an answer (PV-09); a preview has no more either (PV-03)."""


class BadComment(ValueError):
    """It cannot be kept; the argument says why, without a word of it."""


def comment_of(written: str) -> str | None:
    r"""Return what somebody added to an answer, None where it is nothing; raises `BadComment`.

    A browser sends each line feed as two characters; people count it as one.

    >>> comment_of(" 时间改为三点\r\n")
    '时间改为三点'
    >>> comment_of("  ") is None
    True
    """
    text = written.replace("\r\n", "\n").replace("\r", "\n").strip()
    if "\0" in text:
        raise BadComment("must not contain the NUL character")
    if len(text) > LONGEST_COMMENT:
        raise BadComment(f"must have at most {LONGEST_COMMENT} characters")
    return text or None
