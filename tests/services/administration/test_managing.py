"""What an administrator may do, how soon it holds, and what is noted of it (IM-29, IM-31)."""

from datetime import timedelta
from uuid import uuid4

import pytest

from runtime.auth import Permission
from runtime.clock import now
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually, seconds
from tests.services.administration.administrations import PASSWORD, RunningAdministration

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

WITHIN = seconds(10)


def new_name(kind: str = "wx") -> str:
    """Return a name that nobody had."""
    return f"{kind}_{uuid4().hex[:12]}"


async def a_tenant(administration: RunningAdministration) -> str:
    """Make a tenant and return its id."""
    return (await administration.create("tenants", tenantId=new_name("t"), name="Acme"))["id"]


async def test_every_installation_has_the_roles_of_the_seeds_and_nobody_changes_them(
    administration: RunningAdministration,
) -> None:
    items = (await administration.look("roles?limit=200")).json()["data"]["items"]
    built_in = {one["name"]: one for one in items if one["isBuiltIn"]}

    refused = await administration.change(f"roles/{built_in['agent']['id']}", permissions=[])

    assert {"agent", "technician", "operator", "administrator", "upstream"} == set(built_in)
    assert set(built_in["administrator"]["permissions"]) == set(Permission)
    assert refused.status_code == 409


async def test_a_user_who_is_disabled_is_out_within_seconds_and_in_again_only_by_signing_in(
    administration: RunningAdministration,
) -> None:
    name = new_name()
    user_id = await administration.a_user(name)
    headers = await administration.session(name)

    changed = await administration.change(f"users/{user_id}", isDisabled=True)

    async def is_out() -> bool:
        return await administration.me(headers) == 401

    assert changed.json()["data"]["isDisabled"] is True
    await eventually(is_out, within=WITHIN)
    assert (await administration.login(name)).json() == {"error": "Invalid credentials"}
    await administration.change(f"users/{user_id}", isDisabled=False)
    fresh = await administration.session(name)
    assert (await administration.me(fresh), await administration.me(headers)) == (200, 401)


async def test_a_role_that_changes_changes_what_its_users_may_do_within_seconds(
    administration: RunningAdministration,
) -> None:
    role = await administration.create(
        "roles", name=new_name("auditor"), permissions=[Permission.AUDIT_VIEW]
    )
    name = new_name()
    await administration.a_user(name, roleId=role["id"])
    headers = await administration.session(name)
    assert (await administration.look("audit", headers)).status_code == 200

    await administration.change(f"roles/{role['id']}", permissions=[])

    async def may_not() -> bool:
        return (await administration.look("audit", headers)).status_code == 403

    await eventually(may_not, within=WITHIN)


async def test_a_tenant_that_is_disabled_lets_nobody_in(
    administration: RunningAdministration,
) -> None:
    tenant, name = await a_tenant(administration), new_name()
    await administration.a_user(name, tenantId=tenant)
    headers = await administration.session(name)

    await administration.change(f"tenants/{tenant}", isDisabled=True)

    async def is_out() -> bool:
        return await administration.me(headers) == 401

    await eventually(is_out, within=WITHIN)
    assert (await administration.login(name)).status_code == 401


@pytest.mark.parametrize(
    ("expires_at", "status"),
    [
        ("2030-01-01T00:00:00+18:35", 201),  # PostgreSQL knows no such offset
        ("9999-12-31T23:59:59-10:00", 400),  # in UTC a year that could be written and not read
        ("2020-01-01T00:00:00Z", 400),
    ],
)
async def test_a_key_ends_at_a_moment_that_can_be_kept(
    administration: RunningAdministration, expires_at: str, status: int
) -> None:
    machine = await administration.a_user(new_name(), "upstream", isMachine=True, password=None)
    path = f"/api/v1/users/{machine}/keys"

    answer = await administration.client.post(
        path, json={"name": "k", "expiresAt": expires_at}, headers=signed_in()
    )

    assert (answer.status_code, "expiresAt" in answer.text) == (status, status == 400)
    assert (await administration.look(f"users/{machine}/keys")).status_code == 200


async def test_the_trail_is_asked_about_any_moment(administration: RunningAdministration) -> None:
    offset = await administration.look("audit?from=2026-01-01T00:00:00%2B18:35")
    far = await administration.look("audit?to=9999-12-31T23:59:59-10:00")

    assert offset.status_code == 200
    assert (far.status_code, far.json()["data"]) == (400, {"field": "to"})


async def test_a_machine_shows_a_key_that_is_told_once_until_it_is_revoked(
    administration: RunningAdministration,
) -> None:
    machine = await administration.a_user(new_name(), "upstream", isMachine=True, password=None)
    made = await administration.create(f"users/{machine}/keys", name="crm")
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert await administration.me(headers) == 200

    listed = (await administration.look(f"users/{machine}/keys")).json()["data"]
    revoked = await administration.client.delete(
        f"/api/v1/users/{machine}/keys/{made['id']}", headers=signed_in()
    )

    async def is_void() -> bool:
        return await administration.me(headers) == 401

    assert [(one["id"], one["name"]) for one in listed] == [(made["id"], "crm")]
    assert made["key"] not in str(listed)
    assert revoked.status_code == 204
    await eventually(is_void, within=WITHIN)


