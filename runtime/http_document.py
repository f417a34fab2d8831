"""What the OpenAPI document says of refusals: those that endpoints have in common."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI

from schemas.http.errors import Problem, body_of

_ALWAYS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_OF_CHANGES: Final = (HTTPStatus.CONFLICT,)
_OF_BODIES: Final = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE,)
_OF_IDS: Final = (HTTPStatus.NOT_FOUND,)


def tell_refusals(app: FastAPI) -> None:
    """Have the document name them; what a route says itself stays."""
    document_of: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = document_of()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                # FastAPI's own; ours are 400 (CF-08).
                is_checked = operation["responses"].pop("422", None) is not None
                told = {
                    str(status): refusal(path, status)
                    for status in _of(path, method, operation, is_checked=is_checked)
                }
                operation["responses"] = told | operation["responses"]
        return document

    app.openapi = openapi


def refusal(path: str, status: HTTPStatus) -> dict[str, Any]:
    """Return what a document says of an answer in the shape of the path's family."""
    body = body_of(Problem(status, ""), path)
    return {"description": status.phrase, "content": {body.media_type: {}}}


def _of(path: str, method: str, operation: dict[str, Any], *, is_checked: bool) -> list[HTTPStatus]:
    if not operation.get("security"):
        return [HTTPStatus.BAD_REQUEST] if is_checked else []
    changes = () if method == "get" else (*_OF_CHANGES, *_OF_BODIES)
    names = [one["name"] for one in operation.get("parameters", ())]
    # A body may name something by its id, too.
    ids = "requestBody" in operation or any(name.endswith("Id") for name in names)
    return [*_ALWAYS, *changes, *(_OF_IDS if ids or "{" in path else ())]
