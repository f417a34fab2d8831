"""What a callback's text says, field by field: XML or JSON, the provider's administrator chooses.

Both become the same: an element with parts is an object, one that comes several times a list, any
other a text. Texts come from outside, so DTDs and entities are refused, and what is too deep or has
too many elements is left early; WeCom's longest list has the 500 members of a group.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from providers.callbacks import WHOLE, MalformedCallback
from providers.json_bodies import decode

Fields = dict[str, Any]

DEEPEST: Final = 16
MOST_ELEMENTS: Final = 10_000

_FORBIDDEN_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""People paste control characters, and WeChat does not take them out (offu/WeRoBot#420)."""


def read(text: str) -> Fields:
    """Return the fields of a callback's text; raise `MalformedCallback` where it has none."""
    tree = _json(text) if text.lstrip()[:1] in {"{", "["} else _xml(text)
    if not isinstance(tree, dict):
        raise MalformedCallback(WHOLE, "must be an object")
    return cast("Fields", tree)


def _json(text: str) -> object:
    tree = decode(text.encode())
    _check_depth(tree, DEEPEST)
    return tree


def _check_depth(value: object, levels: int) -> None:
    if not isinstance(value, dict | list):
        return
    if levels == 0:
        raise MalformedCallback(WHOLE, "nested too deeply")
    tree = cast("Fields | list[Any]", value)
    inner: Iterable[Any] = tree.values() if isinstance(tree, dict) else tree
    for part in inner:
        _check_depth(part, levels - 1)


def _xml(text: str) -> object:
    parser = DefusedXMLParser(target=_Builder(), forbid_dtd=True)
    try:
        parser.feed(_FORBIDDEN_IN_XML.sub("", text))
        return parser.close()
    except ParseError as error:
        line, column = error.position
        problem = f"neither JSON nor XML, at line {line}, column {column}"
        raise MalformedCallback(WHOLE, problem) from error
    except DefusedXmlException as error:
        raise MalformedCallback(WHOLE, "DTDs and entities are not taken") from error


class _Builder:
    """Makes objects of elements while they are being read."""

    def __init__(self) -> None:
        self._open: list[Fields] = [{}]
        self._words: list[str] = []
        self._elements = 0

    def start(self, _tag: str, _attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise MalformedCallback(WHOLE, f"more than {MOST_ELEMENTS} elements")
        if len(self._open) > DEEPEST:
            raise MalformedCallback(WHOLE, "nested too deeply")
        self._open.append({})
        self._words.clear()

    def data(self, words: str) -> None:
        self._words.append(words)

    def end(self, tag: str) -> None:
        parts = self._open.pop()
        value = parts or "".join(self._words)
        self._words.clear()
        holder = self._open[-1]
        if tag not in holder:
            holder[tag] = value
        elif isinstance(holder[tag], list):
            holder[tag].append(value)
        else:
            holder[tag] = [holder[tag], value]

    def close(self) -> object:
        """Return the root element's value."""
        return next(iter(self._open[0].values()), None)
