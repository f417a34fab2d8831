"""Where WeCom calls us (IM-28, PC-11); one address for all apps of all companies."""

from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from providers.tencent.sealing import unseal
from providers.wecom.callbacks import open_callback, parse
from services.ingest_webhook.account import Told
from services.ingest_webhook.door import Door, Take
from services.ingest_webhook.handlers import publish
from services.ingest_webhook.routes.callback_route import Description, open_address
from services.ingest_webhook.routes.tencent_queries import (
    CALLBACK_REFUSALS,
    PLAIN_TEXT,
    PROOF_REFUSALS,
    query,
    signed_by,
    xml_or_json,
)
from services.ingest_webhook.tencent import (
    LARGEST_BODY,
    Reception,
    only_authentic,
    verification,
)

PATH: Final = "/api/v1/webhooks/wecom"

_SIGNATURE: Final = "msg_signature"


def add_routes(app: FastAPI, door: Door, reception: Reception) -> None:
    """Open the address that is registered for each app."""
    smaller = door.narrowed(LARGEST_BODY)

    def look(request: Request) -> Take:
        proof = reception.proof_of(request, _SIGNATURE)

        async def take(body: bytes) -> Told:
            with only_authentic():
                ours, text = open_callback(reception.apps, proof, body)
            reception.check_age(proof)
            return await publish(reception.intake, lambda: parse(ours, text))

        return take

    async def verify_wecom(request: Request) -> Response:
        with verification(), only_authentic():
            proof = reception.proof_of(request, _SIGNATURE)
            _, echo = unseal(reception.apps, proof, request.query_params.get("echostr", ""))
            reception.check_age(proof)
        return PlainTextResponse(echo)

    async def receive_wecom(request: Request) -> Response:
        await smaller.receive(request, look)
        return Response()

    open_address(app, "GET", PATH, verify_wecom, _PROOF)
    open_address(app, "POST", PATH, receive_wecom, _CALLBACK)


_SIGNED: Final = signed_by(_SIGNATURE, "token, timestamp, nonce and what is encrypted")

_SEALED: Final = {
    "title": "Encrypted callback",
    "description": "In JSON the names are lower-case: `tousername`, `encrypt`, `agentid`.",
    "type": "object",
    "properties": {
        "ToUserName": {"type": "string", "description": "The corp id."},
        "AgentID": {"type": "string", "description": "Only of an app's own callbacks."},
        "Encrypt": {"type": "string", "format": "byte"},
    },
}

_CALLBACK: Final = Description(
    summary="Take in a WeCom callback",
    parameters=_SIGNED,
    body=xml_or_json(_SEALED),
    taken={},
    refusals=CALLBACK_REFUSALS,
)
_PROOF: Final = Description(
    summary="Prove to WeCom that the address is ours",
    parameters=(
        *_SIGNED,
        query("echostr", {"type": "string", "format": "byte"}, "Encrypted; given back decrypted."),
    ),
    taken=PLAIN_TEXT,
    refusals=PROOF_REFUSALS,
)
