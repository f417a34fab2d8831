"""A stand-in for the product: it makes calls, takes callbacks and answers them as told."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from simulator.app import Simulator, running
from simulator.settings import Settings
from tests.eventually import eventually, seconds
from tests.simulator import pushes

Json = dict[str, Any]

NUMBER = "106540352242922"
OTHER_NUMBER = "106540352242923"
WABA = "102290129340398"
APP = "670843887433847"
TOKEN = "token-of-the-account"
APP_SECRET = "test_app_secret"
VERIFY_TOKEN = "verify-me"
READER = "+16505550001"
"""A magic recipient to whom everything goes well."""
SOMEONE = "+4915112345678"
"""A recipient to whom the knobs apply."""


class Reply(NamedTuple):
    """How a call was answered."""

    status: int
    body: Json
    headers: dict[str, str]
    raw: bytes

    @property
    def message_id(self) -> str:
        return self.body["messages"][0]["id"]

    @property
    def code(self) -> int:
        return self.body["error"]["code"]


class Taken(NamedTuple):
    """A callback as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes
    answered: int
    query: dict[str, str]

    @property
    def json(self) -> Json:
        return json.loads(self.raw)

    @property
    def changes(self) -> list[Json]:
        return [change for entry in self.json["entry"] for change in entry["changes"]]

    @property
    def statuses(self) -> list[Json]:
        return [told for change in self.changes for told in change["value"].get("statuses", [])]

    @property
    def messages(self) -> list[Json]:
        return [told for change in self.changes for told in change["value"].get("messages", [])]


