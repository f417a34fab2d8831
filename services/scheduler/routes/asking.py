"""How the timed push families read what is asked: all mistakes at once, in their words (CF-08)."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from runtime.bodies import read_body
from runtime.errors import WrongFields

B = TypeVar("B", bound=BaseModel)

LARGEST_BODY: Final = 128 * 1_024

_REF: Final = "#/components/schemas/"


class AskingRoute(APIRoute):
    """A route whose refused query is told as the family tells it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which raises `WrongFields` for a query that cannot be read."""
        handle = super().get_route_handler()

        async def asked(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise WrongFields("Invalid query", _problems(error.errors(), skip=1)) from error

        return asked


async def body_of(request: Request, kind: type[B], *, told: str = "Invalid input") -> B:
    """Return the body. Raises `WrongFields`, ``told`` in the family's words."""
    raw = await read_body(request, limit=LARGEST_BODY)
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise WrongFields(told, _problems(wrong, skip=0)) from error


def documented(body: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI entry of a route whose body is read by `body_of`."""
    content = {"application/json": {"schema": {"$ref": _REF + body.__name__}}}
    return {"requestBody": {"required": True, "content": content}}


def _problems(errors: Sequence[Any], *, skip: int) -> list[tuple[str, str]]:
    # What our own validators say is told as they say it.
    return [
        (_place(error["loc"][skip:]), error["msg"].removeprefix("Value error, "))
        for error in errors
    ]


def _place(parts: Sequence[str | int]) -> str:
    place = ""
    for part in parts:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    # A name that nobody of us chose may hold anything.
    return place.lstrip(".").replace("\x00", "\ufffd") or "body"
