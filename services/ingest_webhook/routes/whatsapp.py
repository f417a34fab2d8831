"""Where Meta calls us (PC-01, PC-02, PC-04, PC-05). Both shapes are taken at both addresses."""

import hmac
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from services.ingest_webhook.account import Told
from services.ingest_webhook.door import Door, Take
from services.ingest_webhook.handlers import Intake, take_in
from services.ingest_webhook.refusals import Forbidden
from services.ingest_webhook.routes.callback_route import (
    FORBIDDEN,
    REFUSALS,
    TOO_MANY,
    Description,
    open_address,
)

log = logging.getLogger(__name__)

GRAPH: Final = "/api/whatsapp/webhook"
FLAT: Final = "/api/v1/webhooks/whatsapp/status"

_TAKEN: Final = b'{"code":200,"message":"success"}'


def add_routes(app: FastAPI, door: Door, intake: Intake, verify_tokens: Sequence[bytes]) -> None:
    """Open the addresses that are registered at the provider."""

    def look(request: Request) -> Take:
        signature = request.headers.get("x-hub-signature-256")
        if signature is None:
            raise Forbidden

        async def take(body: bytes) -> Told:
            return await take_in(intake, body, signature)

        return take

    async def verify_whatsapp(request: Request) -> Response:
        return _prove(request, verify_tokens)

    async def receive_whatsapp(request: Request) -> Response:
        await door.receive(request, look)
        return PlainTextResponse("OK")

    async def receive_status(request: Request) -> Response:
        await door.receive(request, look)
        return Response(_TAKEN, media_type="application/json")

    open_address(app, "POST", FLAT, receive_status, _STATUS)
    open_address(app, "GET", GRAPH, verify_whatsapp, _PROOF)
    open_address(app, "POST", GRAPH, receive_whatsapp, _CALLBACK)


def _prove(request: Request, tokens: Sequence[bytes]) -> Response:
    query = request.query_params
    given = query.get("hub.verify_token", "").encode(errors="replace")
    # Every token is compared, so that the time tells nothing.
    fits = [hmac.compare_digest(given, token) for token in tokens]
    proven = any(fits) and query.get("hub.mode") == "subscribe"
    log.info("verification.answered", extra={"proven": proven})
    if not proven:
        raise Forbidden
    return PlainTextResponse(query.get("hub.challenge", ""))


def _query(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"name": name, "in": "query", "required": True, "schema": schema}


def _things(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "array", "items": schema}


_TEXT: Final = {"text/plain": {"schema": {"type": "string"}}}

_SIGNATURE: Final = {
    "name": "X-Hub-Signature-256",
    "in": "header",
    "required": True,
    "description": "HMAC-SHA256 of the body's raw bytes under an app secret.",
    "schema": {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
}

_CHANGE: Final = {
    "type": "object",
    "required": ["field", "value"],
    "properties": {
        "field": {"type": "string", "examples": ["messages"]},
        "value": {
            "type": "object",
            "properties": {
                "messaging_product": {"type": "string"},
                "metadata": {"type": "object"},
                "contacts": _things({"type": "object"}),
                "messages": _things({"type": "object", "required": ["id", "type"]}),
                "statuses": _things({"type": "object", "required": ["id", "status"]}),
            },
        },
    },
}

_ENVELOPE: Final = {
    "title": "Graph envelope",
    "description": "Up to 1,000 updates; parts we cannot read never cost their neighbours.",
    "type": "object",
    "required": ["object", "entry"],
    "properties": {
        "object": {"type": "string", "examples": ["whatsapp_business_account"]},
        "entry": _things(
            {
                "type": "object",
                "properties": {"id": {"type": "string"}, "changes": _things(_CHANGE)},
            }
        ),
    },
}

_ONE_STATUS: Final = {
    "title": "Flat status",
    "type": "object",
    "required": ["messageId", "status", "timestamp"],
    "properties": {
        "messageId": {"type": "string", "description": "The provider's id."},
        "status": {"type": "string", "examples": ["delivered"]},
        "timestamp": {"type": ["string", "integer"], "description": "Unix seconds or ISO 8601."},
        "error": {"type": ["string", "object", "null"]},
    },
}

_BODY: Final = {
    "required": True,
    "content": {"application/json": {"schema": {"anyOf": [_ENVELOPE, _ONE_STATUS]}}},
}

_CALLBACK: Final = Description(
    summary="Take in a WhatsApp callback",
    parameters=(_SIGNATURE,),
    body=_BODY,
    taken=_TEXT,
    refusals=REFUSALS,
)
_STATUS: Final = Description(
    summary="Take in a WhatsApp status",
    parameters=(_SIGNATURE,),
    body=_BODY,
    taken={"application/json": {"schema": {"type": "object", "required": ["code", "message"]}}},
    refusals=REFUSALS,
)
_PROOF: Final = Description(
    summary="Prove to Meta that the address is ours",
    parameters=(
        _query("hub.mode", {"type": "string", "enum": ["subscribe"]}),
        _query("hub.verify_token", {"type": "string"}),
        _query("hub.challenge", {"type": "string"}),
    ),
    taken=_TEXT,
    refusals=dict((FORBIDDEN, TOO_MANY)),
)
