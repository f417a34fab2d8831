"""Which values the keys of a subscribe message take, and how a longer one is cut (WX 14.2). Pure.

WeChat refuses the whole message for one value that is too long (47003). Words can be cut, so they
are; a number, an amount or a time that is cut says something else, so it is not sent at all.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple

_KEY: Final = re.compile(r"([a-z_]+?)[0-9]+")
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})
"""Control characters and line breaks; values hold none."""
_BLANKS: Final = re.compile(r" {2,}")


class WrongValue(ValueError):
    """The value cannot be sent; the text names its key."""


class _Words(NamedTuple):
    """Words that may be cut."""

    longest: int
    end: str = ""
    """What shows that they were; nothing where the key takes no such character."""
    longest_in_letters: int | None = None
    """Where Latin letters count for less."""

    def most(self, text: str) -> int:
        """Return how long this text may be."""
        letters = self.longest_in_letters if text.isascii() else None
        return letters or self.longest


class _Figure(NamedTuple):
    """What means something as a whole only."""

    form: re.Pattern[str]
    says: str


_FORMS: Final[dict[str, _Words | _Figure]] = {
    "thing": _Words(20, "…"),
    "character_string": _Words(32, "..."),
    "letter": _Words(32),
    "symbol": _Words(5),
    "phrase": _Words(5),
    "name": _Words(10, longest_in_letters=20),
    "number": _Figure(
        re.compile(r"(?=([^0-9]*[0-9]){1,32}[^0-9]*$)-?[0-9]+(\.[0-9]+)?"),
        "a number of up to 32 digits",
    ),
    "amount": _Figure(
        re.compile(r"[¥￥$€£]?[0-9]{1,10}(\.[0-9]+)?元?"),
        "one currency sign and up to 10 digits",
    ),
    "phone_number": _Figure(re.compile(r".{1,17}"), "up to 17 characters"),
    "car_number": _Figure(re.compile(r".{1,8}"), "up to 8 characters"),
}
"""By what a key begins with. Times, dates, the template's own words and what a template may have
tomorrow are sent as they are."""


def fitted(data: Mapping[str, str]) -> dict[str, str]:
    """Return the values as they are sent. Raises `WrongValue`.

    >>> fitted({"thing1": "A course that has a very long name"})
    {'thing1': 'A course that has a…'}
    """
    return {key: _fitted(key, value) for key, value in data.items()}


def _fitted(key: str, value: str) -> str:
    text = _on_one_line(value)
    if not text:
        raise WrongValue(f"data.{key}: must not be empty")
    found = _KEY.fullmatch(key)
    form = _FORMS.get(found[1]) if found else None
    match form:
        case _Words():
            return _cut(text, form)
        case _Figure() if form.form.fullmatch(text) is None:
            raise WrongValue(f"data.{key}: must be {form.says}")
        case _:
            return text


def _on_one_line(value: str) -> str:
    plain = "".join(" " if unicodedata.category(each) in _BREAKS else each for each in value)
    return _BLANKS.sub(" ", plain).strip()


def _cut(text: str, form: _Words) -> str:
    most = form.most(text)
    if _length(text) <= most:
        return text
    room = most - len(form.end)
    kept = text[:room]
    while _length(kept) > room:
        kept = kept[:-1]
    return kept.rstrip() + form.end


def _length(text: str) -> int:
    """Count characters beyond the first 65,536, as most emoji are, twice.

    WeChat's page does not say how it counts; within this it is within either.
    """
    return len(text.encode("utf-16-le")) // 2
