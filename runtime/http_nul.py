"""Answers addresses with a NUL: PostgreSQL keeps none in a text, so nothing has such a name."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.errors import InvalidInput, NotFound, SendtrailError

AnswerOf = Callable[[Request, Exception], Awaitable[Response]]
"""Answers an error in the shape of the path's family."""

_NUL: Final = "\x00"


class AnswersNul:
    """Stands before an application: where it breaks on a NUL, 400 for a parameter, else 404.

    An endpoint that knows better what is not found, or what is wrong, says so itself.
    """

    def __init__(self, app: ASGIApp, answer_of: AnswerOf) -> None:
        self._app = app
        self._answer_of = answer_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and answer in the endpoint's place where the driver refuses."""
        try:
            await self._app(scope, receive, send)
        except ValueError:
            error = _error_of(scope) if scope["type"] == "http" else None
            if error is None:
                raise
            answer = await self._answer_of(Request(scope), error)
            await answer(scope, receive, send)


def _error_of(scope: Scope) -> SendtrailError | None:
    query: bytes = scope["query_string"]
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if _NUL in name or _NUL in value:
            return InvalidInput(name.replace(_NUL, "\ufffd"), "must not contain a NUL")
    return NotFound("Not Found") if _NUL in scope["path"] else None
