"""Ids of WeCom's world: opaque, case-sensitive, none of them given twice."""

from base64 import urlsafe_b64encode
from hashlib import blake2b

from simulator.world import World

_SIZE = 30


def code(world: World, kind: str, about: str) -> str:
    """Return a new id in Base64, 40 characters."""
    return urlsafe_b64encode(_digest(world, kind, about)).decode()


def number(world: World, kind: str) -> int:
    """Return a new id of 63 bits."""
    return int.from_bytes(_digest(world, kind, "")[:8]) >> 1


def _digest(world: World, kind: str, about: str) -> bytes:
    # With the moment: a sandbox started again must not give an id that is known already.
    place = world.ledger.next_notice()
    key = f"{world.settings.seed}{kind}{about}{world.clock.now()}{place}"
    return blake2b(key.encode(), digest_size=_SIZE).digest()
