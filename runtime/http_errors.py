"""Turns every error into the answer of its API family; no traceback reaches a user (CF-08)."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from runtime.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TryAgainLater,
    Unauthorized,
    WrongFields,
)
from runtime.http_document import tell_refusals
from runtime.http_nul import AnswersNul
from schemas.http.errors import Problem, body_of

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 1
"""What a 503 asks of the caller; our own recovery takes about as long."""


def shape_errors(app: FastAPI) -> None:
    """Install the handlers, and have the document tell of them."""
    tell_refusals(app)
    app.add_middleware(AnswersNul, answer_of)
    app.add_exception_handler(RequestValidationError, answer_of)
    app.add_exception_handler(HTTPException, answer_of)
    app.add_exception_handler(InvalidInput, answer_of)
    app.add_exception_handler(WrongFields, answer_of)
    app.add_exception_handler(Unauthorized, answer_of)
    app.add_exception_handler(Forbidden, answer_of)
    app.add_exception_handler(NotFound, answer_of)
    app.add_exception_handler(Conflict, answer_of)
    app.add_exception_handler(TryAgainLater, answer_of)
    app.add_exception_handler(Exception, answer_of)


def problem_of(error: Exception) -> Problem:  # noqa: PLR0911 - one line a kind of error
    """Return what the caller is told of an error."""
    match error:
        case InvalidInput(field=field, problem=problem):
            return Problem(400, f"{field}: {problem}", field)
        case WrongFields(problems=problems):
            return Problem(400, str(error), errors=problems)
        case RequestValidationError():
            return _validation(error.errors())
        case Unauthorized():
            return Problem(401, str(error))
        case Forbidden():
            return Problem(403, str(error))
        case NotFound():
            return Problem(404, str(error))
        case Conflict():
            return Problem(409, str(error))
        case TryAgainLater():
            return Problem(503, "Service temporarily unavailable, please try again")
        case HTTPException(status_code=status, detail=detail):
            return Problem(status, str(detail))
        case _:
            return Problem(500, "Internal error")


def _validation(errors: Sequence[Any]) -> Problem:
    first = errors[0]
    # The first part says body, query or path; a body that is no JSON has only that part.
    path = ".".join(str(part) for part in first["loc"][1:] if not isinstance(part, int))
    if first["type"] == "json_invalid":
        return Problem(400, "body: not valid JSON", "body")
    field = path or str(first["loc"][0])
    # What our own validators say is told as they say it.
    said = first["ctx"]["error"] if first["type"] == "value_error" else first["msg"]
    return Problem(400, f"{field}: {said}", field)


async def answer_of(request: Request, error: Exception) -> Response:
    """Return the answer in the shape of the path's family."""
    problem = noted_problem(request, error)
    body = body_of(problem, request.url.path)
    return Response(
        body.content,
        status_code=problem.status,
        media_type=body.media_type,
        headers=headers_of(error),
    )


def noted_problem(request: Request, error: Exception) -> Problem:
    """Return what the caller is told; what is no fault of the caller's is logged."""
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning(
            "request.failed",
            extra={
                "path": _route_of(request),
                "status": problem.status,
                "why": type(error).__name__,
            },
        )
    return problem


def headers_of(error: Exception) -> dict[str, str]:
    """Return what belongs to the status: when to come again, or which methods there are."""
    if isinstance(error, TryAgainLater):
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if isinstance(error, Unauthorized):
        wait = error.retry_after
        later = {} if wait is None else {"Retry-After": str(ceil(wait.total_seconds()))}
        return {"WWW-Authenticate": "Bearer"} | later
    if isinstance(error, HTTPException):
        return dict(error.headers or {})
    return {}


def _route_of(request: Request) -> str:
    # The template, not the path: paths carry ids and sometimes phone numbers.
    route: Any = request.scope.get("route")
    return getattr(route, "path", "unmatched")
