"""What the control plane works on."""

from dataclasses import dataclass

from simulator.server import Server
from simulator.tencent.pusher import Pusher
from simulator.whatsapp.narrator import Narrator
from simulator.whatsapp.outbox import Outbox
from simulator.world import World


@dataclass(slots=True, frozen=True)
class Stage:
    """The world and those who act in it."""

    world: World
    outbox: Outbox
    """Of WhatsApp."""
    wecom: Pusher
    wechat: Pusher
    narrator: Narrator
    server: Server

    @property
    def outboxes(self) -> tuple[Outbox | Pusher, ...]:
        """The ways out to all channels."""
        return self.outbox, self.wecom, self.wechat

    @property
    def pending(self) -> int:
        """Updates and callbacks of all channels that are neither answered nor given up."""
        return sum(outbox.pending for outbox in self.outboxes)

    def sender(self, asked: str | None) -> str:
        """Return the phone number id that was asked for, or the account's first.

        Raises NoSuchThingError where the account has no such number.
        """
        displays = self.world.account.displays
        sender = asked or next(iter(displays))
        if sender not in displays:
            raise NoSuchThingError(f"no phone number id {sender}")
        return sender


class NoSuchThingError(LookupError):
    """What an order names does not exist; the text names it."""
