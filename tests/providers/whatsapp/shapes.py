"""What the tables of shapes have in common."""

from typing import Any, NamedTuple

from tests.providers.whatsapp.bodies import Part

AUTHOR = "16505551234"
USER_ID = "US.13491208655302741918"
GROUP_ID = "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD"

A_FILE = {"sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=", "id": "1003383421387256"}
AN_IMAGE = {
    "caption": "Taj Mahal",
    "mime_type": "image/jpeg",
    **A_FILE,
    "url": "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=133",
}


class Shape(NamedTuple):
    """What matters of a part, and the fields of its event that are not as usual.

    A member that is None is one that the part does not have.
    """

    part: Part
    becomes: dict[str, Any]


def without_nulls(part: Part) -> Part:
    """Return a part without the members that its row took away."""
    return {name: value for name, value in part.items() if value is not None}
