"""What WeCom's and WeChat's callbacks have to pass beside the door: whose they are, and how old."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import Final

from fastapi import Request

from providers.tencent.apps import App
from providers.tencent.sealing import NotAuthentic, Proof
from services.ingest_webhook import account
from services.ingest_webhook.handlers import Intake
from services.ingest_webhook.refusals import Forbidden, Refused, Replayed

log = logging.getLogger(__name__)

LARGEST_BODY: Final = 256 * 1_024
"""Bytes. One message or event, of which the longest lists a group's 500 members. It is read before
anybody knows who wrote it, so it is far smaller than what Meta may send."""


@dataclass(frozen=True, slots=True)
class Reception:
    """What taking in one channel's callbacks needs."""

    intake: Intake
    apps: tuple[App, ...]
    window: timedelta
    """How far from now a callback may have been signed."""

    def proof_of(self, request: Request, signature: str) -> Proof:
        """Return what a query says of who wrote it; raise `Forbidden` where nobody could have."""
        query = request.query_params
        words = [query.get(name) for name in (signature, "timestamp", "nonce")]
        if not self.apps or None in words:
            raise Forbidden
        return Proof(*(word or "" for word in words))

    def check_age(self, proof: Proof) -> None:
        """Raise `Replayed` where the proof is right but not of this moment."""
        if not proof.is_fresh(self.intake.clock(), self.window):
            raise Replayed


@contextmanager
def only_authentic() -> Generator[None]:
    """Tell nobody why a callback is not taken for one."""
    try:
        yield
    except NotAuthentic as error:
        raise Forbidden from error


@contextmanager
def verification() -> Generator[None]:
    """Write down whether an address was proven to be ours; refusals count as those of callbacks."""
    began = perf_counter()
    try:
        yield
    except Refused as error:
        account.refused(error, perf_counter() - began)
        raise
    log.info("verification.answered", extra={"proven": True})
