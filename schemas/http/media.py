"""``/api/v1/media``: files that are to be sent, and that were sent to us (IM-39, IM-27)."""

from typing import Final

from schemas.http.envelope import Shape

MEDIA: Final = "/api/v1/media"
UPLOADS: Final = "uploads/"
"""Begins the keys of files that our own people bring."""


class MediaKept(Shape):
    """A file that is in the store now."""

    url: str
    """For ``content.image`` of a task, and to look at."""
    key: str
    """For ``key`` of a message's file."""
    mime_type: str
    """By its bytes."""
    size: int
    """Of what is kept, in bytes."""
    file_name: str


def url_of(key: str) -> str:
    """Return where a stored file is looked at.

    >>> url_of("uploads/2026/03/0a1b.png")
    '/api/v1/media/uploads/2026/03/0a1b.png'
    """
    return f"{MEDIA}/{key}"


def key_of(image: str) -> str:
    """Return the key of a stored file, however it is named: by its address here or by its key.

    >>> key_of("/api/v1/media/uploads/2026/03/0a1b.png")
    'uploads/2026/03/0a1b.png'
    """
    return image.removeprefix(f"{MEDIA}/")
