"""What callers and the log learn of what goes wrong (CF-08)."""

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from runtime.http_errors import shape_errors
from tests.eventually import eventually, seconds
from tests.services.ingest_webhook.ingesters import (
    FLAT,
    GRAPH,
    TEXT,
    RunningIngester,
    StartIngester,
    said,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    ("method", "path", "shape"),
    [
        ("PUT", GRAPH, (405, TEXT, "Method Not Allowed")),
        (
            "GET",
            FLAT,
            (
                405,
                "application/json",
                '{"code": 405, "message": "Method Not Allowed", "data": null}',
            ),
        ),
        (
            "POST",
            FLAT + "es",
            (404, "application/json", '{"code": 404, "message": "Not Found", "data": null}'),
        ),
        ("POST", GRAPH + "/x", (404, TEXT, "Not Found")),
        ("GET", "/elsewhere", (404, "application/json", '{"error": "Not Found"}')),
    ],
)
async def test_a_wrong_address_or_method_is_answered_in_its_familys_shape(
    ingester: RunningIngester, method: str, path: str, shape: tuple[int, str, str]
) -> None:
    answer = await ingester.client.request(method, path)

    assert said(answer) == shape
    assert ("allow" in answer.headers) == (answer.status_code == 405)


async def test_neither_words_nor_numbers_are_logged(an_ingester: StartIngester) -> None:
    ingester = await an_ingester(LOG_LEVEL="DEBUG")
    secret_words = b"+8613800138000 says: meet me at noon"

    answers = [
        await ingester.post(secret_words),
        await ingester.client.post(GRAPH, content=secret_words),
        await ingester.client.get(GRAPH, params={"hub.challenge": secret_words.decode()}),
        await ingester.client.get("/elsewhere/8613800138000"),
    ]

    async def is_logged() -> bool:
        return "malformed" in ingester.process.log_path.read_text()

    assert [answer.status_code for answer in answers] == [400, 403, 403, 404]
    await eventually(is_logged, within=seconds(5))
    written = ingester.process.log_path.read_text()
    assert "8613800138000" not in written
    assert "noon" not in written


async def test_a_fault_of_ours_tells_nothing_of_itself() -> None:
    """A 500 in either family's shape; here without a server, since there is no such fault."""
    app = FastAPI()
    shape_errors(app)

    async def broken(_: Request) -> Response:
        raise RuntimeError("the innermost secret")

    app.add_route(GRAPH, broken, methods=["POST"])
    app.add_route(FLAT, broken, methods=["POST"])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        text, envelope = await client.post(GRAPH), await client.post(FLAT)

    assert said(text) == (500, TEXT, "Internal error")
    assert envelope.json() == {"code": 500, "message": "Internal error", "data": None}
