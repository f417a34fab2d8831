"""What several bodies have in common. Pure."""

from collections.abc import Mapping

from schemas.topics.files import File

Json = dict[str, object]


def where(file: File) -> Json:
    """Return where the API finds the file: under an id of its own, or at a public address."""
    return {"link": file.link} if file.link is not None else {"id": file.id}


def without_none(part: Mapping[str, object]) -> Json:
    """Return the part without the fields that hold nothing: the API takes no null."""
    return {name: value for name, value in part.items() if value is not None}
