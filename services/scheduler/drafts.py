"""A job's content with placeholders, and what each recipient gets of it (BJ-01, IM-38).

Any text of any content may hold placeholders, links included: a QR code has another address for
each person. What a filled content may be is what its own type says, once it is filled.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, get_args

import msgspec

from domain.content import Json, fill, render, texts_of, variables_of
from domain.failures import ErrorCode
from runtime.bodies import refuse_nul, wrong
from runtime.errors import InvalidInput
from schemas.topics.contents import Content
from schemas.topics.files import Link
from services.scheduler.store.rows import Refusal

_LINKS: Final = frozenset({"link", "url", "pictureUrl"})
"""Fields whose values must begin like an address, which a placeholder does not."""

_ADDRESS: Final = re.compile(get_args(Link)[1].pattern)

_SIZES: Final = (1_024, 256, 64, 16)
"""Characters of values that are tried out, to know which rows need no closer look."""

_TOO_LONG: Final = re.compile(r"Expected `str` of length <= (\d+)")
_EMPTY: Final = "Expected `str` of length >= 1"


@dataclass(frozen=True, slots=True)
class Draft:
    """A content to be filled in for each row."""

    content: dict[str, Json]
    needed: frozenset[str]
    """The names of its placeholders."""
    links: tuple[str, ...]
    """Addresses that hold placeholders."""
    roomy: int
    """Values of so many characters together are never too long."""
    takes_nothing: bool
    """Whether it is still complete with every value empty."""

    def problem(self, variables: Mapping[str, str], encoded: str) -> str | None:
        """Return why a recipient cannot have it; ``encoded``: the same variables as JSON.

        Filling takes 15 µs, six times as long as the first look, and few rows need it.
        """
        if not self.needed <= variables.keys():
            return f"no value for {', '.join(sorted(self.needed - variables.keys()))}"
        # A NUL is spelled like this in JSON; PostgreSQL stores no text that contains one.
        if "\\u0000" in encoded and any(
            "\x00" in part for one in variables.items() for part in one
        ):
            return "a variable contains the NUL character"
        if (
            len(encoded) <= self.roomy
            and (self.takes_nothing or '""' not in encoded)
            and all(_ADDRESS.match(render(link, variables)) for link in self.links)
        ):
            return None
        filled = self.filled(variables)
        return filled.detail if isinstance(filled, Refusal) else None

    def filled(self, variables: Mapping[str, str]) -> Content | Refusal:
        """Return one recipient's content; ``variables`` holds a value for each placeholder."""
        try:
            return msgspec.convert(fill(self.content, variables), Content)
        except msgspec.ValidationError as error:
            return Refusal(ErrorCode.UNKNOWN_ERROR, _plain(error))


def draft_of(content: Mapping[str, Json]) -> Draft:
    """Return the content as a draft."""
    own = dict(content)
    texts = [(place, text, variables_of(text)) for place, text in texts_of(own)]
    needed = frozenset(name for _, _, names in texts for name in names)
    sample = _with_addresses(own)
    return Draft(
        content=own,
        needed=needed,
        links=tuple(text for place, text, names in texts if names and _is_link(place)),
        roomy=_roomy(sample, needed),
        takes_nothing=_takes(sample, dict.fromkeys(needed, "")),
    )


def check(content: Mapping[str, Json]) -> None:
    """Raise `InvalidInput` for what no recipient could have, whatever the values are."""
    own = dict(content)
    try:
        msgspec.convert(_with_addresses(own), Content)
        refuse_nul(own, inside="content")
    except msgspec.ValidationError as error:
        raise wrong(error, inside="content") from error
    except RecursionError as error:
        raise InvalidInput("content", "is nested too deeply") from error


def _with_addresses(value: Json) -> Json:
    """Return the content with links that begin with a placeholder spelled as addresses."""
    if isinstance(value, dict):
        return {
            name: f"https://{inner}"
            if name in _LINKS and isinstance(inner, str) and inner.startswith("{")
            else _with_addresses(inner)
            for name, inner in value.items()
        }
    return [_with_addresses(inner) for inner in value] if isinstance(value, list) else value


def _is_link(place: str) -> bool:
    return place.rpartition(".")[2] in _LINKS


def _roomy(sample: Json, needed: Collection[str]) -> int:
    sizes = (size for size in _SIZES if _takes(sample, dict.fromkeys(needed, "x" * size)))
    return next(sizes, -1)


def _takes(content: Json, variables: Mapping[str, str]) -> bool:
    try:
        msgspec.convert(fill(content, variables), Content)
    except msgspec.ValidationError:
        return False
    return True


def _plain(error: msgspec.ValidationError) -> str:
    """Return what is wrong in words for people; neither a value nor a number is in it."""
    told = wrong(error)
    if longest := _TOO_LONG.fullmatch(told.problem):
        return f"{told.field} is longer than {longest[1]} characters"
    return f"{told.field} is empty" if told.problem == _EMPTY else f"{told.field} cannot be sent so"
