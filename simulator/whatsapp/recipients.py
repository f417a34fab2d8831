"""Whom a send is meant for (WhatsApp fact sheet, 2.1, rows `to` and `recipient`)."""

import re

from simulator.whatsapp.bodies import SendBody

_TOLERATED = re.compile(r"[-() ]")
_LOCAL_LENGTH = 10
_OWN_COUNTRY = "1"  # of our numbers
_SHORTEST, _LONGEST = 7, 15
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,128}")


def digits_of(body: SendBody) -> str:
    """Return WhatsApp's own form of the recipient: digits, or a user id; empty when unusable.

    Without a leading `+` a short number gets the sender's country code.
    """
    if body.to is None:
        found = body.recipient or ""
        return found if _USER_ID.fullmatch(found) else ""
    given = _TOLERATED.sub("", str(body.to))
    digits = given.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and _SHORTEST <= len(digits) <= _LONGEST):
        return ""
    if not given.startswith("+") and len(digits) == _LOCAL_LENGTH:
        return _OWN_COUNTRY + digits
    return digits
