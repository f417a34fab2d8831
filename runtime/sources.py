"""Who calls, and whether that source may ask for more at this moment."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Final

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

Network = IPv4Network | IPv6Network


def _networks_of(given: Any) -> Any:  # noqa: ANN401 - whatever was given
    if not isinstance(given, str):
        return given
    return tuple(ip_network(one.strip()) for one in given.split(",") if one.strip())


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks_of)]
"""A setting: addresses or networks, comma-separated."""

UNKNOWN: Final = "unknown"
"""Whoever comes through a Unix socket."""

_ONE_CALLER: Final = 64
"""Bits of an IPv6 address: who has one address has all that begin with these."""


def source_of(host: str | None, forwarded: Sequence[str], trusted: tuple[Network, ...]) -> str:
    """Return the address that a request counts for.

    ``host`` is who holds the connection; ``forwarded`` the values of X-Forwarded-For, which are
    believed as far as trusted proxies wrote them: read from the end, the first address that is no
    trusted proxy's. Before it stands whatever the caller made up.

    >>> source_of("10.0.0.1", ["1.1.1.1, 192.0.2.7"], (ip_network("10.0.0.0/8"),))
    '192.0.2.7'
    >>> source_of("192.0.2.7", ["1.1.1.1"], ())
    '192.0.2.7'
    >>> source_of("2001:db8::1:2:3:4", [], ())
    '2001:db8::/64'
    """
    address = _address(host or "")
    if address is None:
        return UNKNOWN
    hops = [hop for value in forwarded for hop in value.split(",")] if trusted else []
    while hops and any(address in network for network in trusted):
        before = _address(hops.pop().strip())
        if before is None:
            break
        address = before
    return _group(address)


class Buckets:
    """A token bucket a source: so many requests at once, so many a second in the long run.

    Of each source one moment is kept: when its bucket will be full again. The sources heard of
    longest ago are forgotten first; a forgotten one has a full bucket, as a new one has.
    """

    def __init__(self, *, per_second: float, burst: int, remembered: int) -> None:
        self._refill = 1 / per_second
        self._depth = burst / per_second
        self._remembered = remembered
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, source: str, now: float) -> timedelta | None:
        """Take one token; or return how long there is none, ``now`` in seconds of any clock."""
        full_at = max(self._full_at.get(source, now), now) + self._refill
        # Half a token of tolerance: times are binary fractions.
        if full_at - now > self._depth + self._refill / 2:
            return timedelta(seconds=full_at - now - self._depth)
        self._full_at[source] = full_at
        self._full_at.move_to_end(source)
        if len(self._full_at) > self._remembered:
            self._full_at.popitem(last=False)
        return None


@lru_cache(maxsize=4_096)
def _group(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _ONE_CALLER), strict=False))


@lru_cache(maxsize=4_096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # An IPv4 caller at a socket for both.
    return getattr(address, "ipv4_mapped", None) or address
