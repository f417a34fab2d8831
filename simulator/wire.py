"""The little HTTP the hot path needs, on raw ASGI."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]

JSON: Headers = ((b"content-type", b"application/json; charset=UTF-8"),)
HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)
LARGEST_BODY = 5_000_000


@dataclass(slots=True, frozen=True)
class Answer:
    """What a call is answered with."""

    status: int
    body: bytes
    headers: Headers = JSON


TOO_LARGE = Answer(413, b"", ())


def header(scope: Scope, name: bytes) -> str | None:
    """Return a request header (lower-case name), if present."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None


async def read_body(receive: Receive, largest: int = LARGEST_BODY) -> bytes | None:
    """Return the whole body; none when the client left or sent more than the largest."""
    message = await receive()
    body = bytearray(message.get("body", b""))
    while message["type"] == "http.request" and message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > largest:
            return None
    return bytes(body) if message["type"] == "http.request" else None


async def write(send: Send, answer: Answer) -> None:
    """Send the answer in one piece."""
    length = (b"content-length", str(len(answer.body)).encode())
    headers = [*answer.headers, length]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def until_disconnected(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
