"""What each answer of WeChat's means for the message and for the next attempt (WX 14.5, IM-09)."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from domain.failures import ErrorCode, Origin
from domain.identity import MessageId
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
from providers.wechat.replies import answer_of, refusal_of_token, reply_of
from tests.eventually import seconds
from tests.providers.wechat.channels import a_message
from tests.simulator.pushes import APP_ID

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RID = "rid: 61725984-6126f6f9-040f19c4"
MESSAGE = a_message(message_id=MessageId("msg_1"))


def said(code: object, **more: object) -> bytes:
    return json.dumps({"errcode": code, "errmsg": f"words {RID}", **more}).encode()


def reply_to(body: bytes, status: int = 200) -> Reply:
    return reply_of(answer_of(status, body), MESSAGE, NOW)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"msgid": 3248682510344192008}, f"{APP_ID}:3248682510344192008"),
        ({"msgid": "17"}, f"{APP_ID}:17"),
        ({}, f"{APP_ID}:sent:msg_1"),
        ({"msgid": None}, f"{APP_ID}:sent:msg_1"),
        ({"msgid": True}, f"{APP_ID}:sent:msg_1"),
        ({"msgid": "9" * 65}, f"{APP_ID}:sent:msg_1"),
        ({"msgid": "\x00"}, f"{APP_ID}:sent:msg_1"),
    ],
)
@pytest.mark.parametrize("code", [0, "0"])
def test_a_success_is_named_as_its_event_will_be_or_after_ours(
    code: object, more: dict[str, object], name: str
) -> None:
    assert reply_to(said(code, **more)) == Accepted(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        (40003, ErrorCode.INVALID_RECIPIENT),
        (50002, ErrorCode.INVALID_RECIPIENT),
        (40037, ErrorCode.UNKNOWN_ERROR),
        (40038, ErrorCode.DAILY_LIMIT_EXCEEDED),
        (41030, ErrorCode.UNKNOWN_ERROR),
        (43101, ErrorCode.UNKNOWN_ERROR),
        (43107, ErrorCode.WA_ACCOUNT_ABNORMAL),
        (45002, ErrorCode.UNKNOWN_ERROR),
        (45015, ErrorCode.UNKNOWN_ERROR),
        (45047, ErrorCode.SEND_INTERVAL_LIMIT),
        (45168, ErrorCode.UNKNOWN_ERROR),
        (47001, ErrorCode.UNKNOWN_ERROR),
        (47003, ErrorCode.UNKNOWN_ERROR),
        (987654, ErrorCode.UNKNOWN_ERROR),
    ],
)
def test_a_refusal_is_the_providers_word_with_both_codes(code: int, ours: ErrorCode) -> None:
    reply = reply_to(said(code))

    assert isinstance(reply, Rejected)
    assert (reply.failure.code, reply.failure.provider_code) == (ours, str(code))
    assert reply.failure.origin is Origin.PROVIDER
    assert RID in (reply.failure.detail or "")


@pytest.mark.parametrize(
    ("code", "reason"),
    [(43101, "no consent: "), (45015, "the person has not written"), (45047, "no more messages")],
)
def test_what_an_operator_can_do_something_about_has_plain_words(code: int, reason: str) -> None:
    reply = reply_to(said(code))

    assert isinstance(reply, Rejected)
    assert (reply.failure.detail or "").startswith(reason)


@pytest.mark.parametrize(
    "code", [40001, 40013, 40014, 40164, 41001, 42001, 45035, 48001, 48004, 61004]
)
def test_what_is_wrong_with_the_app_stops_the_sender(code: int) -> None:
    reply = reply_to(said(code))

    assert isinstance(reply, SenderBroken)
    assert reply.failure.code is ErrorCode.WA_ACCOUNT_ABNORMAL
    assert reply.failure.origin is Origin.LOCAL


@pytest.mark.parametrize(
    ("code", "scope", "pause"),
    [
        (45011, Scope.SENDER, seconds(60)),
        (43108, Scope.RECIPIENT, seconds(1)),
        # Noon in London: four hours until the day ends in China.
        (45009, Scope.SENDER, timedelta(hours=4)),
    ],
)
def test_what_has_no_room_waits_until_there_is_some(
    code: int, scope: Scope, pause: timedelta
) -> None:
    reply = reply_to(said(code))

    assert isinstance(reply, Throttled)
    assert (reply.scope, reply.retry_after) == (scope, pause)


def test_a_busy_system_is_tried_again() -> None:
    reply = reply_to(said(-1))

    assert isinstance(reply, Deferred)
    assert reply.failure.code is ErrorCode.NETWORK_ERROR


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("code", [43101, "43101"])
def test_the_code_decides_whatever_http_says(code: object, status: int) -> None:
    assert isinstance(reply_to(said(code), status), Rejected)


@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"{}", b"[1]", b"\xff\xfe", b'{"errcode":', b'{"errcode":"soon"}', b"[" * 9_000],
)
@pytest.mark.parametrize("status", [200, 201, 408, 500, 502, 504, 599])
def test_an_answer_without_a_code_leaves_a_doubt(body: bytes, status: int) -> None:
    assert isinstance(reply_to(body, status), InDoubt)


@pytest.mark.parametrize("status", [302, 403, 404])
def test_what_answers_in_wechats_place_stops_the_sender(status: int) -> None:
    assert isinstance(reply_to(b"<html>", status), SenderBroken)


def test_a_gateway_that_is_overrun_holds_the_sender() -> None:
    assert isinstance(reply_to(b"", 429), Throttled)


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (said(40001), 200, SenderBroken),
        (said(40125), 200, SenderBroken),
        (said(45009), 200, Throttled),
        (said(-1), 200, Deferred),
        (b"", 502, Deferred),
        (b"{}", 200, Deferred),
    ],
)
def test_without_a_token_nothing_was_sent_and_no_message_is_at_fault(
    body: bytes, status: int, expected: type[Reply]
) -> None:
    assert isinstance(refusal_of_token(answer_of(status, body), NOW), expected)


def test_words_that_cannot_be_kept_are_made_so() -> None:
    body = json.dumps({"errcode": 47003, "errmsg": "a\x00b" + "c" * 999}).encode()

    reply = reply_to(body)

    assert isinstance(reply, Rejected)
    assert reply.failure.detail == "a\ufffdb" + "c" * 497
