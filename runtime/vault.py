"""Keeps what is personal under a key of each person, so that forgetting the key forgets the person.

Content and addresses are sealed with AES-256-GCM under a key of the person they concern; that key
is stored wrapped by the master key (`MESSAGE_ENCRYPTION_KEY`). Whoever deletes a person's key has
deleted every copy of what it sealed, backups included (promise 10, SE-01, SE-03, CF-32).

What is sealed cannot be looked for, so rows carry a keyed hash of the person beside it. Where
nothing else of the row is about the person, both lie in one value: an envelope.

What was written for many concerns no person: it lies in envelopes under a key of its tenant, which
lasts.
"""

import hmac
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from time import monotonic
from typing import Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.recipients import sameness_of
from runtime.copying import copy
from runtime.secret_keys import KEY_BYTES, LongKeys, derived, id_of, keys_of

_NONCE: Final = 12
_HASH: Final = 16
_CACHED: Final = 20_000
"""Unwrapped keys that a process remembers, some 5 MB."""
_LATELY: Final = timedelta(minutes=2)
"""For so long a master key that was needed in vain is told of; who waits for it asks more often."""
_FEW: Final = 500
"""More people than that are copied; fewer fit into a statement."""
_NUMBERED: Final = "whatsapp"
"""The channel whose addresses are phone numbers."""

Person = bytes
"""A keyed hash of a channel and an address there: 16 bytes."""


class VaultSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    message_encryption_key: LongKeys
    """Comma-separated master keys: the first wraps, all unwrap (IM-32)."""
    message_lookup_key: LongKeys
    """Under which people are looked for; another one finds nobody of before."""


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

    def lacks(self, people: Collection[Person]) -> set[Person]:
        """Return those of these people whose keys are not here."""
        return set(people) - self._keys.keys()

    def joined(self, other: "Keyring") -> "Keyring":
        """Return the keys of both."""
        return Keyring({**self._keys, **other._keys})  # noqa: SLF001 - of our own kind

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
        masters = keys_of(settings.message_encryption_key)
        self._masters = {id_of(key): AESGCM(derived(key, b"master")) for key in masters}
        self._current = id_of(masters[0])
        self._lookup = derived(keys_of(settings.message_lookup_key)[0], b"lookup")
        self._lacked: dict[str, float] = {}
        """When each master key was needed last, of those that we were not given."""
        self._unwrapped = lru_cache(_CACHED)(self._unwrap)

    def person(self, channel: str, address: str) -> Person:
        """Return who this is. A phone number is the same however it is spelled."""
        said = f"person\x00{channel}\x00{_same(channel, address)}"
        return hmac.digest(self._lookup, said.encode(), "sha256")[:_HASH]

    def tenant(self, tenant_id: str | None) -> Person:
        """Return the name of a tenant's key, which is nobody's; None: of what has no tenant."""
        said = f"tenant\x00{tenant_id or ''}"
        return hmac.digest(self._lookup, said.encode(), "sha256")[:_HASH]

    def conversation_id(self, channel: str, sender_id: str, recipient: str) -> str:
        """Return the public name of a conversation; nobody reads the recipient from it."""
        said = f"conversation\x00{channel}\x00{sender_id}\x00{_same(channel, recipient)}"
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
        if len(wanted) > _FEW:
            return self._sealing_many(connection, wanted)
        have = _load(connection, wanted, keep=True)
        missing = [person for person in wanted if person not in have]
        if missing:
            _mint(connection, {person: self._wrap(person) for person in missing}, self._current)
            # Somebody else may have been quicker with one of them.
            have |= _load(connection, missing, keep=True)
        return self._keyring(have)

    def enclose(
        self, connection: sa.Connection, letters: Sequence[tuple[Person, bytes]], *, place: str
    ) -> list[bytes]:
        """Return an envelope of each of these, to be opened by `disclose` at the same place."""
        keys = self.sealing(connection, [person for person, _ in letters])
        return [person + keys.seal(person, plain, place=place) for person, plain in letters]

    def enclose_for_tenants(
        self, connection: sa.Connection, letters: Sequence[tuple[str | None, bytes]], *, place: str
    ) -> list[bytes]:
        """Return an envelope of each of these under the key of its tenant, as `enclose` does."""
        named = [(self.tenant(tenant_id), plain) for tenant_id, plain in letters]
        keys = self._lasting(connection, {name for name, _ in named})
        return [name + keys.seal(name, plain, place=place) for name, plain in named]

    def disclose(
        self, connection: sa.Connection, envelopes: Iterable[bytes | None], *, place: str
    ) -> list[bytes | None]:
        """Return what is in these; None where there is none, or its person was forgotten."""
        given = list(envelopes)
        keys = self.keyring(connection, {one[:_HASH] for one in given if one is not None})
        return [
            None if one is None else keys.open(one[:_HASH], one[_HASH:], place=place)
            for one in given
        ]

    def locked_away(self, connection: sa.Connection, given: Sequence[bytes | None]) -> list[bool]:
        """Return of each of these envelopes whether `disclose` would be `Unreadable` for it."""
        keys = _load(connection, {one[:_HASH] for one in given if one is not None})
        lacking = {person for person, key in keys.items() if key.master not in self._masters}
        return [one is not None and one[:_HASH] in lacking for one in given]

    @property
    def problem(self) -> str | None:
        """What is wrong with the master keys: one that was lately needed is not among ours."""
        since = monotonic() - _LATELY.total_seconds()
        lacking = sorted(master for master, at in self._lacked.items() if at > since)
        return f"MESSAGE_ENCRYPTION_KEY lacks the key {', '.join(lacking)}" if lacking else None

    def rewrap(
        self, connection: sa.Connection, *, after: Person = b"", limit: int
    ) -> Person | None:
        """Wrap the next ``limit`` keys by the first master key, those that are not yet.

        Returns the last person looked at, after whom the next step begins; None at the end.
        """
        people = _next_people(connection, after, limit)
        old = _wrapped_by_others(connection, people, self._current)
        renewed = {
            person: self._wrap(person, self._plain(person, wrapped))
            for person, wrapped in old.items()
        }
        _replace(connection, renewed, self._current)
        return people[-1] if people else None

    def _lasting(self, connection: sa.Connection, names: Collection[Person]) -> Keyring:
        """Return a key of each of these names, made where there is none.

        Nobody forgets them, so no row is locked: all that a tenant does would meet at it.
        """
        have = _load(connection, names)
        missing = sorted(set(names) - have.keys())
        if missing:
            wrapped = {name: self._wrap(name) for name in missing}
            _mint(connection, wrapped, self._current, lasts=True)
            have |= _load(connection, missing)
        return self._keyring(have)

    def _sealing_many(self, connection: sa.Connection, wanted: Sequence[Person]) -> Keyring:
        """Make a key for everybody that counts where there was none: one COPY, no questions."""
        made = {person: os.urandom(KEY_BYTES) for person in wanted}
        wrapped = {person: self._wrap(person, key) for person, key in made.items()}
        had = _mint_many(connection, wrapped, self._current)
        fresh = {person: AESGCM(key) for person, key in made.items() if person not in had}
        known = {person: self._unwrapped(person, key) for person, key in had.items()}
        return Keyring(fresh | known)

    def _keyring(self, wrapped: Mapping[Person, _Wrapped]) -> Keyring:
        return Keyring({person: self._unwrapped(person, key) for person, key in wrapped.items()})

    def _unwrap(self, person: Person, wrapped: _Wrapped) -> AESGCM:
        return AESGCM(self._plain(person, wrapped))

    def _plain(self, person: Person, wrapped: _Wrapped) -> bytes:
        master = self._masters.get(wrapped.master)
        if master is None:
            self._lacked[wrapped.master] = monotonic()
            raise Unreadable(f"MESSAGE_ENCRYPTION_KEY lacks the key {wrapped.master}")
        return master.decrypt(wrapped.key[:_NONCE], wrapped.key[_NONCE:], person)

    def _wrap(self, person: Person, key: bytes | None = None) -> bytes:
        nonce = os.urandom(_NONCE)
        plain = os.urandom(KEY_BYTES) if key is None else key
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


