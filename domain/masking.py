"""What is left of a provider's words when they are stored: no phone number (SE-06, IM-32)."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"\+?\(?\d(?:[ ().-]{0,2}\d){6,}")
"""Seven digits and more, as people write them. Providers' own codes have six at most."""

MASK: Final = "[number]"


def without_numbers(words: str) -> str:
    """Return the words with everything in its place that may be a phone number.

    >>> without_numbers("(#131026) +1 650-555-0001 is not a WhatsApp user")
    '(#131026) [number] is not a WhatsApp user'
    """
    return _NUMBER.sub(MASK, words)
