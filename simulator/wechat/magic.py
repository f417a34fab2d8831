"""Users to whom always the same happens, by the end of their openid (section 6, second way)."""

import re

TABLE: dict[str, str] = {
    "_invalid": "40003 at once (no openid of this app)",
    "_noconsent": "43101 at once (no consent)",
    "_sentfail": "accepted, then the sent event tells of a failure",
}

_OPENID = re.compile(r"[A-Za-z0-9_-]{6,64}")


def is_user(openid: str) -> bool:
    """Say whether it is an openid of this app."""
    return _OPENID.fullmatch(openid) is not None and not openid.endswith("_invalid")


def openid_of(number: int) -> str:
    """Return the openid of the n-th user of the start, from 1.

    >>> openid_of(1)
    'oSimulatedUser00000000000001'
    """
    return f"oSimulatedUser{number:014d}"
