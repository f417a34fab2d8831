"""Access tokens that all processes of one database share: renewed by one of them (IM-28, WC-02).

Whoever renews says so in the token's row first, with a time by which it is over, and asks the
provider outside of any transaction; the others look again until the row has what they need. Times
are the database's. A token lies there sealed under a key made of the app's secret, which whoever
has could ask for the token anyhow; so a new secret has a row of its own.
"""

import asyncio
import hmac
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from runtime.postgres import in_thread

RENEWED_WITHIN: Final = timedelta(seconds=10)
"""After that the others take it that who renews is gone."""
_LOOK_EVERY: Final = timedelta(milliseconds=50)
_KEPT: Final = timedelta(days=1)
"""So long after its end a row is kept; those of former secrets then go."""
_NONCE: Final = 12
_KEY: Final = 32


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said instead of a token."""

    why: str
    code: str | None = None
    """The provider's; None where it was not the provider that spoke."""
    status: int | None = None
    """Of HTTP."""
    words: str | None = None


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token, or why there is none."""

    token: str = ""
    refusal: Refusal | None = None

    def __repr__(self) -> str:
        """Return it without the token."""
        return f"Note(refusal={self.refusal!r})"


Lasting = tuple[Note, timedelta]
"""For how long it holds."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token it is."""

    place: str
    """The provider's address."""
    name: str
    secret: SecretStr

    @property
    def key(self) -> bytes:
        """Return what its row is found by: 32 bytes, from which nobody learns the secret."""
        said = f"access token\x00{self.place}\x00{self.name}"
        return hmac.digest(self._secret, said.encode(), "sha256")

    def seal(self, note: Note) -> bytes:
        """Return the note as it is stored."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aes.encrypt(nonce, msgspec.json.encode(note), self.key)

    def open(self, sealed: bytes) -> Note:
        """Return the note that `seal` stored."""
        plain = self._aes.decrypt(sealed[:_NONCE], sealed[_NONCE:], self.key)
        return msgspec.json.decode(plain, type=Note)

    @property
    def _aes(self) -> AESGCM:
        hkdf = HKDF(SHA256(), _KEY, salt=None, info=b"sendtrail access token")
        return AESGCM(hkdf.derive(self._secret))

    @property
    def _secret(self) -> bytes:
        return self.secret.get_secret_value().encode()


@dataclass(frozen=True, slots=True)
class _Row:
    sealed: bytes | None
    age: float
    """Seconds since it was entered."""
    left: float
    """Seconds for which it holds."""
    is_being_renewed: bool


_NOTHING: Final = _Row(None, 0, 0, is_being_renewed=False)


class SharedTokens:
    """The tokens in the database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._began = time.monotonic()

    async def renewed(
        self, account: Account, but: str | None, ask: Callable[[], Awaitable[Lasting]]
    ) -> Lasting:
        """Return what the account's row has and holds, any token ``but`` that one.

        Where there is none, one process asks, and the others get what it was told. Raises
        `DatabaseAway`.
        """
        while True:
            row = await in_thread(self._engine, lambda c: _look(c, account))
            if (found := self._usable(account, row, but)) is not None:
                return found
            if row.is_being_renewed:
                await asyncio.sleep(_LOOK_EVERY.total_seconds())
            elif await in_thread(self._engine, lambda c, seen=row: _take(c, account, seen)):
                return await self._ask(account, ask)

    def _usable(self, account: Account, row: _Row, but: str | None) -> Lasting | None:
        if row.sealed is None or row.left <= 0:
            return None
        note = account.open(row.sealed)
        if note.refusal is None:
            is_usable = note.token != but
        else:
            # One of before this process began may have been mended, and be why it was started.
            is_usable = row.age < time.monotonic() - self._began
        return (note, timedelta(seconds=row.left)) if is_usable else None

    async def _ask(self, account: Account, ask: Callable[[], Awaitable[Lasting]]) -> Lasting:
        try:
            told = await ask()
        except BaseException:
            # Whoever asks is cancelled at times; then somebody else may.
            await in_thread(self._engine, lambda c: _give_up(c, account))
            raise
        await in_thread(self._engine, lambda c: _put(c, account, told))
        return told


_LOOK = sa.text(
    """
    SELECT sealed, EXTRACT(EPOCH FROM now() - noted_at) AS age,
        EXTRACT(EPOCH FROM ends_at - now()) AS left, renewed_by > now() AS is_being_renewed
    FROM access_tokens WHERE account = :account
    """
)


def _look(connection: sa.Connection, account: Account) -> _Row:
    row = connection.execute(_LOOK, {"account": account.key}).one_or_none()
    if row is None:
        return _NOTHING
    sealed = None if row.sealed is None else bytes(row.sealed)
    return _Row(sealed, float(row.age), float(row.left), is_being_renewed=row.is_being_renewed)


_TAKE = sa.text(
    """
    INSERT INTO access_tokens AS t (account, noted_at, ends_at, renewed_by)
    VALUES (:account, now(), now(), now() + :within)
    ON CONFLICT (account) DO UPDATE SET renewed_by = now() + :within
    WHERE t.renewed_by <= now() AND t.sealed IS NOT DISTINCT FROM :seen
    """
)


def _take(connection: sa.Connection, account: Account, seen: _Row) -> bool:
    """Say that we renew it, unless somebody does, or has done so since we looked."""
    taken = connection.execute(
        _TAKE, {"account": account.key, "within": RENEWED_WITHIN, "seen": seen.sealed}
    )
    return taken.rowcount > 0


_PUT = sa.text(
    """
    UPDATE access_tokens SET sealed = :sealed, noted_at = now(), ends_at = now() + :lasts,
        renewed_by = now()
    WHERE account = :account
    """
)
_GIVE_UP = sa.text("UPDATE access_tokens SET renewed_by = now() WHERE account = :account")
_FORGET = sa.text("DELETE FROM access_tokens WHERE ends_at < now() - CAST(:kept AS interval)")


def _give_up(connection: sa.Connection, account: Account) -> None:
    connection.execute(_GIVE_UP, {"account": account.key})


def _put(connection: sa.Connection, account: Account, told: Lasting) -> None:
    note, lasts = told
    values = {"account": account.key, "sealed": account.seal(note), "lasts": lasts}
    connection.execute(_PUT, values)
    connection.execute(_FORGET, {"kept": _KEPT})
