"""Who is let in by a token, a key or a ticket, and for how long (AU-02, AU-03)."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import jwt
import psycopg2
import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import event
from starlette.websockets import WebSocket

from runtime import credentials
from runtime.auth import AuthSettings, Caller, Guard, Permission, issue, reference_of
from runtime.clock import now
from runtime.errors import Forbidden, Unauthorized
from runtime.http_errors import shape_errors
from runtime.postgres import connect
from tests.callers import EVERYBODY, SIGNING_KEY, of_tenant, token_of
from tests.eventually import eventually, seconds

OTHER_KEY = "a key that this service was never told"
SETTINGS = AuthSettings(auth_signing_keys=SecretStr(SIGNING_KEY))
NOWHERE = sa.create_engine("postgresql+psycopg2://127.0.0.1:1/nothing")

P = Permission.MESSAGES_VIEW


@pytest.fixture
def guard() -> Guard:
    """Return a guard without a database: tokens that stand for themselves need none."""
    return Guard(SETTINGS, NOWHERE)


@pytest.fixture
async def client(guard: Guard) -> AsyncGenerator[AsyncClient]:
    """Return a client of an API of two families that asks for a permission."""
    app = FastAPI()
    shape_errors(app)
    for path in ("/api/v1/thing", "/api/whatsapp/thing"):
        app.get(path, dependencies=[Depends(guard.needs(P))])(lambda: "in")
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as made:
        yield made


def unsigned(token: str) -> str:
    """Return the same claims under `alg: none`."""
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def promoted(token: str) -> str:
    """Return the token with another user in it, under the old signature."""
    header, claims, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    lie = base64.urlsafe_b64encode(json.dumps(said | {"sub": "0"}).encode()).rstrip(b"=")
    return f"{header}.{lie.decode()}.{signature}"


BAD = {
    "nothing": "",
    "no token at all": "Bearer",
    "another scheme": f"Basic {token_of()}",
    "expired": f"Bearer {token_of(lasts=timedelta(seconds=-1))}",
    "another key": f"Bearer {issue(EVERYBODY, until=now() + timedelta(hours=1), key=OTHER_KEY)}",
    "unsigned": f"Bearer {unsigned(token_of())}",
    "tampered": f"Bearer {promoted(token_of())}",
    "no end": f"Bearer {jwt.encode({'sub': '1'}, SIGNING_KEY, 'HS256')}",
    "another algorithm": "Bearer "
    + jwt.encode({"sub": "1", "exp": now() + timedelta(hours=1)}, SIGNING_KEY * 2, "HS512"),
    "endless": "Bearer " + "a" * 5_000,
}


@pytest.mark.parametrize("said", BAD.values(), ids=BAD.keys())
async def test_whoever_shows_no_good_token_is_told_401_in_the_shape_of_the_family(
    client: AsyncClient, said: str
) -> None:
    headers = {"Authorization": said} if said else {}

    enveloped = await client.get("/api/v1/thing", headers=headers)
    outcome = await client.get("/api/whatsapp/thing", headers=headers)

    assert (enveloped.status_code, outcome.status_code) == (401, 401)
    assert enveloped.json().keys() == {"code", "message", "data"}
    assert outcome.json()["success"] is False
    assert enveloped.headers["WWW-Authenticate"] == "Bearer"


async def test_a_missing_permission_is_403_and_named(client: AsyncClient) -> None:
    poor = token_of(of_tenant("acme", Permission.JOBS_VIEW))

    answer = await client.get("/api/v1/thing", headers={"Authorization": f"Bearer {poor}"})

    assert answer.status_code == 403
    assert answer.json()["message"] == "missing permission messages:view"


async def test_a_token_of_a_key_that_was_replaced_is_good_as_long_as_the_key_is_named() -> None:
    keys = SecretStr(f"{OTHER_KEY},{SIGNING_KEY}")
    guard = Guard(AuthSettings(auth_signing_keys=keys), NOWHERE)

    assert (await guard.caller_of(token_of())).user_id == EVERYBODY.user_id


async def test_a_token_that_was_good_a_moment_ago_expires(guard: Guard) -> None:
    short = token_of(lasts=timedelta(seconds=1.2))
    await guard.caller_of(short)

    async def is_refused() -> bool:
        try:
            await guard.caller_of(short)
        except Unauthorized:
            return True
        return False

    await eventually(is_refused, within=seconds(10))


async def test_a_ticket_opens_streams_and_nothing_else(guard: Guard) -> None:
    ticket = guard.ticket(of_tenant("acme", P))

    caller = await guard.socket_caller(a_socket(query=f"ticket={ticket}"), P)

    assert (caller.tenant_id, caller.permissions) == ("acme", {P})
    with pytest.raises(Unauthorized):
        await guard.caller_of(ticket)
    with pytest.raises(Unauthorized):
        await guard.socket_caller(a_socket(query=f"ticket={token_of()}"), P)


async def test_a_browser_shows_its_token_as_a_subprotocol(guard: Guard) -> None:
    caller = await guard.socket_caller(a_socket("bearer", token_of()), P)

    assert caller.user_id == EVERYBODY.user_id
    with pytest.raises(Unauthorized):
        await guard.socket_caller(a_socket("bearer"), P)
    poor = token_of(of_tenant("acme", Permission.JOBS_VIEW))
    with pytest.raises(Forbidden):
        await guard.socket_caller(a_socket("bearer", poor), P)


def a_socket(*subprotocols: str, query: str = "") -> WebSocket:
    """Return a WebSocket as it is before the handshake."""

    async def receive() -> dict[str, str]:
        return {}

    async def send(_: object) -> None:
        return None

    scope = {
        "type": "websocket",
        "headers": [],
        "query_string": query.encode(),
        "subprotocols": list(subprotocols),
    }
    return WebSocket(scope, receive, send)


@pytest.mark.stack
class TestWithSessions:
    """What the database says of a credential."""

    @pytest.fixture
    def engine(self, database_url: str) -> sa.Engine:
        return connect(database_url)

    @pytest.fixture
    def session(self, database: sa.Engine) -> str:
        """Return the reference of a session of a user with one permission."""
        reference = uuid4().hex
        with database.begin() as connection:
            connection.execute(
                sa.text(
                    """
                    WITH r AS (
                        INSERT INTO roles (name, permissions, created_at)
                        VALUES (:name, ARRAY['messages:view'], now()) RETURNING role_id
                    ), u AS (
                        INSERT INTO users (wechat_id, name, role_id, created_at)
                        SELECT :name, :name, role_id, now() FROM r RETURNING user_id, version
                    )
                    INSERT INTO credentials (reference, user_id, is_api_key, version, created_at)
                    SELECT :reference, user_id, false, version, now() FROM u
                    """
                ),
                {"name": reference, "reference": reference},
            )
        return reference

    @pytest.mark.parametrize(
        "ends",
        [
            "UPDATE credentials SET revoked_at = now() WHERE reference = :session",
            "UPDATE credentials SET expires_at = now() WHERE reference = :session",
            "UPDATE users SET disabled_at = now() WHERE wechat_id = :session",
            "UPDATE users SET version = version + 1 WHERE wechat_id = :session",
            "UPDATE roles SET disabled_at = now() WHERE name = :session",
            "UPDATE roles SET permissions = '{}' WHERE name = :session",
        ],
    )
    async def test_what_ends_a_session_is_known_to_every_process_within_seconds(
        self, engine: sa.Engine, database: sa.Engine, session: str, ends: str
    ) -> None:
        guards = [Guard(SETTINGS, engine), Guard(SETTINGS, engine)]
        token = token_of(Caller("?", None, frozenset(), session))
        lets_in = [_lets_in(guard, token) for guard in guards]
        assert [await one() for one in lets_in] == [True, True]

        with database.begin() as connection:
            connection.execute(sa.text(ends), {"session": session})

        for one in lets_in:
            await eventually(_not(one), within=credentials.FRESH + timedelta(seconds=3))

    async def test_a_thousand_calls_of_many_sessions_ask_the_database_once_or_twice(
        self, engine: sa.Engine, session: str
    ) -> None:
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        guard = Guard(SETTINGS, engine)
        token = token_of(Caller("?", None, frozenset(), session))

        await asyncio.gather(*(guard.caller_of(token) for _ in range(1_000)))

        assert len([one for one in asked if "credentials" in one]) <= 2

    async def test_what_was_good_stays_good_while_the_database_is_away(
        self, database_url: str, session: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        is_away = False

        def connected() -> object:
            if is_away:
                raise psycopg2.OperationalError("connection refused")
            return psycopg2.connect(database_url.replace("+psycopg2", ""))

        engine = sa.create_engine(
            "postgresql+psycopg2://", creator=connected, poolclass=sa.NullPool
        )
        guard = Guard(SETTINGS, engine)
        token = token_of(Caller("?", None, frozenset(), session))
        await guard.caller_of(token)
        monkeypatch.setattr(credentials, "FRESH", timedelta(0))
        is_away = True

        assert (await guard.caller_of(token)).permissions == {P}
        with pytest.raises(credentials.DatabaseAway):
            await guard.caller_of(token_of(Caller("?", None, frozenset(), "unseen")))

    async def test_an_api_key_is_known_by_its_hash(
        self, engine: sa.Engine, database: sa.Engine, session: str
    ) -> None:
        key = "stk_" + uuid4().hex
        with database.begin() as connection:
            connection.execute(
                sa.text(
                    "UPDATE credentials SET reference = :hash, is_api_key = true, version = NULL"
                    " WHERE reference = :session"
                ),
                {"hash": reference_of(key), "session": session},
            )

        guard = Guard(SETTINGS, engine)

        assert (await guard.caller_of(key)).permissions == {P}
        with pytest.raises(Unauthorized):
            await guard.caller_of(key + "x")

    async def test_a_stream_ends_with_its_session(
        self, engine: sa.Engine, database: sa.Engine, session: str
    ) -> None:
        guard = Guard(SETTINGS, engine)
        caller = await guard.caller_of(token_of(Caller("?", None, frozenset(), session)))
        watching = asyncio.create_task(guard.until_gone(caller, P))

        with database.begin() as connection:
            connection.execute(
                sa.text("UPDATE credentials SET revoked_at = now() WHERE reference = :session"),
                {"session": session},
            )

        async with asyncio.timeout(20):
            await watching

    async def test_a_stream_is_told_what_its_caller_may_no_longer_do(
        self, engine: sa.Engine, database: sa.Engine, session: str
    ) -> None:
        alter = sa.text("UPDATE roles SET permissions = :permissions WHERE name = :session")
        both = {P, Permission.JOBS_VIEW}

        def allow(permissions: set[Permission]) -> None:
            values = {"permissions": sorted(permissions), "session": session}
            with database.begin() as connection:
                connection.execute(alter, values)

        allow(both)
        guard = Guard(SETTINGS, engine)
        caller = await guard.caller_of(token_of(Caller("?", None, frozenset(), session)))
        known: asyncio.Queue[Caller] = asyncio.Queue()
        watching = asyncio.create_task(guard.until_gone(caller, P, known.put_nowait))

        async with asyncio.timeout(20):
            allow({P})
            assert caller.permissions == both
            assert (await known.get()).permissions == {P}
            allow({Permission.JOBS_VIEW})
            await watching


def _lets_in(guard: Guard, token: str) -> Callable[[], Awaitable[bool]]:
    async def lets_in() -> bool:
        try:
            return P in (await guard.caller_of(token)).permissions
        except Unauthorized:
            return False

    return lets_in


def _not(ask: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    async def is_not() -> bool:
        return not await ask()

    return is_not
