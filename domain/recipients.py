"""Whether a phone number can be written to, and its one spelling (IM-25)."""

from functools import lru_cache

import phonenumbers


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
