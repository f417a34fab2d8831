"""Which changes of a record break its writers or readers (schemas/README.md)."""

from copy import deepcopy
from typing import Any

import pytest

from schemas.generate.compatibility import breaks
from schemas.generate.json_schemas import Schema

RECORD: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 64},
        "count": {"type": "integer", "minimum": 1},
        "note": {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}], "default": None},
        "state": {"$ref": "#/$defs/State"},
    },
    "required": ["id", "state"],
    "$defs": {"State": {"enum": ["open", "shut"]}},
}
SHUT = False


def changed(place: str, value: object) -> Schema:
    """Return the record with one thing replaced, added, or (None) taken away."""
    schema = deepcopy(RECORD)
    *path, last = place.split("/")
    node: Any = schema
    for step in path:
        node = node[int(step) if step.isdigit() else step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return schema


@pytest.mark.parametrize(
    "new",
    [
        RECORD,
        changed("properties/colour", {"type": "string"}),
        changed("properties/id/maxLength", 128),
        changed("properties/id/minLength", None),
        changed("properties/count/minimum", 0),
        changed("properties/id/description", "Who."),
        changed("$defs/State/enum", ["open", "shut", "ajar"]),
        changed("$defs/Colour", {"type": "string"}),
        changed("properties/state", {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/State"}]}),
        changed("$defs/State", {"type": "string", "pattern": "^[a-z]+$"}),
    ],
)
def test_what_only_adds_or_widens_breaks_nobody(new: Schema) -> None:
    assert breaks(RECORD, new) == []


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (changed("properties/count", None), "$.count: removed"),
        (changed("properties/count/type", "string"), "$.count: type was integer, is string"),
        (changed("properties/id/maxLength", 32), "$.id: maxLength was 64, is 32"),
        (changed("properties/id/pattern", "^a"), "$.id: pattern was free, is ^a"),
        (changed("properties/count/maximum", 9), "$.count: maximum was free, is 9"),
        (changed("properties/id/minLength", 2), "$.id: minLength was 1, is 2"),
        (changed("properties/count/minimum", 2), "$.count: minimum was 1, is 2"),
        (changed("properties/note/anyOf/0/maxLength", 5), "$.note: maxLength was 9, is 5"),
        (
            changed("properties/note/anyOf", [{"type": "string", "maxLength": 9}]),
            "$.note: fewer kinds of values",
        ),
        (changed("required", ["id", "state", "note"]), "$.note: now required"),
        (changed("required", ["id"]), "$.state: no longer always there"),
        (changed("additionalProperties", SHUT), "$: now refuses unknown fields"),
        (changed("$defs/State/enum", ["open"]), "State: no longer 'shut'"),
        (changed("$defs/State", None), "State: removed"),
        (
            changed("$defs/State", {"pattern": "^o"}),
            "State: pattern was free, is ^o",
        ),
        (
            changed("properties/state", {"anyOf": [{"type": "null"}]}),
            "$.state: $ref was #/$defs/State, is free",
        ),
    ],
)
def test_what_removes_or_narrows_is_told(new: Schema, said: str) -> None:
    assert breaks(RECORD, new) == [said]