class Receiver:
    """Takes callbacks and remembers them."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.answers: deque[int] = deque()
        """What the next callbacks are answered with; 200 when none is left."""
        self.always: int | None = None
        """What every callback is answered with, while set."""
        self.gate = asyncio.Event()
        """Callbacks are taken only while it is open."""
        self.gate.set()
        self.echo: Callable[[dict[str, str]], str] = lambda query: query["echostr"]
        """What WeCom and WeChat are answered when they verify the URL."""
        self.inside = 0
        self.most_at_once = 0

    async def take(self, request: web.Request) -> web.Response:
        """Take a callback, or prove who we are."""
        if request.method == "GET":
            if "echostr" in request.query:
                return web.Response(text=self.echo(dict(request.query)))
            is_known = request.query.get("hub.verify_token") == VERIFY_TOKEN
            challenge = request.query["hub.challenge"] if is_known else "Forbidden"
            return web.Response(status=200 if is_known else 403, text=challenge)
        raw = await request.read()
        self.inside += 1
        self.most_at_once = max(self.most_at_once, self.inside)
        await self.gate.wait()
        self.inside -= 1
        status = self.always or (self.answers.popleft() if self.answers else 200)
        headers, query = dict(request.headers), dict(request.query)
        self.taken.append(Taken(request.path, headers, raw, status, query))
        return web.Response(status=status)


class Product:
    """Sends to the simulator and knows what it is told."""

    def __init__(
        self, simulator: Simulator, session: aiohttp.ClientSession, receiver: Receiver
    ) -> None:
        self.simulator = simulator
        self.session = session
        self.receiver = receiver

    @property
    def taken(self) -> list[Taken]:
        return self.receiver.taken

    async def send(self, to: str = READER, *, sender: str = NUMBER, **fields: object) -> Reply:
        """Send a text, or whatever the fields say instead."""
        body: Json = {
            "messaging_product": "whatsapp",
            "to": to,
            "type": "text",
            "text": {"body": "Hi Ada, your order A-17 is ready."},
            **fields,
        }
        kept = {name: value for name, value in body.items() if value is not None}
        return await self.call("POST", f"{sender}/messages", kept)

    async def send_patiently(self, to: str, *, seconds: float, opaque: str) -> Reply:
        """Send, but wait for the answer so long only. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            return await self.send(to, biz_opaque_callback_data=opaque)

    async def call(
        self, method: str, path: str, body: object = None, *, token: str | None = TOKEN
    ) -> Reply:
        """Call the Graph API."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.simulator.base_url}/v24.0/{path}"
        return await self._request(method, url, body, headers)

    async def wecom(self, name: str, body: object = None, **query: str) -> Reply:
        """Call WeCom: a GET without a body, else a POST."""
        url = f"{self.simulator.base_url}/wecom/cgi-bin/{name}?{urlencode(query)}"
        return await self._request("GET" if body is None else "POST", url, body, {})

    async def wechat(self, name: str, body: object = None, **query: str) -> Reply:
        """Call WeChat: a GET without a body, else a POST."""
        url = f"{self.simulator.base_url}/wechat/cgi-bin/{name}?{urlencode(query)}"
        return await self._request("GET" if body is None else "POST", url, body, {})

    async def fetch(self, url: str, *, token: str | None = TOKEN) -> Reply:
        """GET an address as it was given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._request("GET", url, None, headers)

    async def order(self, method: str, path: str, body: object = None) -> Reply:
        """Call the control plane, below the default world."""
        url = f"{self.simulator.base_url}/_sim/worlds/default/{path}"
        return await self._request(method, url, body, {})

    async def knobs(self, **knobs: object) -> None:
        """Set knobs; the first underscore of a name is its dot."""
        changes = {name.replace("_", ".", 1): value for name, value in knobs.items()}
        reply = await self.order("PATCH", "knobs", changes)
        assert reply.status == 200, reply.body

    async def verdict(self) -> Json:
        """Ask for the simulator's verdicts."""
        return (await self.order("GET", "verify")).body

    async def calls(self, **wanted: str) -> list[Json]:
        """Ask for the recorded calls with these fields."""
        query = "&".join(f"{name}={value}" for name, value in wanted.items())
        return (await self.order("GET", f"ledger/calls?{query}")).body["items"]

    def told(self, message_id: str) -> list[Json]:
        """Return the statuses we were told of a message, in order of arrival."""
        return [
            status
            for taken in self.taken
            if "entry" in taken.json
            for status in taken.statuses
            if status["id"] == message_id
        ]

    def names_told(self, message_id: str) -> list[str]:
        """Return the names of the statuses we were told of a message."""
        return [status["status"] for status in self.told(message_id)]

    async def until_told(self, message_id: str, *names: str) -> list[Json]:
        """Wait until we were told exactly these statuses, in this order."""

        def check() -> bool:
            assert self.names_told(message_id) == list(names)
            return True

        await eventually(check, within=seconds(5))
        return self.told(message_id)

    async def first_taken(self) -> Taken:
        """Wait for the first callback."""
        await eventually(lambda: len(self.taken) > 0, within=seconds(5))
        return self.taken[0]

    async def nothing_more_is_told(self) -> None:
        """Prove it by a later message that did arrive, five simulated seconds on."""
        await self.order("POST", "clock", {"advance_s": 5})
        await self.order("POST", "flush")
        witness = await self.send(READER, biz_opaque_callback_data="witness")
        await self.until_told(witness.message_id, "sent", "delivered", "read")

    async def _request(self, method: str, url: str, body: object, headers: dict[str, str]) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.request(
            method,
            url,
            data=None if body is None else data,
            headers=headers,
            allow_redirects=False,
        ) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json" and raw
            found: Json = json.loads(raw) if is_json else {}
            return Reply(response.status, found, dict(response.headers), raw)


def settings(**what_matters: object) -> Settings:
    """Return the settings of a simulator on a free port, without chance and without delay."""
    secrets = {"app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN, "access_token": TOKEN}
    # Validated as they are: the environment of whoever runs the tests has no say.
    return Settings.model_validate({"port": 0, "profile": "perfect", **secrets, **what_matters})


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncGenerator[str]:
    """Serve the receiver; the value is its address."""
    application = web.Application(client_max_size=4_000_000)
    application.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_product(**what_matters: object) -> AsyncGenerator[Product]:
    """Run a simulator and a product that takes its callbacks."""
    receiver = Receiver()
    async with listening(receiver) as address:
        told = {
            "callback_url": f"{address}/api/whatsapp/webhook",
            **pushes.settings(address),
            **what_matters,
        }
        limit = aiohttp.ClientTimeout(total=10)
        async with (
            running(settings(**told)) as simulator,
            aiohttp.ClientSession(timeout=limit) as session,
        ):
            yield Product(simulator, session, receiver)
