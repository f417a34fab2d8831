"""The composition root: builds one world and everything that serves it, in start order."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.types import Receive, Scope, Send

from simulator.control.routes import control_plane
from simulator.control.stage import Stage
from simulator.server import Server
from simulator.settings import Settings
from simulator.tencent.pusher import Pusher
from simulator.wechat.plane import WeChatPlane
from simulator.wechat.plane import is_ours as is_wechat
from simulator.wecom.plane import WeComPlane
from simulator.wecom.plane import is_ours as is_wecom
from simulator.whatsapp.narrator import Narrator
from simulator.whatsapp.outbox import Outbox
from simulator.whatsapp.plane import WhatsAppPlane
from simulator.world import World

_CONTROL_PREFIX = "/_sim"


class Simulator:
    """One simulator: data plane and control plane on one port, callbacks out."""

    def __init__(self, settings: Settings) -> None:
        self.world = World(settings)
        self.outbox = Outbox(self.world)
        self.wecom = Pusher(self.world, self.world.wecom)
        self.wechat = Pusher(self.world, self.world.wechat)
        self.narrator = Narrator(self.world, self.outbox)
        self.server = Server(self, settings.host, settings.port)
        self._whatsapp = WhatsAppPlane(self.world, self.narrator)
        self._wecom = WeComPlane(self.world)
        self._wechat = WeChatPlane(self.world, self.wechat)
        self._control = control_plane(
            Stage(self.world, self.outbox, self.wecom, self.wechat, self.narrator, self.server)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the plane its path belongs to."""
        if scope["path"].startswith(_CONTROL_PREFIX):
            await self._control(scope, receive, send)
        elif is_wecom(scope):
            await self._wecom(scope, receive, send)
        elif is_wechat(scope):
            await self._wechat(scope, receive, send)
        else:
            await self._whatsapp(scope, receive, send)

    @property
    def base_url(self) -> str:
        """Where it listens, e.g. http://127.0.0.1:8090; calls go to /v24.0 below it."""
        return self.server.base_url


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[Simulator]:
    """Run a simulator in this loop for as long as the block lasts."""
    simulator = Simulator(settings)
    ways_out = (simulator.outbox, simulator.wecom, simulator.wechat)
    for way_out in ways_out:
        way_out.start()
    try:
        await simulator.server.start()
        simulator.world.public_url = settings.public_url or simulator.base_url
        yield simulator
    finally:
        await simulator.server.stop()
        simulator.world.timers.clear()
        for way_out in ways_out:
            await way_out.stop()
