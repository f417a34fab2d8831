"""An administration for tests: a process of its own, and those who call it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy import wiring
from deploy.processes import Process, python_module
from tests.callers import EVERYBODY, signed_in

STARTS_WITHIN = timedelta(seconds=30)
PASSWORD = "correct horse battery staple"

LOCKED_FOR = timedelta(seconds=3)
LOCKED_AFTER = 3


@dataclass(frozen=True, slots=True)
class RunningAdministration:
    """An administration that answers."""

    process: Process
    client: httpx.AsyncClient
    log: Path

    async def login(self, wechat_id: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in."""
        body = {"wechatId": wechat_id, "password": password}
        return await self.client.post("/api/auth/login", json=body)

    async def session(self, wechat_id: str, password: str = PASSWORD) -> dict[str, str]:
        """Sign in and return the headers of the session's calls."""
        answer = await self.login(wechat_id, password)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    async def me(self, headers: Mapping[str, str]) -> int:
        """Return the status of asking who one is."""
        return (await self.client.get("/api/auth/me", headers=headers)).status_code

    async def create(
        self,
        what: str,
        headers: Mapping[str, str] | None = None,
        /,
        **body: Any,  # noqa: ANN401 - any field
    ) -> Any:  # noqa: ANN401 - JSON
        """Make a user, a role, a tenant or a key; return what was told of it."""
        answer = await self.client.post(
            f"/api/v1/{what}", json=body, headers=headers or signed_in(EVERYBODY)
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    async def change(
        self,
        what: str,
        headers: Mapping[str, str] | None = None,
        **body: Any,  # noqa: ANN401 - any field
    ) -> httpx.Response:
        """Change something."""
        return await self.client.patch(
            f"/api/v1/{what}", json=body, headers=headers or signed_in(EVERYBODY)
        )

    async def look(self, what: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Get something."""
        return await self.client.get(f"/api/v1/{what}", headers=headers or signed_in(EVERYBODY))

    async def role(self, name: str) -> str:
        """Return the id of a built-in role."""
        items = (await self.look("roles?limit=200")).json()["data"]["items"]
        return next(one["id"] for one in items if one["name"] == name)

    async def a_user(self, wechat_id: str, role: str = "agent", **body: Any) -> str:  # noqa: ANN401 - any field
        """Make a person and return the id."""
        fields = {"wechatId": wechat_id, "name": wechat_id, "roleId": await self.role(role)}
        made = await self.create("users", **(fields | {"password": PASSWORD} | body))
        return made["id"]


async def start_administration(
    database_url: str, logs: Path, **environment: str
) -> RunningAdministration:
    """Start one on a free port."""
    seat = next(seat for seat in wiring.seats({}) if seat.service == "administration")
    settings = {
        "DATABASE_URL": database_url,
        "HTTP_PORT": str(seat.port),
        "AUTH_LOCK_AFTER": str(LOCKED_AFTER),
        "AUTH_LOCK_FOR": f"PT{LOCKED_FOR.total_seconds():.0f}S",
    }
    log = logs / f"administration-{seat.port}.log"
    process = Process("administration", python_module(seat.module), settings | environment, log)
    process.start()
    await asyncio.to_thread(process.wait_ready, seat.url + "/readyz", STARTS_WITHIN)
    client = httpx.AsyncClient(base_url=seat.url, trust_env=False, timeout=30)
    return RunningAdministration(process, client, log)


async def stop_administration(running: RunningAdministration) -> None:
    """End it."""
    await running.client.aclose()
    if running.process.is_running():
        await asyncio.to_thread(running.process.terminate)
