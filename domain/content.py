"""How texts with placeholders become one recipient's (BJ-01, IM-38)."""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

LONGEST_TEXT = 4_096
"""Characters of a WhatsApp text body (IM-26)."""

LONGEST_CAPTION = 1_024
"""Characters of a caption (IM-26)."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

Json: TypeAlias = "str | float | bool | list[Json] | dict[str, Json] | None"


class MissingVariable(ValueError):
    """A placeholder has no value; the only argument is its name."""


def variables_of(text: str) -> frozenset[str]:
    """Return the names of the placeholders in a text.

    >>> sorted(variables_of("Hi {name}, order {order} is ready"))
    ['name', 'order']
    """
    return frozenset(_PLACEHOLDER.findall(text))


def render(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with each ``{name}`` replaced; values are taken as they are.

    Raises `MissingVariable`.

    >>> render("Hi {name}", {"name": "Ada"})
    'Hi Ada'
    """

    def value(match: re.Match[str]) -> str:
        try:
            return variables[match[1]]
        except KeyError as error:
            raise MissingVariable(match[1]) from error

    return _PLACEHOLDER.sub(value, text)


def texts_of(value: Json, place: str = "") -> Iterator[tuple[str, str]]:
    """Return each text inside a JSON value with its place; names of fields are no texts.

    >>> list(texts_of({"body": "Hi", "buttons": [{"title": "Yes"}]}))
    [('body', 'Hi'), ('buttons[0].title', 'Yes')]
    """
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts_of(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from texts_of(inner, f"{place}[{number}]")


def fill(value: Json, variables: Mapping[str, str]) -> Json:
    """Return the JSON value with the placeholders of all its texts replaced.

    Raises `MissingVariable`.

    >>> fill({"type": "image", "link": "{qr}", "caption": "For {name}"}, {"qr": "x", "name": "Ada"})
    {'type': 'image', 'link': 'x', 'caption': 'For Ada'}
    """
    if isinstance(value, str):
        return render(value, variables) if "{" in value else value
    if isinstance(value, dict):
        return {name: fill(inner, variables) for name, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, variables) for inner in value]
    return value
