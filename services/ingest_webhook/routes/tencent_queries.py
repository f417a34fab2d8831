"""What OpenAPI says of the parts that WeCom's and WeChat's addresses have in common."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from services.ingest_webhook.routes.callback_route import FORBIDDEN, REFUSALS, TOO_MANY
from services.ingest_webhook.tencent import LARGEST_BODY

Schema = Mapping[str, Any]

_FORBIDDEN: Final = (
    "The signature is wrong, what is under it is not for us, or it was made longer ago than"
    " INGEST_REPLAY_WINDOW; always, while no app is set up."
)

CALLBACK_REFUSALS: Final[Mapping[HTTPStatus, str]] = {
    **REFUSALS,
    FORBIDDEN[0]: _FORBIDDEN,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body is larger than {LARGEST_BODY} bytes.",
}
PROOF_REFUSALS: Final[Mapping[HTTPStatus, str]] = {
    FORBIDDEN[0]: _FORBIDDEN,
    TOO_MANY[0]: TOO_MANY[1],
}

PLAIN_TEXT: Final = {"text/plain": {"schema": {"type": "string"}}}

SHA1: Final = {"type": "string", "pattern": "^[0-9a-f]{40}$"}


def query(name: str, schema: Schema, description: str, *, required: bool = True) -> Schema:
    """Return one parameter of the query."""
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": description,
        "schema": schema,
    }


def signed_by(name: str, over: str) -> tuple[Schema, ...]:
    """Return the parameters of a signature by that name."""
    return (
        query(name, SHA1, f"SHA-1 over {over}, sorted."),
        query("timestamp", {"type": "string", "pattern": "^[0-9]+$"}, "Unix seconds."),
        query("nonce", {"type": "string"}, "Random; part of what is signed."),
    )


def xml_or_json(schema: Schema) -> Schema:
    """Return a body that comes in either form, by what was chosen at the provider."""
    xml = {**schema, "xml": {"name": "xml"}}
    content = {"text/xml": xml, "application/json": schema}
    return {
        "required": True,
        "content": {kind: {"schema": described} for kind, described in content.items()},
    }
