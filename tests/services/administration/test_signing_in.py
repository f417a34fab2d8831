"""Who is let in, who is not, and that neither is told more than that (AU-01, IM-30)."""

import asyncio
from uuid import uuid4

import pytest
import sqlalchemy as sa

from runtime.auth import Permission
from tests.eventually import eventually, seconds
from tests.services.administration.administrations import (
    LOCKED_AFTER,
    LOCKED_FOR,
    PASSWORD,
    RunningAdministration,
    start_administration,
    stop_administration,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

WRONG = "not the password at all"
SOON = LOCKED_FOR + seconds(10)


def somebody() -> str:
    """Return a WeChat ID that nobody had."""
    return f"wx_{uuid4().hex[:12]}"


async def test_who_has_the_password_gets_a_token_and_their_id_exactly(
    administration: RunningAdministration,
) -> None:
    name = somebody()
    user_id = await administration.a_user(name)

    answer = await administration.login(name)

    said = answer.json()
    assert answer.status_code == 200
    assert said == {"token": said["token"], "user": {"id": user_id}}
    headers = {"Authorization": f"Bearer {said['token']}"}
    me = (await administration.client.get("/api/auth/me", headers=headers)).json()
    assert (me["id"], me["tenantId"]) == (user_id, None)
    assert (me["wechatId"], me["name"], me["role"]) == (name, name, "agent")
    assert Permission.MESSAGES_SEND in me["permissions"]
    assert Permission.USERS_MANAGE not in me["permissions"]


async def test_a_wrong_password_and_an_unknown_name_are_told_the_same(
    administration: RunningAdministration,
) -> None:
    name = somebody()
    await administration.a_user(name)

    wrong = await administration.login(name, WRONG)
    unknown = await administration.login(somebody(), WRONG)

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json() == unknown.json() == {"error": "Invalid credentials"}
    assert wrong.headers.keys() == unknown.headers.keys()


async def test_after_some_wrong_passwords_a_name_is_locked_known_or_not_and_opens_again(
    administration: RunningAdministration,
) -> None:
    name, nobody = somebody(), somebody()
    await administration.a_user(name)
    for _ in range(LOCKED_AFTER):
        await administration.login(name, WRONG)
        await administration.login(nobody, WRONG)

    locked = await administration.login(name)
    unknown = await administration.login(nobody)

    assert (locked.status_code, unknown.status_code) == (401, 401)
    assert locked.json() == unknown.json() == {"error": "Invalid credentials"}
    assert {"retry-after"} <= locked.headers.keys() == unknown.headers.keys()

    async def is_let_in() -> bool:
        return (await administration.login(name)).status_code == 200

    await eventually(is_let_in, within=SOON)


async def test_many_guesses_at_the_same_time_are_no_more_than_the_bound(
    administration: RunningAdministration,
) -> None:
    name = somebody()
    await administration.a_user(name)

    answers = await asyncio.gather(*(administration.login(name, WRONG) for _ in range(8)))

    looked_at = [one for one in answers if "retry-after" not in one.headers]
    assert {one.status_code for one in answers} == {401}
    assert len(looked_at) == LOCKED_AFTER


async def test_an_address_that_tries_many_names_is_throttled(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs = tmp_path_factory.mktemp("throttled")
    running = await start_administration(
        database_url, logs, AUTH_FAILURES_PER_ADDRESS="4", AUTH_TRUSTED_PROXIES="127.0.0.1"
    )
    body = {"wechatId": "", "password": WRONG}
    statuses: list[int] = []
    for _ in range(6):
        answer = await running.client.post(
            "/api/auth/login",
            json=body | {"wechatId": somebody()},
            headers={"X-Forwarded-For": "192.0.2.7"},
        )
        statuses.append(answer.status_code)
    elsewhere = await running.client.post(
        "/api/auth/login", json=body, headers={"X-Forwarded-For": "192.0.2.8"}
    )
    await stop_administration(running)

    assert statuses == [401] * 4 + [429] * 2
    assert elsewhere.status_code == 401


async def test_signing_out_ends_this_session_and_no_other(
    administration: RunningAdministration,
) -> None:
    name = somebody()
    await administration.a_user(name)
    here, there = await administration.session(name), await administration.session(name)

    out = await administration.client.post("/api/auth/logout", headers=here)

    async def is_out() -> bool:
        return await administration.me(here) == 401

    assert out.status_code == 204
    await eventually(is_out, within=seconds(10))
    assert await administration.me(there) == 200


async def test_another_password_ends_every_session(administration: RunningAdministration) -> None:
    name, new = somebody(), "an entirely new password"
    await administration.a_user(name)
    sessions = [await administration.session(name) for _ in range(2)]
    change = {"currentPassword": WRONG, "newPassword": new}

    wrong = await administration.client.post("/api/auth/password", json=change, headers=sessions[0])
    right = await administration.client.post(
        "/api/auth/password", json=change | {"currentPassword": PASSWORD}, headers=sessions[0]
    )

    assert (wrong.status_code, right.status_code) == (403, 204)

    async def all_are_out() -> bool:
        return [await administration.me(one) for one in sessions] == [401, 401]

    await eventually(all_are_out, within=seconds(10))
    assert (await administration.login(name)).status_code == 401
    assert (await administration.login(name, new)).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"wechatId": "ada"}, "password"),
        ({"wechatId": 1, "password": "x"}, "wechatId"),
        ({"wechatId": "a", "password": "x", "role": "y"}, "role"),
        ([], "body"),
    ],
)
async def test_a_body_that_is_no_login_is_told_which_field_is_wrong(
    administration: RunningAdministration, body: object, field: str
) -> None:
    answer = await administration.client.post("/api/auth/login", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(field)


async def test_no_password_token_or_key_is_in_the_log_or_in_clear_in_a_table(
    administration: RunningAdministration, database: sa.Engine
) -> None:
    name, wrong = somebody(), f"wrong {uuid4().hex}"
    await administration.a_user(name)
    await administration.login(name, wrong)
    headers = await administration.session(name)
    token = headers["Authorization"].split()[1]
    machine = await administration.a_user(somebody(), "upstream", isMachine=True, password=None)
    key = (await administration.create(f"users/{machine}/keys", name="k"))["key"]

    log = administration.log.read_text()
    with database.connect() as connection:
        rows = [
            str(connection.execute(sa.text(f"SELECT json_agg(t) FROM {table} t")).scalar_one())  # noqa: S608 - our own words only
            for table in ("users", "credentials", "audit_log", "login_failures")
        ]

    assert "session.began" in log
    for secret in (PASSWORD, wrong, token, token.rsplit(".")[-1], key):
        assert [secret in text for text in (log, *rows)] == [False] * 5
