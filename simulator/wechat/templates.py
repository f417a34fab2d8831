"""Templates of subscribe messages, and which values they take (WX 14.2)."""

import re
import unicodedata
from collections.abc import Mapping
from typing import cast

from simulator.tencent.documents import Json

PREVIEW = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc"
RESULT = "q1J7sZt0V2mXb8cHkQeRwYp4uD6nLfA9gTiKoM3xS5E"

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    PREVIEW: ("thing1", "time2", "phrase3"),
    RESULT: ("thing1", "phrase2", "time3", "thing4"),
}
"""What the mini-program has at the start: a template's id and its keys."""

PAGES = frozenset({"pages/index", "pages/confirm", "pages/task", "pages/feedback"})
"""What is published of it."""

_KEY = re.compile(r"([a-z_]+?)[0-9]+")
_SEPARATORS = frozenset({"Cc", "Zl", "Zp"})
"""Categories of control characters and line breaks."""

_DAY = r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日)"
_HOUR = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?"
_MOMENT = rf"({_DAY}( {_HOUR})?|{_HOUR})"
_TIME = rf"{_MOMENT}(~{_MOMENT})?"

_FORMS = {
    "thing": r".{1,20}",
    "number": r"(?=([^0-9]*[0-9]){1,32}[^0-9]*$)-?[0-9]+(\.[0-9]+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[ -~]{1,32}",
    "time": _TIME,
    "date": _TIME,
    "amount": r"[¥￥$€£]?[0-9]{1,10}(\.[0-9]+)?元?",
    "phone_number": r"[0-9+() -]{1,17}",
    "car_number": r"[^\W_]{1,8}",
    "name": r"[ -~]{1,20}|.{1,10}",
    "phrase": r"[\u4e00-\u9fff]{1,5}",
}
"""By what a key begins with; `enum` and what is not known take anything."""
_PATTERNS = {prefix: re.compile(form) for prefix, form in _FORMS.items()}


def problem_of(keys: tuple[str, ...], data: object) -> str | None:
    """Return what is wrong with the values, in the words behind a 47003."""
    given = cast("Json", data) if isinstance(data, dict) else {}
    for key in keys:
        value = _value_of(given.get(key))
        if not value:
            return f"data.{key}.value is empty"
        if not _is_right(key, value):
            return f"data.{key}.value invalid"
    unknown = next((key for key in given if key not in keys), None)
    return None if unknown is None else f"data.{unknown}.value invalid"


def _value_of(held: object) -> str:
    value = cast("Json", held).get("value") if isinstance(held, dict) else None
    return value if isinstance(value, str) else ""


def _is_right(key: str, value: str) -> bool:
    if any(unicodedata.category(each) in _SEPARATORS for each in value):
        return False
    found = _KEY.fullmatch(key)
    pattern = _PATTERNS.get(found[1]) if found else None
    return pattern is None or pattern.fullmatch(value) is not None
