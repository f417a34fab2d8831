"""How a system upstream seals what it publishes on `send-requests`: one function, nothing of ours.

It needs the package `cryptography`, and one of the keys in the services' TOPIC_ENCRYPTION_KEY.

    topic, key = "send-requests", b"whatsapp:106540352242922:+16505550001"
    value, headers = seal(topic, key, request, secret)
    await producer.send_and_wait(topic, key=key, value=value, headers=headers)
"""

import hmac
import os
from functools import lru_cache
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Sealed(NamedTuple):
    """What is published in the place of the value in the clear."""

    value: bytes
    headers: list[tuple[str, bytes]]


def seal(topic: str, key: bytes, value: bytes, secret: str, *, event_id: str = "") -> Sealed:
    """Return the value as it may lie on the broker's disk.

    It opens on this topic, under this key and ``ce_id`` alone. ``event_id`` is the header ``ce_id``
    where the record carries one.
    """
    nonce = os.urandom(12)
    place = b"\0".join((topic.encode(), key, event_id.encode()))
    own = [("ce_id", event_id.encode())] if event_id else []
    name = hmac.digest(secret.encode(), b"key id", "sha256")[:4].hex()
    sealed = nonce + _cipher(secret).encrypt(nonce, value, place)
    return Sealed(sealed, [*own, ("sealed", name.encode())])


@lru_cache
def _cipher(secret: str) -> AESGCM:
    derived = HKDF(SHA256(), 32, salt=None, info=b"sendtrail topics")
    return AESGCM(derived.derive(secret.encode()))
