"""How a callback's address is opened and described, whichever channel it is of."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import request_response

from schemas.http.errors import Problem, body_of

Endpoint = Callable[[Request], Awaitable[Response]]

FORBIDDEN: Final = (HTTPStatus.FORBIDDEN, "Signature, verify token or mode is wrong.")
TOO_MANY: Final = (HTTPStatus.TOO_MANY_REQUESTS, "This source's requests come too quickly.")

REFUSALS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "Authentic, but no callback; the wrong field is named.",
    FORBIDDEN[0]: FORBIDDEN[1],
    HTTPStatus.REQUEST_TIMEOUT: "The body did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than INGEST_BODY_BYTES.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body has a Content-Encoding.",
    TOO_MANY[0]: TOO_MANY[1],
    HTTPStatus.SERVICE_UNAVAILABLE: "Nothing is lost if it is sent again: Kafka does not"
    " acknowledge, or too many callbacks come at once.",
}
"""What a POST is answered other than 200."""

_COMES_AGAIN: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class CallbackRoute(APIRoute):
    """A route that FastAPI describes and Starlette runs.

    FastAPI would look for parameters and keep two stacks of dependencies for each request, which
    took longer than all that Starlette does (45 µs of 19).
    """

    def __init__(self, path: str, endpoint: Endpoint, **described: Any) -> None:  # noqa: ANN401 - FastAPI's
        super().__init__(path, endpoint, **described)
        self.app = request_response(endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What OpenAPI says of an address."""

    tag: str = "callbacks"
    summary: str
    parameters: Sequence[Mapping[str, Any]]
    body: Mapping[str, Any] | None = None
    """OpenAPI's requestBody."""
    taken_as: str = "Taken in."
    """What 200 means."""
    taken: Mapping[str, Any]
    """What 200 carries: OpenAPI's content."""
    refusals: Mapping[HTTPStatus, str]
    refused_as: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What a refusal may carry other than the family's shape: OpenAPI's content."""


def open_address(
    app: FastAPI, method: str, path: str, endpoint: Endpoint, description: Description
) -> None:
    """Add a route, before all others: most requests are callbacks, and routes are tried in turn."""
    more: dict[str, Any] = {"parameters": list(description.parameters)}
    if description.body is not None:
        more["requestBody"] = dict(description.body)
    route = CallbackRoute(
        path,
        endpoint,
        methods=[method],
        tags=[description.tag],
        summary=description.summary,
        response_class=Response,
        responses=_responses(path, description),
        openapi_extra=more,
    )
    app.router.routes.insert(0, route)


def _responses(path: str, description: Description) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": description.taken_as, "content": dict(description.taken)}
    }
    for status, meaning in description.refusals.items():
        refusal = _refusal(path, status, meaning)
        refusal["content"] |= description.refused_as
        responses[int(status)] = refusal
    return responses


def _refusal(path: str, status: HTTPStatus, meaning: str) -> dict[str, Any]:
    """Describe a refusal in the shape in which it is really given."""
    body = body_of(Problem(int(status), meaning), path)
    schema: dict[str, Any] = {"type": "string"}
    if body.media_type == "application/json":
        schema = {"type": "object", "required": list(json.loads(body.content))}
    described: dict[str, Any] = {
        "description": meaning,
        "content": {body.media_type.partition(";")[0]: {"schema": schema}},
    }
    if status in _COMES_AGAIN:
        seconds = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        described["headers"] = {"Retry-After": seconds}
    return described
