"""What the control plane works on."""

from dataclasses import dataclass

from simulator.server import Server
from simulator.whatsapp.narrator import Narrator
from simulator.whatsapp.outbox import Outbox
from simulator.world import World


@dataclass(slots=True, frozen=True)
class Stage:
    """The world and those who act in it."""

    world: World
    outbox: Outbox
    narrator: Narrator
    server: Server
