"""Which network addresses an outside link may lead to (IM-32).

A link that somebody else wrote must not make us call our own network: neither this machine, nor
its neighbours, nor the metadata service of a cloud. What counts is the address a connection is
opened to, not the name it was looked up by.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""NAT64: the last four bytes are the IPv4 address that is called (RFC 6052)."""


def is_public(address: str) -> bool:
    """Tell whether it is an address of the public internet; of anything else the answer is no.

    An IPv6 address that stands for an IPv4 address is judged by that one.

    >>> is_public("157.240.0.60"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    meant = _meant(parsed) if isinstance(parsed, IPv6Address) else parsed
    return meant.is_global and not meant.is_multicast


def _meant(address: IPv6Address) -> IPv4Address | IPv6Address:
    if address in _TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address
