"""How somebody signs in and out (AU-01, IM-30).

A failure is counted before the password is looked at, and taken back if it was right: however many
try at the same time, no more are looked at than may be. What is counted is the name that was
given, whether or not anybody has it, so nothing in the answer tells who is known.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from typing import Final
from uuid import uuid4

import sqlalchemy as sa
from starlette.exceptions import HTTPException

from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller, issue
from runtime.clock import Clock
from runtime.errors import Forbidden, Unauthorized
from runtime.postgres import in_thread
from services.administration.metrics import LOGINS
from services.administration.passwords import Passwords
from services.administration.settings import AdministrationSettings
from services.administration.store import credentials, failures, users
from services.administration.store.credentials import Session
from services.administration.store.failures import Bound
from services.administration.store.users import Standing

log = logging.getLogger(__name__)

WRONG: Final = "Invalid credentials"
"""AU-01's word, for whatever is wrong."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What somebody gets who is let in."""

    token: str
    user_id: int


@dataclass(frozen=True, slots=True)
class _Knock:
    """What stands before the password is looked at."""

    name_open_at: datetime | None
    """When the name may be tried again; None: now."""
    address_open_at: datetime | None
    standing: Standing | None


class Sessions:
    """Begins and ends sessions."""

    def __init__(
        self,
        engine: sa.Engine,
        passwords: Passwords,
        settings: AdministrationSettings,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._passwords = passwords
        self._key = settings.auth_keys[0]
        self._lasts = settings.auth_token_lasts
        self._of_name = Bound(settings.auth_lock_after, settings.auth_lock_for)
        self._of_address = Bound(settings.auth_failures_per_address, settings.auth_lock_for)
        self._clock = clock

    async def sign_in(self, wechat_id: str, password: str, *, address: str) -> SignedIn:
        """Let somebody in. Raises `Unauthorized`, or says 429 to a whole address."""
        name, place = _digest("name", wechat_id), _digest("address", address)
        knock = await in_thread(self._engine, lambda c: self._knock(c, name, place, wechat_id))
        if knock.address_open_at is not None:
            raise self._throttled(knock.address_open_at)
        if knock.name_open_at is not None:
            LOGINS.labels("locked").inc()
            raise Unauthorized(WRONG, retry_after=knock.name_open_at - self._clock())
        standing = knock.standing
        stored = None if standing is None else standing.password_hash
        is_right = await self._passwords.is_right(stored, password)
        if standing is None or not is_right or not standing.may_sign_in:
            LOGINS.labels("refused").inc()
            raise Unauthorized(WRONG)
        return await in_thread(self._engine, lambda c: self._begin(c, standing, name, place))

    async def sign_out(self, caller: Caller) -> None:
        """End the caller's session; a token that stands for itself just expires."""
        reference = caller.credential
        if reference is not None:
            now = self._clock()
            await in_thread(self._engine, lambda c: credentials.end(c, reference, now=now))

    async def change_password(self, caller: Caller, current: str, new: str) -> None:
        """Give the caller another password; all of their sessions end, this one included."""
        user_id = int(caller.user_id) if caller.user_id.isdecimal() else 0
        standing = await in_thread(self._engine, lambda c: users.standing(c, user_id))
        stored = None if standing is None else standing.password_hash
        name = _digest("password", caller.user_id)
        if await in_thread(self._engine, lambda c: self._count(c, name, self._of_name)):
            raise Forbidden("too many wrong passwords: try again later")
        if standing is None or not await self._passwords.is_right(stored, current):
            raise Forbidden("currentPassword: is wrong")
        hashed = await self._passwords.hash(new)

        def change(connection: sa.Connection) -> None:
            users.set_password(connection, standing.user_id, hashed)
            failures.forgive(connection, name)
            audit.note(connection, caller, Action.PASSWORD_CHANGE, caller.user_id)

        await in_thread(self._engine, change)

    def _knock(
        self, connection: sa.Connection, name: bytes, place: bytes, wechat_id: str
    ) -> _Knock:
        # Always in this order, so that two who wait for each other's row cannot be.
        name_open_at = self._count(connection, name, self._of_name)
        address_open_at = self._count(connection, place, self._of_address)
        return _Knock(name_open_at, address_open_at, users.standing_of(connection, wechat_id))

    def _count(self, connection: sa.Connection, who: bytes, bound: Bound) -> datetime | None:
        return failures.count(connection, who, bound, now=self._clock())

    def _begin(
        self, connection: sa.Connection, standing: Standing, name: bytes, place: bytes
    ) -> SignedIn:
        now = self._clock()
        session = Session(uuid4().hex, standing.user_id, standing.version, now, now + self._lasts)
        if not credentials.begin(connection, session):
            # Disabled, or given another password, while we looked.
            raise Unauthorized(WRONG)
        failures.forgive(connection, name)
        failures.take_back(connection, place)
        LOGINS.labels("ok").inc()
        log.info("session.began", extra={"user_id": standing.user_id})
        caller = Caller(str(standing.user_id), None, frozenset(), session.reference)
        return SignedIn(issue(caller, until=session.expires_at, key=self._key), standing.user_id)

    def _throttled(self, open_at: datetime) -> HTTPException:
        LOGINS.labels("throttled").inc()
        seconds = max(ceil((open_at - self._clock()).total_seconds()), 1)
        return HTTPException(
            HTTPStatus.TOO_MANY_REQUESTS, "Too many attempts", {"Retry-After": str(seconds)}
        )


def _digest(kind: str, who: str) -> bytes:
    return sha256(f"{kind}\x00{who}".encode(errors="surrogatepass")).digest()
