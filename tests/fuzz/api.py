"""Requests that our own OpenAPI makes conceivable, signed and unsigned, to a running ingester."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final, cast

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from schemathesis import checks as known

from providers.whatsapp.signature import sign

CHECKS: Final = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
"""The documents name 503 and no other 5xx, so that a fault of ours is a status nobody described."""

SIGNATURE: Final = "X-Hub-Signature-256"

_MODES: Final = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@dataclass(frozen=True, slots=True)
class Chance:
    """How one round is drawn."""

    seed: int
    examples: int = 40
    """Of each operation and kind."""


def fuzz_api(url: str, secret: bytes, *, first: Chance, within: timedelta) -> int:
    """Send whole rounds of requests to each address for that long; return how many.

    Raises what a check raises.
    """
    chance, sent = first, 0
    known.load_all_checks()
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        document = client.get("/openapi.json").json()
        operations = _public(schemathesis.openapi.from_dict(document))
        ends = time.monotonic() + within.total_seconds()
        while time.monotonic() < ends:
            for operation in operations:
                for mode in _MODES:
                    for prepare in (partial(_signed, secret), _as_it_is):
                        sent += _round(client, operation, mode, prepare, chance)
            chance = replace(chance, seed=chance.seed + 1)
    return sent


def fuzz_tagged(url: str, headers: Mapping[str, str], *tags: str, chance: Chance) -> int:
    """Send a round of requests to each address with one of these tags; return how many.

    Raises what a check raises.
    """
    known.load_all_checks()
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        document = client.get("/openapi.json").json()
        operations = _public(schemathesis.openapi.from_dict(document))
        return sum(
            _round(client, operation, mode, partial(_by, headers), chance)
            for operation in operations
            if set(tags) & set(operation.tags or ())
            for mode in _MODES
        )


def _signed(secret: bytes, request: httpx.Request) -> None:
    request.headers[SIGNATURE] = sign(request.content, secret)


def _by(headers: Mapping[str, str], request: httpx.Request) -> None:
    request.headers.update(headers)


def _as_it_is(_: httpx.Request) -> None:
    pass


def _public(schema: Any) -> list[Any]:  # noqa: ANN401 - schemathesis's own
    operations = [result.ok() for result in schema.get_all_operations()]
    return [one for one in operations if "operations" not in one.tags]


def _round(
    client: httpx.Client,
    operation: Any,  # noqa: ANN401 - schemathesis's own
    mode: schemathesis.GenerationMode,
    prepare: Callable[[httpx.Request], None],
    chance: Chance,
) -> int:
    sent = 0
    checks: list[Any] = cast("Any", known).CHECKS.get_by_names(list(CHECKS))

    @seed(chance.seed)
    @settings(
        max_examples=chance.examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:  # noqa: ANN401 - schemathesis's own
        nonlocal sent
        request = _request(client, case)
        prepare(request)
        case.validate_response(client.send(request), checks=checks)
        sent += 1

    send()
    return sent


def _request(client: httpx.Client, case: Any) -> httpx.Request:  # noqa: ANN401 - the same
    said: dict[str, Any] = case.as_transport_kwargs(base_url=str(client.base_url))
    body = said.pop("data", None)
    if isinstance(body, str):
        body = body.encode(errors="surrogatepass")
    try:
        if isinstance(body, Mapping):  # a form
            return client.build_request(**said, data=cast("Mapping[str, Any]", body))
        return client.build_request(**said, content=body)
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
        # No client could write it down.
        reject()
