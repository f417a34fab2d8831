"""How long a sending account that cannot send is left alone before the first probe (IM-55).

By what its provider's code says of how soon it may be mended; the pauses after that only grow. The
meanings are those of the providers' own pages: WA 3.1 to 3.5, WX 12, 13 and 14.5.
"""

from datetime import timedelta
from typing import Final

_AT_ONCE: Final = timedelta(seconds=1)
"""A token may have been renewed meanwhile, or only the first message have been at fault."""
_BY_HAND: Final = timedelta(minutes=1)
"""Somebody has to change a right, an address or a payment; asking again does no harm."""
_BLOCKED: Final = timedelta(minutes=15)
"""Asking too soon prolongs it, or is held against the account."""
_FOR_HOURS: Final = timedelta(minutes=30)
"""It lasts for hours; but what waits is given up after one, and is to see a probe before that."""

_PAUSES: Final = {
    "whatsapp": {
        **dict.fromkeys((3, 10, *range(200, 300), 131005), _BY_HAND),  # a right (WA 3.1)
        **dict.fromkeys((33, 131037, 131042, 131045, 134011), _BY_HAND),  # number, name, payment
        **dict.fromkeys((368, 131031), _BLOCKED),  # restricted, locked (WA 3.1)
        **dict.fromkeys((131048, 131064), _FOR_HOURS),  # spam, misuse: "after hours" (WA 3.2)
        133016: _FOR_HOURS,  # registered too often: hours (WA 3.2)
        **dict.fromkeys((133008, 133009), _BLOCKED),  # guesses of the PIN (WA 3.5)
        133015: timedelta(minutes=5),  # deleted just now: five minutes (WA 3.5)
        **dict.fromkeys((133000, 133005, 133006, 133007, 133010), _BY_HAND),
    },
    "wecom": {
        40001: _FOR_HOURS,  # a wrong secret: repeated, it blocks our address for an hour (WX 1)
        **dict.fromkeys((48001, 48002, 48005, 48006, 48011), _BY_HAND),  # rights (WX 13)
        **dict.fromkeys((50003, 60020, 301002, 701008), _BY_HAND),  # app, address, licence
        45036: _BLOCKED,  # limit of data access: later (WX 13)
    },
    "wechat": {
        **dict.fromkeys((40013, 40164, 45035, 61004, 48001, 48004), _BY_HAND),  # WX 14.5
    },
}


def first_pause(channel: str, provider_code: str | None) -> timedelta:
    """Return the pause; a second for what is not in the table.

    >>> str(first_pause("whatsapp", "190")), str(first_pause("whatsapp", "131048"))
    ('0:00:01', '0:30:00')
    """
    is_number = provider_code is not None and provider_code.removeprefix("-").isdecimal()
    code = int(provider_code) if is_number and provider_code is not None else None
    return _AT_ONCE if code is None else _PAUSES.get(channel, {}).get(code, _AT_ONCE)
