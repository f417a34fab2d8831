"""What a person decides by a word: the two answers to a preview (PC-11, CF-27)."""

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
