"""Where a benchmark runs: servers without old data, how much is done, a line of progress."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from deploy.pipeline import Ground, Pipeline
from deploy.wiring import SERVICES
from runtime.vault import VaultSettings

QUICK_SHARE = 10
"""`--quick` does a tenth."""

APP_SECRET = "the-secret-of-the-benchmarks"  # noqa: S105 - of a simulator that lives for a minute
ACCESS_TOKEN = "the-token-of-the-benchmarks"  # noqa: S105 - the same
MASTER_KEY = "the benchmarks' own master key and nobody else's"
LOOKUP_KEY = "the benchmarks' own lookup key and nobody else's"
TOPIC_KEY = "the benchmarks' own key of the topics and nobody else's"
"""The same for each system on a ground: it opens what the one before has sealed."""
KEYS = VaultSettings(
    message_encryption_key=SecretStr(MASTER_KEY), message_lookup_key=SecretStr(LOOKUP_KEY)
)
SENDERS = ("106540352242922", "106540352242923")
"""Two: the simulator allows each 1,000 messages a second, and must not be what limits us."""


@dataclass(frozen=True, slots=True)
class Arena:
    """What a benchmark is given."""

    ground: Ground
    quick: bool
    messages: int
    """Of the whole pipeline's benchmark."""
    say: Callable[[str], None]
    """Shows how far the benchmark is."""
    rows: int
    """Messages in the table, at most, where it grows."""

    @property
    def repeats(self) -> int:
        """How often the cheap loops run; their medians count."""
        return 1 if self.quick else 3

    def scaled(self, count: int) -> int:
        """Return the count, or a tenth of it with `--quick`."""
        return count // QUICK_SHARE if self.quick else count

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self.ground.stack.kafka.bootstrap

    def system(
        self,
        *services: str,
        copies: Mapping[str, int] | None = None,
        simulator_env: Mapping[str, str] | None = None,
        service_env: Mapping[str, str] | None = None,
    ) -> Pipeline:
        """Return the simulator (profile bench) and the named services, not started yet.

        One of each, where `copies` does not say more.
        """
        provider = {
            "SIM_PROFILE": "bench",
            "SIM_PHONE_NUMBER_IDS": ",".join(SENDERS),
            "SIM_APP_SECRET": APP_SECRET,
            "SIM_ACCESS_TOKEN": ACCESS_TOKEN,
        }
        return Pipeline(
            self.ground.stack.name,
            copies={service: int(service in services) for service in SERVICES} | dict(copies or {}),
            simulator_env=provider | dict(simulator_env or {}),
            service_env={
                "MESSAGE_ENCRYPTION_KEY": MASTER_KEY,
                "MESSAGE_LOOKUP_KEY": LOOKUP_KEY,
                "TOPIC_ENCRYPTION_KEY": TOPIC_KEY,
                "WHATSAPP_APP_SECRET": APP_SECRET,
                "WHATSAPP_ACCESS_TOKEN": ACCESS_TOKEN,
                # All the load comes from one address.
                "INGEST_RATE_PER_SOURCE": "1000000",
            }
            | dict(service_env or {}),
            ground=self.ground,
        )
