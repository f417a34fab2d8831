"""An address with a NUL in it is answered in its family's shape."""

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient

from runtime.errors import NotFound
from runtime.http_errors import shape_errors


@pytest.fixture
def app() -> FastAPI:
    """Return an application that asks for what it is given."""
    app = FastAPI()
    shape_errors(app)

    @app.api_route("/{path:path}", methods=["GET", "PUT", "DELETE", "POST"])
    async def everything(path: str, request: Request) -> str:
        if path.startswith("api/push/"):
            raise NotFound("Push not found")
        if "\x00" in path + "".join(f"{one}{value}" for one, value in request.query_params.items()):
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")
        return path

    return app


@pytest.mark.parametrize(
    ("method", "address", "status", "body"),
    [
        ("GET", "/api/feedback?taskId=%00", 400, {"error": "taskId: must not contain a NUL"}),
        ("GET", "/api/preview?a=1&taskId=a%00b", 400, {"error": "taskId: must not contain a NUL"}),
        (
            "GET",
            "/api/v1/im/messages?phone=%00",
            400,
            {
                "code": 400,
                "message": "phone: must not contain a NUL",
                "data": {"field": "phone"},
            },
        ),
        ("GET", "/x?%00=1", 400, {"error": "\ufffd: must not contain a NUL"}),
        ("GET", "/api/push/%00", 404, {"error": "Push not found"}),
        ("PUT", "/api/preview/templates/%00", 404, {"error": "Not Found"}),
        ("DELETE", "/api/preview/templates/%00", 404, {"error": "Not Found"}),
        ("POST", "/api/notifications/a%00/read", 404, {"error": "Not Found"}),
        ("GET", "/api/v1/media/%00", 404, {"code": 404, "message": "Not Found", "data": None}),
    ],
)
async def test_it_is_refused(
    app: FastAPI, method: str, address: str, status: int, body: object
) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.request(method, address)

    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize("address", ["/x", "/x?a=%25%30%30", "/x%2500?b=", "/x?%FF"])
async def test_all_others_go_on(app: FastAPI, address: str) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.get(address)

    assert answer.status_code == 200
