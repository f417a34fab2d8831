"""Where Meta calls us (PC-01, PC-02, PC-04, PC-05). Both shapes are taken at both addresses."""

import hmac
import logging
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from services.ingest_webhook.account import Told
from services.ingest_webhook.door import Door, Take
from services.ingest_webhook.handlers import Intake, take_in
from services.ingest_webhook.refusals import Forbidden

log = logging.getLogger(__name__)

GRAPH: Final = "/api/whatsapp/webhook"
FLAT: Final = "/api/v1/webhooks/whatsapp/status"

_TAKEN: Final = b'{"code":200,"message":"success"}'


def add_routes(app: FastAPI, door: Door, intake: Intake, verify_token: bytes) -> None:
    """Open the addresses that are registered at the provider."""

    def look(request: Request) -> Take:
        signature = request.headers.get("x-hub-signature-256")
        if signature is None:
            raise Forbidden

        async def take(body: bytes) -> Told:
            return await take_in(intake, body, signature)

        return take

    @app.get(GRAPH, tags=["callbacks"], summary="Prove to Meta that the address is ours")
    async def verify_whatsapp(request: Request) -> Response:
        return _prove(request, verify_token)

    @app.post(GRAPH, tags=["callbacks"], summary="Take in a WhatsApp callback")
    async def receive_whatsapp(request: Request) -> Response:
        await door.receive(request, look)
        return PlainTextResponse("OK")

    @app.post(FLAT, tags=["callbacks"], summary="Take in a WhatsApp status")
    async def receive_status(request: Request) -> Response:
        await door.receive(request, look)
        return Response(_TAKEN, media_type="application/json")


def _prove(request: Request, token: bytes) -> Response:
    query = request.query_params
    given = query.get("hub.verify_token", "").encode()
    proven = hmac.compare_digest(given, token) and query.get("hub.mode") == "subscribe"
    log.info("verification.answered", extra={"proven": proven})
    if not proven:
        raise Forbidden
    return PlainTextResponse(query.get("hub.challenge", ""))
