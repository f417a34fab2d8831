"""Requests that our own OpenAPI documents make conceivable, to a running service.

Each operation is asked by everybody who might: what may come back depends on who asks.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis import checks as known

from providers.whatsapp.signature import sign
from runtime.auth import Caller
from schemas.http.errors import Problem, body_of
from tests.callers import signed_in

CHECKS: Final = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
"""The documents name 503 and no other 5xx, so that a fault of ours is a status nobody described."""

SIGNATURE: Final = "X-Hub-Signature-256"
STREAM: Final = "text/event-stream"
PAGE: Final = "text/html"
PROBES: Final = "operations"
"""The tag of what no person asks: they read nothing of a request, and answer in their own shape."""

_POSITIVE: Final = (GenerationMode.POSITIVE,)
_BOTH: Final = (*_POSITIVE, GenerationMode.NEGATIVE)

# What is drawn for an id may make an address that there is not: 404.
_NOT_KNOWN: Final = frozenset({401, 404})
_NOT_ALLOWED: Final = frozenset({403, 404})


@dataclass(frozen=True, slots=True)
class Chance:
    """How one round is drawn."""

    seed: int
    examples: int
    """Of each operation, voice and mode."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is asked."""

    url: str
    ids: Mapping[str, str]
    """Of things that are there, by the name of the path's parameter: asked for half of the time."""
    secret: bytes
    """Signs callbacks."""


@dataclass(slots=True)
class Round:
    """What came of it."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    """By the operation's label and the status."""
    found: list[str] = field(default_factory=list[str])
    """Answers that there may not be, and how they were asked for."""


@dataclass(frozen=True, slots=True)
class _Voice:
    """Somebody who asks."""

    prepare: Callable[[httpx.Request], None]
    modes: tuple[GenerationMode, ...] = _BOTH
    answers: frozenset[int] | None = None
    """All they may be told; None: whatever the document says."""


def ask_all(service: Service, chance: Chance) -> Round:
    """Send a round of requests to each operation of the service's document."""
    known.load_all_checks()
    done = Round()
    with httpx.Client(base_url=service.url, trust_env=False, timeout=20) as client:
        schema: Any = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        for operation in [one.ok() for one in schema.get_all_operations()]:
            for voice in _voices(operation, service.secret):
                for mode in voice.modes:
                    try:
                        _ask(client, _cases(operation, service.ids, mode), voice, chance, done)
                    except Exception as error:  # noqa: BLE001 - the others are asked all the same
                        done.found.append(f"{operation.label}: {_told(error)}")
    return done


def _voices(operation: Any, secret: bytes) -> Iterator[_Voice]:  # noqa: ANN401 - schemathesis's own
    needs: list[Mapping[str, list[str]]] = operation.definition.raw.get("security", [])
    if PROBES in operation.tags:
        yield _Voice(_as_it_is, _POSITIVE)
    elif not needs:
        yield _Voice(_as_it_is)
    else:
        yield _Voice(partial(_by, signed_in()))
        yield _Voice(_unknown, _POSITIVE, _NOT_KNOWN)
    if "callbacks" in operation.tags:
        yield _Voice(partial(_signed, secret))
    if any(scopes for need in needs for scopes in need.values()):
        nobody = signed_in(Caller("nobody", "acme", frozenset()))
        yield _Voice(partial(_by, nobody), _POSITIVE, _NOT_ALLOWED)


def _as_it_is(_: httpx.Request) -> None:
    pass


def _unknown(request: httpx.Request) -> None:
    request.headers.pop("Authorization", None)


def _by(headers: Mapping[str, str], request: httpx.Request) -> None:
    request.headers.update(headers)


def _signed(secret: bytes, request: httpx.Request) -> None:
    request.headers[SIGNATURE] = sign(request.content, secret)


def _cases(operation: Any, ids: Mapping[str, str], mode: GenerationMode) -> SearchStrategy[Any]:  # noqa: ANN401 - the same
    anything: SearchStrategy[Any] = operation.as_strategy(generation_mode=mode)
    named = {one.name: ids[one.name] for one in operation.path_parameters if one.name in ids}
    if not named:
        return anything
    return anything | operation.as_strategy(generation_mode=mode, path_parameters=named)


def _ask(
    client: httpx.Client, cases: SearchStrategy[Any], voice: _Voice, chance: Chance, done: Round
) -> None:
    """Send requests that are drawn; raise what a check raises."""

    @seed(chance.seed)
    @settings(
        max_examples=chance.examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=cases)
    def send(case: Any) -> None:  # noqa: ANN401 - schemathesis's own
        request = _request(client, case)
        voice.prepare(request)
        answer = _answer(client, request)
        done.answers[case.operation.label, answer.status_code] += 1
        _judge(case, answer, voice)

    send()


def _judge(case: Any, answer: httpx.Response, voice: _Voice) -> None:  # noqa: ANN401 - the same
    """Fail where the answer is none that this voice may get to this request."""
    checks: list[Any] = cast("Any", known).CHECKS.get_by_names(list(CHECKS))
    case.validate_response(answer, checks=checks)
    told = f"{answer.status_code} {answer.text[:200]}"
    assert voice.answers is None or answer.status_code in voice.answers, told
    if answer.is_error and PROBES not in case.operation.tags:
        assert _has_its_familys_shape(answer), told


def _has_its_familys_shape(answer: httpx.Response) -> bool:
    """Return whether a refusal is told as the path's family tells them (CF-08)."""
    media_type = answer.headers["Content-Type"]
    if media_type.startswith(PAGE):  # for a person to read; the document says where
        return True
    usual = body_of(Problem(answer.status_code, ""), answer.request.url.path)
    if media_type != usual.media_type:
        return False
    return "json" not in media_type or json.loads(usual.content).keys() <= answer.json().keys()


def _answer(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Return the answer; of an event stream, which does not end, how it begins."""
    answer = client.send(request, stream=True)
    try:
        if not answer.headers.get("Content-Type", "").startswith(STREAM):
            answer.read()
            return answer
        begun = httpx.Response(
            answer.status_code,
            headers=answer.headers,
            content=next(answer.iter_raw()),
            request=request,
        )
    finally:
        answer.close()
    begun.elapsed = answer.elapsed
    return begun


def _request(client: httpx.Client, case: Any) -> httpx.Request:  # noqa: ANN401 - the same
    said: dict[str, Any] = case.as_transport_kwargs(base_url=str(client.base_url))
    body = said.pop("data", None)
    if isinstance(body, str):
        body = body.encode(errors="surrogatepass")
    if said.get("files"):
        said["files"] = [_part(*part) for part in said["files"]]
    try:
        if isinstance(body, Mapping):  # a form
            request = client.build_request(**said, data=cast("Mapping[str, Any]", body))
        else:
            request = client.build_request(**said, content=body)
        request.read()
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
        # No client could write it down.
        reject()
    return request


def _part(name: str, said: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return a part of a form as httpx takes it: numbers are text there."""
    filename, content, *rest = said
    return name, (filename, str(content) if isinstance(content, int) else content, *rest)


def _told(error: Exception) -> str:
    if isinstance(error, ExceptionGroup):
        group = cast("ExceptionGroup[Exception]", error)
        return "\n".join(_told(one) for one in group.exceptions)
    return f"{type(error).__name__}: {error}"
