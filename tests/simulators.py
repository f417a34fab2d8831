"""Simulators of the provider for tests of one service: each a process of its own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deploy import wiring
from deploy.processes import Process, python_module
from deploy.simulated_provider import ChatAccounts, SimulatedProvider
from deploy.wiring import Seat, Secrets

STARTS_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that answers."""

    process: Process
    secrets: Secrets
    provider: SimulatedProvider
    """Its ledger, verdict and knobs."""

    @property
    def chats(self) -> ChatAccounts:
        """Its WeCom company and WeChat mini-program."""
        return self.secrets.chats

    @property
    def environment(self) -> dict[str, str]:
        """What a service reads to speak to it: WHATSAPP_API_BASE_URL and its sisters."""
        return wiring.service_environment(self.provider.url, self.secrets)


def start_simulator(
    environment: Mapping[str, str], logs: Path, ingester_url: str | None = None
) -> RunningSimulator:
    """Start one on a free port; with an ingester's address it calls that one back.

    Without, it calls nobody unless SIM_CALLBACK_URL and its sisters say whom.
    """
    seat = _free_seat()
    # What the tests themselves open and sign is the services' too.
    secrets = Secrets(
        encryption_key=os.environ["MESSAGE_ENCRYPTION_KEY"],
        lookup_key=os.environ["MESSAGE_LOOKUP_KEY"],
        topic_key=os.environ["TOPIC_ENCRYPTION_KEY"],
        auth_key=os.environ["AUTH_SIGNING_KEYS"],
    )
    settings = wiring.simulator_environment([seat], secrets)
    if ingester_url is not None:
        settings |= secrets.chats.simulator_environment(ingester_url)
        settings["SIM_CALLBACK_URL"] = ingester_url + wiring.CALLBACK
    settings |= dict(environment)
    process = Process(
        seat.name,
        python_module(seat.module),
        wiring.NO_PROXY | settings | wiring.seat_environment(seat, logs),
        logs / f"{seat.name}-{seat.port}.log",
    )
    process.start()
    process.wait_ready(seat.health_url, STARTS_WITHIN)
    return RunningSimulator(process, secrets, SimulatedProvider(seat.url))


def _free_seat() -> Seat:
    return wiring.seats(dict.fromkeys(wiring.SERVICES, 0))[0]
