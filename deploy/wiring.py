"""Who listens where and who knows which secret, for one running system on one machine."""

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.simulated_provider import ChatAccounts
from deploy.stack.ports import FREE_RANGE, is_free

SERVICES = (
    "ingest_webhook",
    "dispatcher",
    "fetcher",
    "status_projector",
    "scheduler",
    "statistics",
    "administration",
)
SIMULATOR = "simulator"

GRAPH_VERSION = "v24.0"
PHONE_NUMBER_ID = "106540352242922"
BUSINESS_ACCOUNT_ID = "102290129340398"

CALLBACK = "/api/whatsapp/webhook"

NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
"""A proxy that the environment names cannot reach this machine's own addresses."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What providers and services share; made anew for each run, and of no use after it."""

    access_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    app_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    verify_token: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    link_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    encryption_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    lookup_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    topic_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    auth_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    chats: ChatAccounts = field(default_factory=ChatAccounts, repr=False)


@dataclass(frozen=True, slots=True)
class Seat:
    """One process's place in the system."""

    service: str
    """As `dispatcher`."""
    number: int
    """Which copy of the service: 0, 1 …"""
    port: int

    @property
    def name(self) -> str:
        """As `dispatcher`, and `dispatcher-2` for the second copy."""
        return self.service if self.number == 0 else f"{self.service}-{self.number + 1}"

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def module(self) -> str:
        """What `python -m` runs."""
        return SIMULATOR if self.service == SIMULATOR else f"services.{self.service}"

    @property
    def health_url(self) -> str:
        """Answers 2xx once it can do its work."""
        path = "/_sim/health" if self.service == SIMULATOR else "/readyz"
        return self.url + path


def seats(copies: Mapping[str, int]) -> list[Seat]:
    """Give each process a port nobody listens on now; the simulator first.

    Each service is there once unless ``copies`` says otherwise; 0 leaves it out.
    """
    wanted = [(SIMULATOR, 0)]
    wanted += [(service, copy) for service in SERVICES for copy in range(copies.get(service, 1))]
    ports = (port for port in random.sample(FREE_RANGE, k=200) if is_free(port))
    return [Seat(service, copy, next(ports)) for service, copy in wanted]


def first(all_seats: Sequence[Seat], service: str) -> Seat | None:
    """Return the service's first copy."""
    return next((seat for seat in all_seats if seat.service == service), None)


def simulator_environment(all_seats: Sequence[Seat], shared: Secrets) -> dict[str, str]:
    """Return what the simulator reads: it calls the ingester back."""
    ingester = first(all_seats, "ingest_webhook")
    callback = {} if ingester is None else {"SIM_CALLBACK_URL": ingester.url + CALLBACK}
    chats = shared.chats.simulator_environment(None if ingester is None else ingester.url)
    return (
        callback
        | chats
        | {
            "SIM_ACCESS_TOKEN": shared.access_token,
            "SIM_APP_SECRET": shared.app_secret,
            "SIM_VERIFY_TOKEN": shared.verify_token,
            "SIM_PHONE_NUMBER_IDS": PHONE_NUMBER_ID,
            "SIM_WABA_ID": BUSINESS_ACCOUNT_ID,
        }
    )


def service_environment(simulator_url: str, shared: Secrets) -> dict[str, str]:
    """Return what the services read of the providers; all of them are the simulator."""
    return shared.chats.service_environment(simulator_url) | {
        "WHATSAPP_API_BASE_URL": f"{simulator_url}/{GRAPH_VERSION}",
        "WHATSAPP_ACCESS_TOKEN": shared.access_token,
        "WHATSAPP_APP_SECRET": shared.app_secret,
        "WHATSAPP_WEBHOOK_VERIFY_TOKEN": shared.verify_token,
        "WHATSAPP_PHONE_NUMBER_ID": PHONE_NUMBER_ID,
        "WHATSAPP_BUSINESS_ACCOUNT_ID": BUSINESS_ACCOUNT_ID,
        "LINK_SIGNING_KEYS": shared.link_key,
        "MESSAGE_ENCRYPTION_KEY": shared.encryption_key,
        "MESSAGE_LOOKUP_KEY": shared.lookup_key,
        "TOPIC_ENCRYPTION_KEY": shared.topic_key,
        "AUTH_SIGNING_KEYS": shared.auth_key,
        # The simulated account may send as much as it likes, to whom it likes.
        "SENDER_DAILY_LIMIT": "",
        "WHATSAPP_MESSAGES_PER_SECOND": "0",
        "WHATSAPP_PAIR_INTERVAL": "PT0S",
        "WHATSAPP_WINDOW": "off",
    }


def public_environment(all_seats: Sequence[Seat]) -> dict[str, str]:
    """Return where links that people get lead, and who knows what their pages show."""
    ingester, scheduler = first(all_seats, "ingest_webhook"), first(all_seats, "scheduler")
    public = {} if ingester is None else {"PUBLIC_URL": ingester.url}
    return public | ({} if scheduler is None else {"PREVIEWS_URL": scheduler.url})


def seat_environment(seat: Seat, scratch: Path) -> dict[str, str]:
    """Return what a process gets for itself: where to listen, and directories of this run."""
    if seat.service == SIMULATOR:
        return {"SIM_PORT": str(seat.port)}
    return {
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(seat.port),
        "STATISTICS_DATA_DIR": str(scratch / seat.name),
        **media_store(scratch),
    }


def media_store(scratch: Path) -> dict[str, str]:
    """Return where all services of a system keep files."""
    return {"MEDIA_STORE_URL": (scratch / "media").as_uri()}
