"""Where providers call us (PC-01, PC-02, PC-04, PC-05). Both shapes are taken at both addresses."""

import asyncio
import hmac
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.requests import ClientDisconnect

from runtime.http import raw_body
from services.ingest_webhook.account import accounted
from services.ingest_webhook.admission import Admission
from services.ingest_webhook.handlers import Intake, take_in
from services.ingest_webhook.refusals import Forbidden, NotArrived, TooLarge

log = logging.getLogger(__name__)

GRAPH: Final = "/api/whatsapp/webhook"
FLAT: Final = "/api/v1/webhooks/whatsapp/status"

_TAKEN: Final = b'{"code":200,"message":"success"}'


@dataclass(frozen=True, slots=True)
class Door:
    """What a callback has to pass."""

    intake: Intake
    admission: Admission
    verify_token: bytes
    body_bytes: int
    body_within: timedelta


def add_routes(app: FastAPI, door: Door) -> None:
    """Open the addresses that are registered at the provider."""

    @app.get(GRAPH, tags=["callbacks"], summary="Prove to Meta that the address is ours")
    async def verify_whatsapp(request: Request) -> Response:
        return _prove(request, door.verify_token)

    @app.post(GRAPH, tags=["callbacks"], summary="Take in a WhatsApp callback")
    async def receive_whatsapp(request: Request) -> Response:
        await _receive(request, door)
        return PlainTextResponse("OK")

    @app.post(FLAT, tags=["callbacks"], summary="Take in a WhatsApp status")
    async def receive_status(request: Request) -> Response:
        await _receive(request, door)
        return Response(_TAKEN, media_type="application/json")


def _prove(request: Request, token: bytes) -> Response:
    query = request.query_params
    given = query.get("hub.verify_token", "").encode()
    proven = hmac.compare_digest(given, token) and query.get("hub.mode") == "subscribe"
    log.info("verification.answered", extra={"proven": proven})
    if not proven:
        raise Forbidden
    return PlainTextResponse(query.get("hub.challenge", ""))


async def _receive(request: Request, door: Door) -> None:
    with accounted() as account:
        signature = request.headers.get("x-hub-signature-256")
        if signature is None:
            raise Forbidden
        with door.admission.admitted(_announced_bytes(request, door.body_bytes)):
            body = await _body(request, door)
            account.callback = await take_in(door.intake, body, signature)


def _announced_bytes(request: Request, limit: int) -> int:
    """Return how many bytes may come; a body sent in chunks does not say."""
    announced = request.headers.get("content-length")
    if announced is None:
        return limit
    if int(announced) > limit:
        raise TooLarge(limit)
    return int(announced)


async def _body(request: Request, door: Door) -> bytes:
    try:
        async with asyncio.timeout(door.body_within.total_seconds()):
            body = await raw_body(request, limit=door.body_bytes)
    except (TimeoutError, ClientDisconnect) as error:
        raise NotArrived from error
    if body is None:
        raise TooLarge(door.body_bytes)
    return body
