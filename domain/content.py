"""How a text with variables becomes one recipient's text."""

import re
from collections.abc import Mapping

LONGEST_TEXT = 4_096
"""Characters of a WhatsApp text body (IM-26)."""

LONGEST_CAPTION = 1_024
"""Characters of a caption (IM-26)."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class MissingVariable(ValueError):
    """A placeholder has no value; the only argument is its name."""


class TextTooLong(ValueError):
    """The text has more than `LONGEST_TEXT` characters once its variables are filled in."""


def variables_of(text: str) -> frozenset[str]:
    """Return the names of the placeholders in a text.

    >>> sorted(variables_of("Hi {name}, order {order} is ready"))
    ['name', 'order']
    """
    return frozenset(_PLACEHOLDER.findall(text))


def render(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with each ``{name}`` replaced; values are taken as they are.

    Raises `MissingVariable` or `TextTooLong`.

    >>> render("Hi {name}", {"name": "Ada"})
    'Hi Ada'
    """

    def value(match: re.Match[str]) -> str:
        try:
            return variables[match[1]]
        except KeyError as error:
            raise MissingVariable(match[1]) from error

    rendered = _PLACEHOLDER.sub(value, text)
    if len(rendered) > LONGEST_TEXT:
        raise TextTooLong
    return rendered
