"""The shape of an error, by the family the path belongs to (CF-08)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with a request."""

    status: int
    """The HTTP status."""
    message: str
    """One sentence for the caller."""
    field: str | None = None
    """The wrong field of the input, by its name on the wire."""
    errors: Sequence[tuple[str, str]] = ()
    """Where all mistakes are told at once: each field with what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of an error answer."""

    content: bytes
    media_type: str


def _envelope(problem: Problem) -> Body:
    data = None if problem.field is None else {"field": problem.field}
    return _json({"code": problem.status, "message": problem.message, "data": data})


def _outcome(problem: Problem) -> Body:
    return _json({"success": False, "message": problem.message})


def _bare(problem: Problem) -> Body:
    content: dict[str, Any] = {"error": problem.message}
    if problem.errors:
        content["errors"] = [{"field": field, "problem": what} for field, what in problem.errors]
    return _json(content)


def _text(problem: Problem) -> Body:
    return Body(problem.message.encode(), "text/plain; charset=utf-8")


def _json(content: dict[str, Any]) -> Body:
    return Body(json.dumps(content, ensure_ascii=False).encode(), "application/json")


FAMILIES: Final[tuple[tuple[str, Callable[[Problem], Body]], ...]] = (
    ("/api/v1/jobs/", _outcome),
    ("/api/v1/", _envelope),
    ("/api/whatsapp/webhook", _text),
    ("/api/whatsapp/", _outcome),
    ("/", _bare),
)
"""The first prefix that fits decides."""


def body_of(problem: Problem, path: str) -> Body:
    """Return the error's body in the shape of the path's family.

    >>> body_of(Problem(404, "Job not found"), "/api/whatsapp/job-progress/1").content
    b'{"success": false, "message": "Job not found"}'
    """
    shape = next(shape for prefix, shape in FAMILIES if path.startswith(prefix))
    return shape(problem)
