"""What each answer of WeCom means to a send (IM-09, CF-38, WX 5, WX 13)."""

import json
from datetime import timedelta
from typing import Any

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
from providers.contract import Message
from providers.wecom.answers import accepted
from providers.wecom.replies import reply_of
from providers.wecom.tokens import CallFailed
from tests.providers.wecom.sends import CUSTOMER, a_group_send, a_message

WORDS = (
    "not external contact, hint: [1700000000_1_abc], from ip: 10.1.2.3, more info at https://open."
    "work.weixin.qq.com/devtool/query?e=84061"
)


def after(code: int, words: str | None = None) -> Reply:
    return reply_of(CallFailed(f"error {code}", code, text=words))


def answered(message: Message, **answer: Any) -> Reply:  # noqa: ANN401 - any field
    return accepted(message, json.dumps({"errcode": 0, "errmsg": "ok", **answer}).encode())


@pytest.mark.parametrize("code", [-1, 6000, 45035])
def test_what_passes_is_tried_again(code: int) -> None:
    reply = after(code)

    assert isinstance(reply, Deferred)
    assert reply.failure.code is ErrorCode.NETWORK_ERROR
    assert reply.failure.provider_code == str(code)
    assert reply.failure.origin is Origin.LOCAL


@pytest.mark.parametrize(("code", "pause"), [(45009, timedelta(minutes=1)), (45033, None)])
def test_no_room_is_no_failure_of_the_message(code: int, pause: timedelta | None) -> None:
    reply = after(code)

    assert isinstance(reply, Throttled)
    assert (reply.scope, reply.retry_after) == (Scope.SENDER, pause)


def test_what_one_robot_may_not_say_now_others_may() -> None:
    reply = reply_of(CallFailed("error 45009", 45009), Scope.RECIPIENT)

    assert isinstance(reply, Throttled)
    assert reply.scope is Scope.RECIPIENT


@pytest.mark.parametrize(
    "code",
    [
        *(40001, 40013, 40014, 40056, 40091, 41001, 42001, 48001, 48002, 48005, 48006, 48011),
        *(50003, 60020, 301002, 701008),
    ],
)
def test_a_broken_app_is_not_the_messages_fault(code: int) -> None:
    reply = after(code)

    assert isinstance(reply, SenderBroken)
    assert reply.failure.code is ErrorCode.WA_ACCOUNT_ABNORMAL
    assert reply.failure.origin is Origin.LOCAL


@pytest.mark.parametrize(
    "code",
    [
        *(40003, 40031, 40050, 40096, 41048, 49008, 60111, 81012, 81013, 82001, 84061, 86008),
        *(90501, 93000),
    ],
)
def test_whom_nobody_reaches_is_an_invalid_recipient(code: int) -> None:
    reply = after(code)

    assert isinstance(reply, Rejected)
    assert reply.failure.code is ErrorCode.INVALID_RECIPIENT
    assert reply.failure.origin is Origin.PROVIDER


@pytest.mark.parametrize("code", [40033, 40058, 40007, 41065, 42014, 45002, 40201, 987_654])
def test_what_would_be_refused_again_is_refused(code: int) -> None:
    reply = after(code)

    assert isinstance(reply, Rejected)
    assert (reply.failure.code, reply.failure.provider_code) == (
        ErrorCode.UNKNOWN_ERROR,
        str(code),
    )


def test_the_hint_for_wecoms_support_is_kept_and_our_address_is_not() -> None:
    reply = after(84061, WORDS + "x" * 1_000)

    assert isinstance(reply, Rejected)
    assert reply.failure.detail == "not external contact, hint: [1700000000_1_abc]"


def test_endless_words_are_cut() -> None:
    reply = after(84061, "企\x00" * 1_000)

    assert isinstance(reply, Rejected)
    assert reply.failure.detail == "企" * 300


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CallFailed("HTTP 502", status=502, in_doubt=True), InDoubt),
        (CallFailed("HTTP 502", status=502), Deferred),
        (CallFailed("HTTP 408", status=408), Deferred),
        (CallFailed("HTTP 429", status=429), Throttled),
        (CallFailed("HTTP 404", status=404), SenderBroken),
        (CallFailed("HTTP 302", status=302), SenderBroken),
        (CallFailed("answer unreadable", in_doubt=True), InDoubt),
        (CallFailed("ServerDisconnectedError", in_doubt=True), InDoubt),
        (CallFailed("ClientConnectorError"), Deferred),
        (CallFailed("no access token"), Deferred),
    ],
)
def test_without_a_word_of_wecoms_the_way_there_decides(
    error: CallFailed, kind: type[Reply]
) -> None:
    reply = reply_of(error)

    assert isinstance(reply, kind)
    assert not isinstance(reply, Accepted)
    assert reply.failure.provider_code is None
    assert reply.failure.detail == error.why


def test_a_message_has_wecoms_name() -> None:
    assert answered(a_message(), msgid="xxxx", invaliduser="") == Accepted(_id("xxxx"))


@pytest.mark.parametrize("recipient", ["zhangsan", "chat:c1", "robot:ops"])
def test_where_wecom_gives_no_name_ours_does(recipient: str) -> None:
    message = a_message(recipient=recipient)

    assert answered(message) == Accepted(_id(f"wecom:{message.message_id}"))


def test_the_only_member_who_is_unknown_is_a_refusal() -> None:
    reply = answered(a_message(recipient="ZhangSan"), msgid="x", invaliduser="zhangsan")

    assert isinstance(reply, Rejected)
    assert reply.failure.code is ErrorCode.INVALID_RECIPIENT
    assert reply.failure.provider_code == "invaliduser"


def test_of_several_members_those_who_are_unknown_are_refused_in_our_spelling() -> None:
    message = a_message(recipient="LiSi|WangWu|ZhangSan")

    reply = answered(message, msgid="x", invaliduser="zhangsan|nobody", unlicenseduser="wangwu")

    assert isinstance(reply, Accepted)
    assert {name: failure.provider_code for name, failure in reply.refused.items()} == {
        "ZhangSan": "invaliduser",
        "WangWu": "unlicenseduser",
    }


def test_whom_a_group_send_does_not_reach_is_refused_at_once() -> None:
    message = a_group_send(targets=("wmA", "wmB", CUSTOMER))

    reply = answered(message, msgid="msg1", fail_list=[CUSTOMER, "wmStranger", None])

    assert isinstance(reply, Accepted)
    assert reply.provider_message_id == "msg1"
    ((target, failure),) = reply.refused.items()
    assert target == CUSTOMER
    assert (failure.code, failure.provider_code) == (ErrorCode.INVALID_RECIPIENT, "fail_list")


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b"{}", b'{"errcode":', b'{"errcode":null}', b"[" * 100_000, b"\xff"],
)
def test_an_answer_that_nobody_understands_leaves_a_doubt(answer: bytes) -> None:
    assert isinstance(accepted(a_message(), answer), InDoubt)


@pytest.mark.parametrize("msgid", [None, "", "x" * 256, "a\x00"])
def test_a_group_send_without_a_name_is_in_doubt(msgid: str | None) -> None:
    assert isinstance(answered(a_group_send(), msgid=msgid), InDoubt)


def _id(text: str) -> Any:  # noqa: ANN401 - an identifier of its own type
    return text
