"""What the query API's endpoints are made of."""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from runtime.auth import Guard
from runtime.clock import Clock
from runtime.vault import Person, Vault
from services.status_projector.figures import Terms

CHANNELS: Final = ("whatsapp", "wecom", "wechat")
"""On which a person is looked for where no channel is named."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One for each process."""

    engine: sa.Engine
    """Of queries alone: however many come, the projector has its own connections."""
    vault: Vault
    guard: Guard
    clock: Clock
    terms: Terms

    def people(self, address: str | None, channel: str | None) -> list[Person] | None:
        """Return who has this address: one on each channel; None where none is given."""
        if address is None:
            return None
        return [self.vault.person(one, address) for one in ((channel,) if channel else CHANNELS)]
