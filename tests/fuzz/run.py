"""Feeds a target made-up bodies for a while; what it does not bear is kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from random import Random

from deploy.stack.places import CHECKOUT
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import Target

KEPT = CHECKOUT / ".stack" / "fuzz"
SLOWEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it."""

    bodies: int
    accepted: int
    """Bodies that were not refused."""


class Unborne(AssertionError):
    """A body that the target did not bear; the message says where it is."""


def fuzz(target: Target, *, seed: int, within: timedelta, kept: Path = KEPT) -> Run:
    """Feed the target for that long. The n-th body of a seed is always the same."""
    ends, number, accepted = time.monotonic() + within.total_seconds(), 0, 0
    while time.monotonic() < ends:
        body = mutated(target.seeds, Random(f"{seed}:{number}"))  # noqa: S311 - repeatable
        accepted += _bears(target, body, lambda: f"seed {seed}, body {number}", kept)  # noqa: B023
        number += 1
    return Run(number, accepted)


def _bears(target: Target, body: bytes, which: Callable[[], str], kept: Path) -> bool:
    began = time.monotonic()
    try:
        target.read(body)
    except target.refusals:
        return False
    except Exception as error:
        raise _unborne(target, body, which(), kept) from error
    if time.monotonic() - began > SLOWEST.total_seconds():
        raise _unborne(target, body, f"{which()}, too slow", kept)
    return True


def _unborne(target: Target, body: bytes, which: str, kept: Path) -> Unborne:
    kept.mkdir(parents=True, exist_ok=True)
    path = kept / f"{target.name}-{blake2b(body, digest_size=6).hexdigest()}.bin"
    path.write_bytes(body)
    return Unborne(f"{target.name}: {which}: kept as {path}")
