"""The query API over the module's database; no broker stands around it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from runtime.auth import Caller
from services.status_projector.app import build
from services.status_projector.settings import ProjectorSettings
from tests.callers import EVERYBODY, signed_in


def api_over(database_url: str, **settings: Any) -> FastAPI:  # noqa: ANN401 - any setting
    """Return the service; nothing that runs beside its endpoints is started."""
    return build(ProjectorSettings(database_url=SecretStr(database_url), **settings))


class Asker:
    """Asks as one caller."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **parameters: Any) -> httpx.Response:  # noqa: ANN401 - any
        """Ask."""
        return await self.client.get(path, params=parameters)

    async def data(self, path: str, **parameters: Any) -> Any:  # noqa: ANN401 - any answer
        """Ask, and return what is in the envelope."""
        answer = await self.get(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@asynccontextmanager
async def asking(app: FastAPI, caller: Caller = EVERYBODY) -> AsyncGenerator[Asker]:
    """Lend somebody who asks as this caller."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=signed_in(caller)
    ) as client:
        yield Asker(client)
