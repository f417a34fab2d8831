"""No query that the documents make conceivable, and none beside them, is answered with a 500."""

import asyncio
from typing import Any, Final

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, reject, settings

from tests.callers import signed_in
from tests.services.status_projector.asking import api_over

pytestmark = pytest.mark.stack

TAGS: Final = {"messages", "conversations", "statistics", "explain", "jobs", "tasks"}
EXAMPLES: Final = 8


@pytest.fixture(scope="module")
def app(database_url: str) -> FastAPI:
    return api_over(database_url)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.name)
def test_no_query_breaks_the_projector(app: FastAPI, mode: schemathesis.GenerationMode) -> None:
    asked = _asked_for(schemathesis.openapi.from_dict(app.openapi()))

    with asyncio.Runner() as loop:
        for operation in asked:
            statuses = _asked(app, loop, operation, mode)
            assert statuses <= {200, 400, 401, 404}, operation.label

    assert len(asked) >= 10


def _asked_for(schema: Any) -> list[Any]:  # noqa: ANN401 - schemathesis's own
    operations = [found.ok() for found in schema.get_all_operations()]
    return [one for one in operations if one.method == "get" and TAGS & set(one.tags or ())]


def _asked(
    app: FastAPI,
    loop: asyncio.Runner,
    operation: Any,  # noqa: ANN401 - schemathesis's own
    mode: schemathesis.GenerationMode,
) -> set[int]:
    statuses: set[int] = set()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://test", headers=signed_in())

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:  # noqa: ANN401 - the same
        said: dict[str, Any] = case.as_transport_kwargs(base_url=str(client.base_url))
        try:
            request = client.build_request("GET", said["url"], params=said.get("params"))
        except (httpx.InvalidURL, UnicodeError):
            reject()  # No client could write it down.
        statuses.add(loop.run(client.send(request)).status_code)

    send()
    return statuses
