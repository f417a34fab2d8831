"""Keeps what is personal under a key of each person, so that forgetting the key forgets the person.

Content and addresses are sealed with AES-256-GCM under a key of the person they concern; that key
is stored wrapped by the master key (`MESSAGE_ENCRYPTION_KEY`). Whoever deletes a person's key has
deleted every copy of what it sealed, backups included (promise 10, SE-01, SE-03, CF-32).

What is sealed cannot be looked for, so rows carry a keyed hash of the person beside it.
"""

import hmac
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_KEY: Final = 32
"""Characters; `openssl rand -hex 32` makes 64."""
_NONCE: Final = 12
_KEY: Final = 32
_HASH: Final = 16
_CACHED: Final = 20_000
"""Unwrapped keys that a process remembers, some 5 MB."""

Person = bytes
"""A keyed hash of a channel and an address there: 16 bytes."""


class VaultSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    message_encryption_key: SecretStr
    """Comma-separated master keys: the first wraps, all unwrap (IM-32)."""
    message_lookup_key: SecretStr
    """Under which people are looked for; another one finds nobody of before."""

    @field_validator("message_encryption_key", "message_lookup_key")
    @classmethod
    def _are_long(cls, given: SecretStr) -> SecretStr:
        keys = _keys(given)
        if not keys or any(len(key) < SHORTEST_KEY for key in keys):
            raise ValueError(f"each key must have at least {SHORTEST_KEY} characters")
        return given


class Unreadable(Exception):
    """None of the master keys given unwraps a person's key."""


@dataclass(frozen=True, slots=True)
class _Wrapped:
    master: str
    """The id of the master key that wraps it."""
    key: bytes


class Keyring:
    """The keys of some people, valid within the transaction they were read in."""

    def __init__(self, keys: Mapping[Person, AESGCM]) -> None:
        self._keys = keys

    def __contains__(self, person: Person) -> bool:
        """Return whether the person has a key."""
        return person in self._keys

    def seal(self, person: Person, plain: bytes, *, place: str) -> bytes:
        """Return the bytes, sealed. ``place`` is where they are kept: nowhere else they open."""
        nonce = os.urandom(_NONCE)
        return nonce + self._keys[person].encrypt(nonce, plain, place.encode())

    def open(self, person: Person, sealed: bytes, *, place: str) -> bytes | None:
        """Return what was sealed; None when the person was forgotten since."""
        key = self._keys.get(person)
        if key is None:
            return None
        try:
            return key.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
        except InvalidTag:
            # Sealed for the same person before they were forgotten, and wrote again.
            return None


class Vault:
    """Knows the master keys; one for each process."""

    def __init__(self, settings: VaultSettings) -> None:
        masters = _keys(settings.message_encryption_key)
        self._masters = {_id_of(key): AESGCM(_derived(key, b"master")) for key in masters}
        self._current = _id_of(masters[0])
        self._lookup = _derived(_keys(settings.message_lookup_key)[0], b"lookup")
        self._unwrapped = lru_cache(_CACHED)(self._unwrap)

    def person(self, channel: str, address: str) -> Person:
        """Return who this is. A phone number is the same with and without its plus."""
        said = f"person\x00{channel}\x00{address.removeprefix('+')}"
        return hmac.digest(self._lookup, said.encode(), "sha256")[:_HASH]

    def conversation_id(self, channel: str, sender_id: str, recipient: str) -> str:
        """Return the public name of a conversation; nobody reads the recipient from it."""
        said = f"conversation\x00{channel}\x00{sender_id}\x00{recipient.removeprefix('+')}"
        return "cnv_" + hmac.digest(self._lookup, said.encode(), "sha256")[:_HASH].hex()

    def keyring(self, connection: sa.Connection, people: Collection[Person]) -> Keyring:
        """Return the keys that these people have, for reading.

        Raises `Unreadable` where one is wrapped by a master key we were not given.
        """
        return self._keyring(_load(connection, people))

    def sealing(self, connection: sa.Connection, people: Collection[Person]) -> Keyring:
        """Return a key of each of these people; who has none gets one in this transaction.

        Nobody is forgotten between here and the end of the transaction.
        """
        wanted = sorted(set(people))
        have = _load(connection, wanted, keep=True)
        missing = [person for person in wanted if person not in have]
        if missing:
            _mint(connection, {person: self._wrap(person) for person in missing}, self._current)
            # Somebody else may have been quicker with one of them.
            have |= _load(connection, missing, keep=True)
        return self._keyring(have)

    def rewrap(self, connection: sa.Connection, *, limit: int) -> int:
        """Wrap up to ``limit`` keys by the first master key; return how many were not yet."""
        old = _wrapped_by_others(connection, self._current, limit)
        renewed = {
            person: self._wrap(person, self._plain(person, wrapped))
            for person, wrapped in old.items()
        }
        _replace(connection, renewed, self._current)
        return len(renewed)

    def _keyring(self, wrapped: Mapping[Person, _Wrapped]) -> Keyring:
        return Keyring({person: self._unwrapped(person, key) for person, key in wrapped.items()})

    def _unwrap(self, person: Person, wrapped: _Wrapped) -> AESGCM:
        return AESGCM(self._plain(person, wrapped))

    def _plain(self, person: Person, wrapped: _Wrapped) -> bytes:
        master = self._masters.get(wrapped.master)
        if master is None:
            raise Unreadable(f"MESSAGE_ENCRYPTION_KEY lacks the key {wrapped.master}")
        return master.decrypt(wrapped.key[:_NONCE], wrapped.key[_NONCE:], person)

    def _wrap(self, person: Person, key: bytes | None = None) -> bytes:
        nonce = os.urandom(_NONCE)
        plain = os.urandom(_KEY) if key is None else key
        return nonce + self._masters[self._current].encrypt(nonce, plain, person)


