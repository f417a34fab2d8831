"""A WeCom made of bytes: each call has its answers, one after the other, the last for ever."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.providers.whatsapp.wire import Answer, Wire, Writer, a_wire, says

TOKEN = "gettoken"
SEND = "message/send"
ROBOT = "webhook/send"
UPLOAD = "media/upload"


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as it came."""

    path: str
    query: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass(slots=True)
class Script:
    """WeCom, as it was told to be."""

    wire: Wire

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.wire.port}"

    def calls(self, name: str = "") -> list[Asked]:
        """Return the calls of that name, all without one."""
        found = (_asked(request) for request in self.wire.requests)
        return [asked for asked in found if asked.path.endswith(name)]


def told(**answer: object) -> Answer:
    """Answer that JSON, with errcode 0 unless it says another."""
    return says("200 OK", json.dumps({"errcode": 0, "errmsg": "ok", **answer}).encode())


def tokens(*, lives_s: int = 7_200) -> list[Answer]:
    """Give token-1, token-2 and so on."""
    return [told(access_token=f"token-{n}", expires_in=lives_s) for n in range(1, 10)]


@asynccontextmanager
async def a_wecom(answers: Mapping[str, Sequence[Answer]]) -> AsyncGenerator[Script]:
    """Listen on a free port. Names are ends of paths; tokens are given unless it is said how."""
    left = {name: list(each) for name, each in {TOKEN: tokens(), **answers}.items()}
    script: Script

    async def answer(writer: Writer) -> None:
        path = _asked(script.wire.requests[-1]).path
        (name,) = (name for name in left if path.endswith(name))
        queue = left[name]
        await (queue.pop(0) if len(queue) > 1 else queue[0])(writer)

    async with a_wire(answer) as wire:
        script = Script(wire)
        yield script


def _asked(request: bytes) -> Asked:
    head, _, body = request.partition(b"\r\n\r\n")
    target = urlsplit(head.split(b" ", 2)[1].decode())
    query = {name: values[0] for name, values in parse_qs(target.query).items()}
    return Asked(target.path, query, body)
