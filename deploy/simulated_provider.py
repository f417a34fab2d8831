"""Asks a running simulator what it saw, and tells it how to behave; over HTTP, as anybody could."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

WORLD = "/_sim/worlds/default"
PAGE = 10_000
ANSWERS_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The simulator's judgement of the system that called it."""

    accepted_messages: int
    """Different messages that it accepted."""
    sent_twice: int
    """Messages that it accepted more than once."""
    pending_callbacks: int
    """Reports it has not got rid of yet."""


@dataclass(frozen=True, slots=True)
class TrueLife:
    """What really became of one accepted message."""

    provider_message_id: str
    status: str
    """accepted, sent, delivered, read or failed."""
    statuses: tuple[str, ...]
    """Each it has had, in order, without the acceptance."""


class SimulatedProvider:
    """One simulator, by its address. Every call may raise httpx.HTTPError."""

    def __init__(self, url: str) -> None:
        self.url = url

    def verdict(self) -> Verdict:
        """Return what it makes of us so far."""
        said = self._get("/verify")
        sends = said["no_double_send"]
        return Verdict(sends["accepted_messages"], sends["doubles"], said["callbacks"]["pending"])

    def accepted(self) -> dict[str, int]:
        """Return how often it accepted each of our message ids."""
        counts: dict[str, int] = {}
        while True:
            said = self._get("/ledger/accepted", limit=PAGE, offset=len(counts))
            counts.update(said["accepted"])
            if len(counts) >= said["total"] or not said["accepted"]:
                return counts

    def lives(self) -> dict[str, TrueLife]:
        """Return the true life of each message it accepted, by our message id.

        Empty where its ledger only counts (profile `bench`).
        """
        items: list[dict[str, Any]] = []
        while True:
            said = self._get("/ledger/messages", limit=PAGE, offset=len(items))
            items += said["items"]
            if len(items) >= said["total"] or not said["items"]:
                return {item["opaque"]: _life(item) for item in items}

    def set_knobs(self, knobs: Mapping[str, object]) -> None:
        """Change how it behaves from now on: dotted names to values (simulator/README.md)."""
        self._call("PATCH", "/knobs", json=dict(knobs))

    def counts(self) -> dict[str, Any]:
        """Return its ledger's counts as it shows them."""
        return self._get("/ledger")

    def _get(self, path: str, **query: int) -> dict[str, Any]:
        return self._call("GET", path, params=query)

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's
        # A proxy from the environment cannot reach this machine's own addresses.
        with httpx.Client(trust_env=False, timeout=ANSWERS_WITHIN.total_seconds()) as client:
            answer = client.request(method, self.url + WORLD + path, **more)
            answer.raise_for_status()
            return answer.json()


def _life(item: Mapping[str, Any]) -> TrueLife:
    return TrueLife(item["id"], item["status"], tuple(step["status"] for step in item["life"]))
