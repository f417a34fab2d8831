"""Ids of WeChat's world; none of them is given twice."""

from base64 import urlsafe_b64encode
from hashlib import blake2b

from simulator.world import World


def number(world: World) -> int:
    """Return a new id of 63 bits: of a message."""
    return int.from_bytes(_digest(world)[:8]) >> 1


def code(world: World) -> str:
    """Return a new id in Base64, 64 characters: of a file."""
    return urlsafe_b64encode(_digest(world)).decode()


def _digest(world: World) -> bytes:
    # With the moment: a sandbox started again must not give an id that is known already.
    key = f"{world.settings.seed}{world.clock.now()}{world.ledger.next_notice()}"
    return blake2b(key.encode(), digest_size=48).digest()