def forget(connection: sa.Connection, person: Person) -> bool:
    """Delete a person's key; return whether there was one. Nothing brings it back."""
    gone = connection.execute(
        sa.text("DELETE FROM person_keys WHERE person = :person"), {"person": person}
    )
    return gone.rowcount > 0


_LOOK = sa.text("SELECT person, master, wrapped FROM person_keys WHERE person = ANY(:people)")
_LOCK = sa.text(
    """
    SELECT person, master, wrapped FROM person_keys WHERE person = ANY(:people)
    ORDER BY person FOR KEY SHARE
    """
)


def _load(
    connection: sa.Connection, people: Collection[Person], *, keep: bool = False
) -> dict[Person, _Wrapped]:
    if not people:
        return {}
    rows = connection.execute(_LOCK if keep else _LOOK, {"people": list(people)})
    return {bytes(row.person): _Wrapped(row.master, bytes(row.wrapped)) for row in rows}


def _mint(connection: sa.Connection, wrapped: Mapping[Person, bytes], master: str) -> None:
    connection.execute(
        sa.text(
            """
            INSERT INTO person_keys (person, master, wrapped, created_at)
            SELECT person, :master, wrapped, now()
            FROM unnest(CAST(:people AS bytea[]), CAST(:wrapped AS bytea[])) AS k(person, wrapped)
            ON CONFLICT (person) DO NOTHING
            """
        ),
        {"people": list(wrapped), "wrapped": list(wrapped.values()), "master": master},
    )


def _wrapped_by_others(
    connection: sa.Connection, current: str, limit: int
) -> dict[Person, _Wrapped]:
    rows = connection.execute(
        sa.text(
            """
            SELECT person, master, wrapped FROM person_keys WHERE master <> :current
            ORDER BY person LIMIT :limit FOR UPDATE
            """
        ),
        {"current": current, "limit": limit},
    )
    return {bytes(row.person): _Wrapped(row.master, bytes(row.wrapped)) for row in rows}


def _replace(connection: sa.Connection, wrapped: Mapping[Person, bytes], master: str) -> None:
    connection.execute(
        sa.text(
            """
            UPDATE person_keys p SET master = :master, wrapped = k.wrapped
            FROM unnest(CAST(:people AS bytea[]), CAST(:wrapped AS bytea[])) AS k(person, wrapped)
            WHERE p.person = k.person
            """
        ),
        {"people": list(wrapped), "wrapped": list(wrapped.values()), "master": master},
    )


def _derived(key: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), _KEY, salt=None, info=b"sendtrail " + use).derive(key)


def _id_of(key: bytes) -> str:
    return hmac.digest(key, b"key id", "sha256")[:4].hex()


def _keys(setting: SecretStr) -> tuple[bytes, ...]:
    words = setting.get_secret_value().split(",")
    return tuple(word.strip().encode() for word in words if word.strip())
