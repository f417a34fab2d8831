"""Where WeChat calls us for mini-programs and service accounts (PC-11, WX 14.4); one address."""

from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from providers.tencent.apps import App
from providers.tencent.sealing import signers
from providers.wechat.callbacks import open_push, parse
from services.ingest_webhook.account import Told
from services.ingest_webhook.door import Door, Take
from services.ingest_webhook.handlers import publish
from services.ingest_webhook.routes.callback_route import Description, open_address
from services.ingest_webhook.routes.tencent_queries import (
    CALLBACK_REFUSALS,
    PLAIN_TEXT,
    PROOF_REFUSALS,
    SHA1,
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

PATH: Final = "/api/v1/webhooks/wechat"

_SIGNATURE: Final = "signature"
_OVER_SEALED: Final = "msg_signature"


def add_routes(app: FastAPI, door: Door, reception: Reception) -> None:
    """Open the address that is registered for each app."""
    smaller = door.narrowed(LARGEST_BODY)

    def signing(request: Request) -> list[App]:
        """Return whose token signs the query: more than one while a key is being changed."""
        proof = reception.proof_of(request, _SIGNATURE)
        with only_authentic():
            found = signers(reception.apps, proof)
        reception.check_age(proof)
        return found

    def look(request: Request) -> Take:
        apps = signing(request)
        sealed = _OVER_SEALED in request.query_params
        proof = reception.proof_of(request, _OVER_SEALED) if sealed else None

        async def take(body: bytes) -> Told:
            with only_authentic():
                ours, text = open_push(apps, proof, body)
            return await publish(reception.intake, lambda: parse(ours, text))

        return take

    async def verify_wechat(request: Request) -> Response:
        with verification():
            signing(request)
        return PlainTextResponse(request.query_params.get("echostr", ""))

    async def receive_wechat(request: Request) -> Response:
        await smaller.receive(request, look)
        return PlainTextResponse("success")

    open_address(app, "GET", PATH, verify_wechat, _PROOF)
    open_address(app, "POST", PATH, receive_wechat, _CALLBACK)


_SIGNED: Final = signed_by(_SIGNATURE, "token, timestamp and nonce")

_PUSH: Final = {
    "title": "Push",
    "description": "In plain, or all of it encrypted in `Encrypt`.",
    "type": "object",
    "properties": {
        "ToUserName": {"type": "string"},
        "FromUserName": {"type": "string", "description": "The openid."},
        "CreateTime": {"type": "integer", "description": "Unix seconds."},
        "MsgType": {"type": "string", "examples": ["text", "event"]},
        "MsgId": {"type": "integer"},
        "Event": {"type": "string", "examples": ["subscribe_msg_sent_event"]},
        "Encrypt": {"type": "string", "format": "byte"},
    },
}

_CALLBACK: Final = Description(
    summary="Take in a WeChat push",
    parameters=(
        *_SIGNED,
        query("encrypt_type", {"type": "string", "enum": ["aes"]}, "If encrypted.", required=False),
        query(_OVER_SEALED, SHA1, "Covers what is encrypted, too.", required=False),
    ),
    body=xml_or_json(_PUSH),
    taken=PLAIN_TEXT,
    refusals=CALLBACK_REFUSALS,
)
_PROOF: Final = Description(
    summary="Prove to WeChat that the address is ours",
    parameters=(*_SIGNED, query("echostr", {"type": "string"}, "Given back as it is.")),
    taken=PLAIN_TEXT,
    refusals=PROOF_REFUSALS,
)
