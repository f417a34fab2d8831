"""What an answer means: decided by its code, whatever stands around that (IM-09)."""

import json
from datetime import timedelta

import pytest

from domain.failures import ErrorCode, Origin
from domain.outcomes import (
    Accepted,
    Deferred,
    InDoubt,
    Rejected,
    Reply,
    Scope,
    SenderBroken,
    Throttled,
)
from providers.whatsapp.answers import HIDDEN_ACCEPTANCE
from tests.eventually import seconds
from tests.providers.whatsapp.channels import an_error, answered_by
from tests.providers.whatsapp.wire import says

HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"


@pytest.mark.parametrize("status", ["400 Bad Request", "429 Too Many Requests"])
@pytest.mark.parametrize(("text", "pause"), [("7", seconds(7)), ("off", None)])
async def test_a_throttle_waits_as_long_as_it_asks(
    status: str, text: str, pause: timedelta | None
) -> None:
    answer = says(status, an_error(130429), {"Retry-After": text})

    reply = await answered_by(answer)

    assert isinstance(reply, Throttled)
    assert reply.retry_after == pause


@pytest.mark.parametrize("code", [1, 2, 131000, 131016, 4_711])
async def test_a_server_error_with_a_code_that_may_pass_defers(code: int) -> None:
    reply = await answered_by(says("500 Internal Server Error", an_error(code)))

    assert isinstance(reply, Deferred)
    assert reply.failure.origin is Origin.LOCAL
    assert reply.failure.provider_code == str(code)
    assert reply.retry_after == HIDDEN_ACCEPTANCE


@pytest.mark.parametrize(
    ("code", "scope", "pause"),
    [
        (4, Scope.ACCOUNT, seconds(60)),
        (80007, Scope.ACCOUNT, seconds(60)),
        (131057, Scope.SENDER, seconds(60)),
        (130429, Scope.SENDER, None),
    ],
)
async def test_a_throttle_concerns_whom_its_code_names(
    code: int, scope: Scope, pause: timedelta | None
) -> None:
    reply = await answered_by(says("400 Bad Request", an_error(code)))

    assert isinstance(reply, Throttled)
    assert (reply.scope, reply.retry_after) == (scope, pause)


async def test_the_code_decides_and_not_the_status() -> None:
    reply = await answered_by(says("500 Internal Server Error", an_error(3)))

    assert isinstance(reply, SenderBroken)
    assert reply.failure.code is ErrorCode.WA_ACCOUNT_ABNORMAL


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (100, Rejected),
        ("131026", Rejected),
        (130429, Throttled),
        (131000, Deferred),
        (4_711, Rejected),
    ],
)
async def test_an_error_under_200_is_one_all_the_same(code: object, kind: type[Reply]) -> None:
    reply = await answered_by(says("200 OK", an_error(code)))

    assert isinstance(reply, kind)


async def test_a_message_beside_an_error_was_sent() -> None:
    body = json.dumps({"messages": [{"id": "wamid.1"}], "error": {"code": 100}}).encode()

    reply = await answered_by(says("200 OK", body))

    assert isinstance(reply, Accepted)


@pytest.mark.parametrize("body", [HTML, b"", b"{}", b"[1]", b'{"error": "down"}', b"\xff\xfe"])
@pytest.mark.parametrize("status", ["500 Oops", "502 Bad Gateway", "503 Busy", "429 Busy"])
async def test_a_gateways_word_defers_until_a_hidden_acceptance_would_show(
    status: str, body: bytes
) -> None:
    reply = await answered_by(says(status, body))

    assert isinstance(reply, Throttled if status.startswith("429") else Deferred)
    assert reply.failure.code is ErrorCode.NETWORK_ERROR
    assert reply.failure.origin is Origin.LOCAL
    assert reply.retry_after == HIDDEN_ACCEPTANCE


async def test_a_gateway_that_asks_for_more_time_gets_it() -> None:
    answer = says("503 Busy", HTML, {"Retry-After": "60"})

    reply = await answered_by(answer)

    assert isinstance(reply, Deferred)
    assert reply.retry_after == seconds(60)
    assert reply.failure.detail == "WhatsApp API Error: Service Unavailable"


@pytest.mark.parametrize("body", [HTML, b"", b"[]", b"null", b'{"error": {}}', b"\x00"])
async def test_a_refusal_without_a_code_is_one_all_the_same(body: bytes) -> None:
    reply = await answered_by(says("400 Bad Request", body))

    assert isinstance(reply, Rejected)
    assert reply.failure.code is ErrorCode.UNKNOWN_ERROR
    assert reply.failure.detail == "WhatsApp API Error: Bad Request"


async def test_a_code_may_be_a_text_and_so_may_its_data() -> None:
    body = an_error("131026", error_data="Not on WhatsApp")

    reply = await answered_by(says("400 Bad Request", body))

    assert isinstance(reply, Rejected)
    assert reply.failure.code is ErrorCode.INVALID_RECIPIENT
    assert reply.failure.provider_code == "131026"
    assert reply.failure.detail == "Not on WhatsApp"


@pytest.mark.parametrize("code", [[1], {"a": 1}, True, 1.5, None, "", "9" * 5_000])
async def test_a_code_of_no_known_kind_is_a_refusal(code: object) -> None:
    reply = await answered_by(says("400 Bad Request", an_error(code)))

    assert isinstance(reply, Rejected)
    assert reply.failure.code is ErrorCode.UNKNOWN_ERROR


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": [{"id": "wamid.1',
        b"",
        HTML,
        b"[]",
        b"{}",
        b'{"messages": []}',
        b'{"messages": {"id": "wamid.1"}}',
        b'{"messages": [{"id": 7}]}',
        b'{"messages": [{"id": ""}]}',
        b'{"messages": [{"id": "a\\u0000b"}]}',
        b'{"messages": [{"id": "' + b"x" * 256 + b'"}]}',
        b'{"error": {}}',
        b'{"error": {"code": null}}',
        b'{"error": {"code": 100}, "messages": []}',
    ],
)
async def test_a_success_without_an_id_to_keep_is_in_doubt(body: bytes) -> None:
    reply = await answered_by(says("200 OK", body))

    assert isinstance(reply, InDoubt)