def _mint(
    connection: sa.Connection,
    wrapped: Mapping[Person, bytes],
    master: str,
    *,
    lasts: bool = False,
) -> None:
    connection.execute(
        sa.text(
            """
            INSERT INTO person_keys (person, master, wrapped, created_at, lasts)
            SELECT person, :master, wrapped, now(), :lasts
            FROM unnest(CAST(:people AS bytea[]), CAST(:wrapped AS bytea[])) AS k(person, wrapped)
            ON CONFLICT (person) DO NOTHING
            """
        ),
        {
            "people": list(wrapped),
            "wrapped": list(wrapped.values()),
            "master": master,
            "lasts": lasts,
        },
    )


_MINT_MANY: Final = sa.text(
    """
    INSERT INTO person_keys (person, master, wrapped, created_at)
    SELECT person, :master, wrapped, now() FROM minted ORDER BY person
    ON CONFLICT (person) DO NOTHING
    """
)
_HAD: Final = sa.text(
    """
    SELECT k.person, k.master, k.wrapped FROM minted m JOIN person_keys k USING (person)
    WHERE k.wrapped <> m.wrapped ORDER BY k.person FOR KEY SHARE OF k
    """
)


def _mint_many(
    connection: sa.Connection, wrapped: Mapping[Person, bytes], master: str
) -> dict[Person, _Wrapped]:
    """Enter the keys; return those that people had already, which stay."""
    connection.execute(
        sa.text(
            "CREATE TEMPORARY TABLE IF NOT EXISTS minted (person bytea, wrapped bytea)"
            " ON COMMIT DROP"
        )
    )
    connection.execute(sa.text("TRUNCATE minted"))
    copy(connection, "minted (person, wrapped)", wrapped.items())
    connection.execute(_MINT_MANY, {"master": master})
    return {
        bytes(row.person): _Wrapped(row.master, bytes(row.wrapped))
        for row in connection.execute(_HAD)
    }


def _next_people(connection: sa.Connection, after: Person, limit: int) -> list[Person]:
    rows = connection.execute(
        sa.text(
            "SELECT person FROM person_keys WHERE person > :after ORDER BY person LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [bytes(row.person) for row in rows]


def _wrapped_by_others(
    connection: sa.Connection, people: Sequence[Person], current: str
) -> dict[Person, _Wrapped]:
    rows = connection.execute(
        sa.text(
            """
            SELECT person, master, wrapped FROM person_keys
            WHERE person = ANY(:people) AND master <> :current ORDER BY person FOR UPDATE
            """
        ),
        {"people": list(people), "current": current},
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


def _same(channel: str, address: str) -> str:
    return sameness_of(address) if channel == _NUMBERED else address
