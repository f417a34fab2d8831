"""What a repeated creating call gets (IM-01)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from runtime.errors import Conflict
from services.scheduler.store import keys
from services.scheduler.store.keys import Answer, KeyName, Remembered

REMEMBERED_FOR: Final = timedelta(hours=24)

ANOTHER_BODY: Final = "This Idempotency-Key was used with another body"


@dataclass(frozen=True, slots=True)
class Key:
    """An ``Idempotency-Key`` and what it was sent with."""

    name: KeyName
    body_hash: bytes


def key_of(name: KeyName, canonical_body: bytes) -> Key:
    """Return the key of a call; the body is in one spelling, whatever the caller's was."""
    return Key(name, hashlib.sha256(canonical_body).digest())


def first_answer(key: Key, remembered: Remembered) -> Answer | None:
    """Return the answer to repeat, None while the work behind it must still be done.

    Raises `Conflict` where the key belongs to another body.
    """
    if remembered.body_hash != key.body_hash:
        raise Conflict(ANOTHER_BODY)
    return remembered.answer


def once(
    connection: sa.Connection, key: Key | None, make: Callable[[], Answer], *, now: datetime
) -> Answer:
    """Return the answer that the key got before, else what is made now; both in one transaction.

    Two calls with the same key at the same time: the second waits for the first one's commit.
    """
    if key is None:
        return make()
    keys.claim(connection, {key.name: key.body_hash}, now=now)
    before = first_answer(key, keys.load(connection, [key.name])[key.name])
    if before is not None:
        return before
    answer = make()
    keys.answer(connection, {key.name: answer})
    return answer
