"""Keys that come as settings: how they are written, what is made of them, and what they are called.

A setting may hold several keys, comma-separated, while one is being changed for another.
"""

import hmac
from typing import Annotated, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import AfterValidator, SecretStr

SHORTEST_KEY: Final = 32
"""Characters; `openssl rand -hex 32` makes 64."""
KEY_BYTES: Final = 32
"""Of AES-256."""


def _are_long(given: SecretStr) -> SecretStr:
    keys = keys_of(given)
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        raise ValueError(f"each key must have at least {SHORTEST_KEY} characters")
    return given


LongKeys = Annotated[SecretStr, AfterValidator(_are_long)]
"""A setting of one key or more, each long enough."""


def keys_of(setting: SecretStr) -> tuple[bytes, ...]:
    """Return the keys, in their order."""
    words = setting.get_secret_value().split(",")
    return tuple(word.strip().encode() for word in words if word.strip())


def derived(key: bytes, use: bytes) -> bytes:
    """Return the key that is used for one thing only: each use has another."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"sendtrail " + use).derive(key)


def id_of(key: bytes) -> str:
    """Return the key's name, 8 hexadecimal digits; it tells nothing of the key."""
    return hmac.digest(key, b"key id", "sha256")[:4].hex()
