"""Which differences between two schemas of a record break somebody (architecture, Topics).

Both sides count: a writer breaks when something it may write today is refused tomorrow, a reader
when something it finds today is missing tomorrow. Adding an optional field, a further word to an
enumeration or a further kind of value breaks nobody: readers pass over what they do not know.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from schemas.generate.json_schemas import Schema

_UPPER_BOUNDS: Final = ("maxLength", "maximum", "maxItems")
_LOWER_BOUNDS: Final = ("minLength", "minimum", "minItems")
_FIXED: Final = ("type", "format", "pattern", "$ref", "default")


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return one line for each way in which ``new`` removes or narrows something of ``old``."""
    found = list(_shape_breaks("$", old, new))
    after = new.get("$defs", {})
    for name, before in old.get("$defs", {}).items():
        found += _shape_breaks(name, before, after[name]) if name in after else [f"{name}: removed"]
    return found


def _shape_breaks(place: str, old: Schema, new: Schema) -> Iterator[str]:
    yield from _value_breaks(place, old, new)
    if old.get("additionalProperties", True) and not new.get("additionalProperties", True):
        yield f"{place}: now refuses unknown fields"
    demanded, promised = set(new.get("required", ())), set(old.get("required", ()))
    after = new.get("properties", {})
    for name, before in old.get("properties", {}).items():
        if name in after:
            yield from _value_breaks(f"{place}.{name}", before, after[name])
        else:
            yield f"{place}.{name}: removed"
    yield from (f"{place}.{name}: now required" for name in sorted(demanded - promised))
    yield from (f"{place}.{name}: no longer always there" for name in sorted(promised - demanded))


def _value_breaks(place: str, old: Schema, new: Schema) -> Iterator[str]:
    if _is_widened(old, new):
        return
    for key in _FIXED:
        if old.get(key) != new.get(key):
            yield f"{place}: {key} was {_shown(old, key)}, is {_shown(new, key)}"
    for key in _UPPER_BOUNDS:
        if key in new and new[key] < old.get(key, float("inf")):
            yield f"{place}: {key} was {_shown(old, key)}, is {new[key]}"
    for key in _LOWER_BOUNDS:
        if key in new and new[key] > old.get(key, float("-inf")):
            yield f"{place}: {key} was {_shown(old, key)}, is {new[key]}"
    lost = [word for word in old.get("enum", ()) if word not in new.get("enum", (word,))]
    yield from (f"{place}: no longer {word!r}" for word in lost)
    yield from _choice_breaks(place, old.get("anyOf", []), new.get("anyOf", []))


def _is_widened(old: Schema, new: Schema) -> bool:
    """Tell whether the new has become one of several kinds, or its words any that fit a pattern."""
    if "$ref" in old:
        return any(kind.get("$ref") == old["$ref"] for kind in new.get("anyOf", ()))
    words: list[str] = old.get("enum", [])
    pattern: str | None = new.get("pattern")
    return bool(words) and pattern is not None and all(re.search(pattern, word) for word in words)


def _choice_breaks(place: str, old: list[Schema], new: list[Schema]) -> Iterator[str]:
    if len(old) > len(new):
        yield f"{place}: fewer kinds of values"
    for before, after in zip(old, new, strict=False):
        yield from _value_breaks(place, before, after)


def _shown(schema: Schema, key: str) -> Any:  # noqa: ANN401 - any JSON value
    return schema.get(key, "free")