async def test_nobody_gives_or_takes_over_what_they_have_not(
    administration: RunningAdministration,
) -> None:
    tenant = await a_tenant(administration)
    chief = await administration.a_user(new_name(), "administrator", tenantId=tenant)
    clerk = signed_in(of_tenant(tenant, Permission.USERS_MANAGE, Permission.JOBS_VIEW))
    admin_role = await administration.role("administrator")
    body = {"wechatId": new_name(), "name": "x", "roleId": admin_role, "password": PASSWORD}

    attempts = [
        await administration.client.post("/api/v1/users", json=body, headers=clerk),
        await administration.change(f"users/{chief}", clerk, password="taken over, it seems"),
        await administration.change(f"users/{chief}", clerk, isDisabled=True),
        await administration.client.post(
            f"/api/v1/users/{chief}/keys", json={"name": "k"}, headers=clerk
        ),
        await administration.client.post(
            "/api/v1/roles",
            json={"name": new_name(), "permissions": [Permission.AUDIT_VIEW]},
            headers=clerk,
        ),
        await administration.client.post(
            "/api/v1/tenants", json={"tenantId": new_name(), "name": "x"}, headers=clerk
        ),
        await administration.client.post(
            "/api/v1/users", json=body | {"tenantId": "another"}, headers=clerk
        ),
    ]

    assert [one.status_code for one in attempts] == [403] * len(attempts)


async def test_a_tenants_administrator_sees_and_makes_users_of_the_tenant_only(
    administration: RunningAdministration,
) -> None:
    ours, theirs = await a_tenant(administration), await a_tenant(administration)
    stranger = await administration.a_user(new_name(), tenantId=theirs)
    their_role = await administration.create(
        "roles", name="r", permissions=[Permission.JOBS_VIEW], tenantId=theirs
    )
    admin = signed_in(of_tenant(ours))
    made = await administration.create(
        "users",
        admin,
        wechatId=new_name(),
        name="Ada",
        roleId=await administration.role("agent"),
        password=PASSWORD,
    )

    listed = (await administration.look("users", admin)).json()["data"]["items"]
    role_names = (await administration.look("roles?limit=200", admin)).json()["data"]["items"]

    assert [one["id"] for one in listed] == [made["id"]]
    assert made["tenantId"] == ours
    assert their_role["id"] not in [one["id"] for one in role_names]
    attempts = [
        await administration.look(f"users/{stranger}", admin),
        await administration.change(f"users/{stranger}", admin, name="x"),
        await administration.look(f"users/{stranger}/keys", admin),
        await administration.change(f"roles/{their_role['id']}", admin, name="x"),
        await administration.change(f"tenants/{theirs}", admin, name="x"),
    ]
    assert [one.status_code for one in attempts] == [404] * len(attempts)


async def test_lists_come_in_parts_and_each_is_there_once(
    administration: RunningAdministration,
) -> None:
    tenant = await a_tenant(administration)
    made = [await administration.a_user(new_name(), tenantId=tenant) for _ in range(5)]
    admin = signed_in(of_tenant(tenant))

    seen: list[str] = []
    cursor = ""
    while True:
        data = (await administration.look(f"users?limit=2{cursor}", admin)).json()["data"]
        seen += [one["id"] for one in data["items"]]
        if data["nextCursor"] is None:
            break
        cursor = f"&cursor={data['nextCursor']}"

    assert seen == made
    assert (await administration.look("users?cursor=x", admin)).status_code == 400


async def test_the_trail_says_who_changed_what_from_what_to_what(
    administration: RunningAdministration,
) -> None:
    tenant, name = await a_tenant(administration), new_name()
    user_id = await administration.a_user(name, tenantId=tenant)
    admin = signed_in(of_tenant(tenant)) | {"X-Correlation-Id": "case-17"}
    await administration.change(f"users/{user_id}", admin, name="Ada", isDisabled=True)

    answer = await administration.look(f"audit?about={user_id}", signed_in(of_tenant(tenant)))
    elsewhere = await administration.look(f"audit?about={user_id}", signed_in(of_tenant("else")))

    newest, first = answer.json()["data"]["items"]
    assert (newest["actor"], newest["action"]) == ("2", "user.change")
    assert newest["changes"] == {"name": [name, "Ada"], "isDisabled": [False, True]}
    assert newest["correlationId"] == "case-17"
    assert (first["action"], first["changes"]["wechat_id"]) == ("user.create", [None, name])
    assert elsewhere.json()["data"]["items"] == []


async def test_the_trail_is_filtered_and_paged(administration: RunningAdministration) -> None:
    tenant = await a_tenant(administration)
    for _ in range(3):
        await administration.a_user(new_name(), tenantId=tenant)
    soon = (now() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")

    page = (await administration.look(f"audit?tenantId={tenant}&limit=2")).json()["data"]
    rest = (
        await administration.look(f"audit?tenantId={tenant}&cursor={page['nextCursor']}")
    ).json()["data"]
    future = (await administration.look(f"audit?tenantId={tenant}&from={soon}")).json()["data"]
    foreign = await administration.look("audit?tenantId=else", signed_in(of_tenant(tenant)))

    assert (len(page["items"]), len(rest["items"])) == (2, 2)
    assert rest["items"][-1]["action"] == "tenant.create"
    assert future["items"] == []
    assert foreign.status_code == 403


async def test_nobody_of_a_tenant_erases_a_person_who_may_be_anothers_customer_too(
    administration: RunningAdministration,
) -> None:
    path = "/api/whatsapp/customers/+16505550001/data?confirm=%2B16505550001"
    ours = of_tenant("acme", Permission.PEOPLE_ERASE)

    refused = await administration.client.delete(path, headers=signed_in(ours))
    erased = await administration.client.delete(path, headers=signed_in())

    assert (refused.status_code, erased.status_code) == (403, 200)
