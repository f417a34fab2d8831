"""The SMS gateway behind the channel that is plugged in: a small HTTP server of the tests' own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

UNSUBSCRIBED = "eve"
HANGS_UP = "and hang up"
RESULTS = [
    {"who": "ada", "status": "sent", "at": "2026-03-02T12:00:07+00:00"},
    {"who": "bob", "status": "failed", "at": "2026-03-02T12:00:09+00:00"},
]


@dataclass
class Gateway:
    """What was handed to it; a text that says so gets no answer."""

    url: str = ""
    refs: list[str] = field(default_factory=list[str])
    asked_for: list[str] = field(default_factory=list[str])

    def app(self) -> web.Application:
        """Return its HTTP face."""
        app = web.Application()
        app.router.add_post("/texts", self._take)
        app.router.add_get("/texts", self._look_up)
        app.router.add_get("/texts/{id}", self._tell)
        return app

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.refs.append(body["ref"])
        if body["text"] == HANGS_UP:
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"id": f"sms-{body['ref']}", "refused": [UNSUBSCRIBED]})

    async def _look_up(self, request: web.Request) -> web.StreamResponse:
        ref = request.query["ref"]
        return web.json_response({"ids": [f"sms-{ref}"] if ref in self.refs else []})

    async def _tell(self, request: web.Request) -> web.StreamResponse:
        asked = request.match_info["id"]
        self.asked_for.append(asked)
        rounds = self.asked_for.count(asked)
        if rounds == 1:
            return web.Response(status=503)
        # Ada's result comes first, and stays in the list.
        return web.json_response(
            {"results": RESULTS[: rounds - 1], "complete": rounds > len(RESULTS)}
        )


@asynccontextmanager
async def running_gateway() -> AsyncGenerator[Gateway]:
    """Serve one on a free port."""
    gateway = Gateway()
    runner = web.AppRunner(gateway.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    gateway.url = site.name
    try:
        yield gateway
    finally:
        await runner.cleanup()
