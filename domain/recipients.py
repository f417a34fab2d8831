"""Whether a phone number can be written to, and its one spelling (IM-25)."""

import re
from functools import lru_cache
from typing import Final

import phonenumbers

_NUMBER: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
_OLDER: Final = (
    (re.compile(r"521(\d{10})"), r"52\1"),
    (re.compile(r"55(\d{2})([6-9]\d{7})"), r"55\g<1>9\2"),
)
"""Accounts older than their country's numbers: Mexico's with a 1, Brazil's without a 9 (WA 0)."""


class InvalidRecipient(ValueError):
    """The text is no phone number that a message could be sent to."""


@lru_cache(maxsize=65_536)
def to_e164(number: str) -> str:
    """Return the number in E.164 form: ``+``, country code, subscriber number.

    The number must carry its country code; blanks, hyphens and parentheses are tolerated.
    Raises `InvalidRecipient` without repeating the number: errors end up in logs.

    >>> to_e164("+1 (650) 555-1234")
    '+16505551234'
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException as error:
        raise InvalidRecipient("not a phone number with its country code") from error
    # An extension cannot be written to, and E.164 would drop it: the message would go elsewhere.
    if parsed.extension or not phonenumbers.is_valid_number(parsed):
        raise InvalidRecipient("no such phone number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def sameness_of(written: str) -> str:
    """Return what all spellings of one phone number have in common; of anything else the text.

    For comparing only: whether there is such a number is not asked where it is written plainly.

    >>> {sameness_of(one) for one in ("+1 (650) 555-1234", "+16505551234", "16505551234")}
    {'16505551234'}
    >>> sameness_of("5215512345678") == sameness_of("+525512345678")
    True
    """
    plain = _NUMBER.fullmatch(written)
    if plain is None and written[:1] in {"+", "("}:
        try:
            plain = _NUMBER.fullmatch(to_e164(written))
        except InvalidRecipient:
            return written
    if plain is None:
        return written
    digits = plain[1]
    for older, newer in _OLDER:
        if digits[:2] in {"52", "55"} and older.fullmatch(digits):
            return older.sub(newer, digits)
    return digits
