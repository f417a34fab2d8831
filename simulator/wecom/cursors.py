"""Where in a list a caller is: a cursor that only means something to its own list (WX 3, 10)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def cursor_at(scope: str, place: int) -> str:
    """Return the cursor of a place in a list."""
    return urlsafe_b64encode(f"{scope}:{place}".encode()).decode()


def position(scope: str, cursor: str) -> int | None:
    """Return the place of a cursor; none where it is not one of this list.

    >>> position("list", cursor_at("list", 3)), position("other", cursor_at("list", 3))
    (3, None)
    """
    if not cursor:
        return 0
    try:
        found, _, place = urlsafe_b64decode(cursor).decode().rpartition(":")
        return int(place) if found == scope else None
    except ValueError:
        return None
