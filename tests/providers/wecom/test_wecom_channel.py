"""What one send through WeCom ends in, over real connections: whole ones and broken ones."""

import logging
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.failures import ErrorCode
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
from providers.wecom.channel import open_channel
from schemas.topics.contents import TextContent
from tests.providers.wecom.scripts import ROBOT, SEND, TOKEN, a_wecom, tokens, told
from tests.providers.wecom.sends import (
    AGENT,
    CORP,
    KEY,
    SECRET,
    SHORT,
    a_channel,
    a_message,
    a_store,
    by_robot,
    send,
    settings_for,
)
from tests.providers.whatsapp.wire import Answer, resets, says, says_half, says_nothing

HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"


async def answered(
    store: Path,
    answers: Mapping[str, Sequence[Answer]],
    **settings: Any,  # noqa: ANN401
) -> Reply:
    async with a_wecom(answers) as script:
        return await send(script.url, a_message(), store, **settings)


async def test_a_member_gets_a_message_with_the_apps_token(tmp_path: Path) -> None:
    async with a_wecom({SEND: [told(msgid="m1")]}) as script:
        reply = await send(script.url, a_message(), tmp_path)

    assert isinstance(reply, Accepted)
    assert reply.provider_message_id == "m1"
    asked, called = script.calls()
    assert asked.query == {"corpid": CORP, "corpsecret": SECRET}
    assert (called.path, called.query) == ("/cgi-bin/message/send", {"access_token": "token-1"})
    assert called.json["agentid"] == int(AGENT)


async def test_messages_to_members_take_the_path_of_the_settings(tmp_path: Path) -> None:
    async with a_wecom({"push/here": [told(msgid="m1")]}) as script:
        reply = await send(script.url, a_message(), tmp_path, wecom_message_path="push/here")

    assert isinstance(reply, Accepted)
    assert script.calls()[-1].path == "/push/here"


async def test_a_robot_has_its_key_and_no_token(tmp_path: Path) -> None:
    async with a_wecom({ROBOT: [told()]}) as script:
        reply = await send(script.url, by_robot(TextContent(body="down")), tmp_path)

    assert isinstance(reply, Accepted)
    (called,) = script.calls()
    assert called.query == {"key": KEY}


@pytest.mark.parametrize("code", [40014, 42001])
async def test_a_token_that_ended_is_renewed_and_the_call_repeated(
    code: int, tmp_path: Path
) -> None:
    async with a_wecom({SEND: [told(errcode=code), told(msgid="m1")]}) as script:
        reply = await send(script.url, a_message(), tmp_path)

    assert isinstance(reply, Accepted)
    used = [call.query["access_token"] for call in script.calls(SEND)]
    assert used == ["token-1", "token-2"]


async def test_a_new_token_that_is_refused_too_says_that_the_app_is_broken(tmp_path: Path) -> None:
    async with a_wecom({SEND: [told(errcode=42001)]}) as script:
        reply = await send(script.url, a_message(), tmp_path)

    assert isinstance(reply, SenderBroken)
    assert len(script.calls(SEND)) == 2


async def test_a_wrong_secret_is_the_apps_fault_and_nothing_is_sent(tmp_path: Path) -> None:
    async with a_wecom({TOKEN: [told(errcode=40001)], SEND: [told()]}) as script:
        reply = await send(script.url, a_message(), tmp_path)

    assert isinstance(reply, SenderBroken)
    assert reply.failure.provider_code == "40001"
    assert script.calls(SEND) == []


@pytest.mark.parametrize("broken", [resets, says("502 Bad Gateway", HTML), says("200 OK", HTML)])
async def test_without_a_token_nothing_was_sent(broken: Answer, tmp_path: Path) -> None:
    reply = await answered(tmp_path, {TOKEN: [broken], SEND: [told()]})

    assert isinstance(reply, Deferred)


async def test_a_token_that_does_not_come_in_time_leaves_no_doubt(tmp_path: Path) -> None:
    reply = await answered(tmp_path, {TOKEN: [says_nothing]}, wecom_answer_within=SHORT)

    assert isinstance(reply, Deferred)


@pytest.mark.parametrize(
    "broken",
    [
        resets,
        says("502 Bad Gateway", HTML),
        says("503 Service Unavailable"),
        says("408 Request Timeout"),
        says("200 OK", HTML),
        says("200 OK", b'{"errcode":0,"msg'),
        says("200 OK", b"{}"),
        says_half(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"errcode":0'),
    ],
)
async def test_a_call_without_an_answer_that_counts_is_in_doubt(
    broken: Answer, tmp_path: Path
) -> None:
    assert isinstance(await answered(tmp_path, {SEND: [broken]}), InDoubt)


async def test_a_call_that_is_out_when_our_time_is_over_is_in_doubt(tmp_path: Path) -> None:
    reply = await answered(tmp_path, {SEND: [says_nothing]}, wecom_answer_within=SHORT)

    assert isinstance(reply, InDoubt)


async def test_a_renewal_that_does_not_come_leaves_no_doubt_about_a_refused_call(
    tmp_path: Path,
) -> None:
    answers = {TOKEN: [tokens()[0], says_nothing], SEND: [told(errcode=42001)]}

    reply = await answered(tmp_path, answers, wecom_answer_within=SHORT)

    assert isinstance(reply, Deferred)


async def test_a_closed_port_is_no_doubt(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with a_channel(settings_for(url), a_store(tmp_path)) as channel:
            reply = await channel.send(a_message())

    assert isinstance(reply, Deferred)
    assert reply.failure.code is ErrorCode.NETWORK_ERROR


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says("500 Internal Server Error", b'{"errcode":-1,"errmsg":"system busy"}'), Deferred),
        (says("200 OK", b'{"errcode":"45009","errmsg":"api freq out of limit"}'), Throttled),
        (says("403 Forbidden", b'{"errcode":60020}'), SenderBroken),
        (says("200 OK", b'{"errcode":81013,"errmsg":7}'), Rejected),
    ],
)
async def test_the_code_decides_whatever_it_comes_with(
    answer: Answer, kind: type[Reply], tmp_path: Path
) -> None:
    assert isinstance(await answered(tmp_path, {SEND: [answer]}), kind)


async def test_a_robot_that_has_said_enough_waits_alone(tmp_path: Path) -> None:
    async with a_wecom({ROBOT: [told(errcode=45009)]}) as script:
        reply = await send(script.url, by_robot(TextContent(body="down")), tmp_path)

    assert isinstance(reply, Throttled)
    assert reply.scope is Scope.RECIPIENT


async def test_no_redirect_takes_the_token_along(tmp_path: Path) -> None:
    async with a_wecom({"elsewhere": [told()]}) as other:
        away = says("302 Found", headers={"Location": f"{other.url}/elsewhere"})
        reply = await answered(tmp_path, {SEND: [away]})

    assert isinstance(reply, SenderBroken)
    assert other.calls() == []


async def test_no_secret_is_logged_or_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="providers")
    replies: list[Reply] = []
    for broken in (resets, says("502 Bad Gateway", HTML), told(errcode=42001)):
        async with a_wecom({SEND: [broken], ROBOT: [broken]}) as script:
            replies.append(await send(script.url, a_message(), tmp_path))
            replies.append(await send(script.url, by_robot(TextContent(body="down")), tmp_path))

    for secret in (SECRET, KEY, "token-1", "token-2"):
        assert secret not in caplog.text
        assert secret not in str(replies)


async def test_what_could_never_be_sent_is_refused_without_a_call(tmp_path: Path) -> None:
    async with a_wecom({}) as script:
        reply = await send(script.url, a_message(recipient="张三"), tmp_path)

    assert isinstance(reply, Rejected)
    assert reply.failure.code is ErrorCode.INVALID_RECIPIENT
    assert script.calls() == []


def test_without_an_app_and_a_robot_there_is_no_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WECOM_APPS", raising=False)
    monkeypatch.delenv("WECOM_ROBOTS", raising=False)

    assert open_channel() is None


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("WECOM_APPS", '[{"corpId":"ww1"}]', "WECOM_APPS[0].secret: Field required"),
        (
            "WECOM_APPS",
            '[{"corpId":"ww1","secret":"hush"},{"corpId":"ww1","secret":"hush2"}]',
            "WECOM_APPS must not name an app twice",
        ),
        ("WECOM_ROBOTS", '[{"name":"a b","key":"hush"}]', "WECOM_ROBOTS[0].name"),
        (
            "WECOM_ROBOTS",
            '[{"name":"a","key":"hush"},{"name":"a","key":"hush"}]',
            "WECOM_ROBOTS must not name a robot twice",
        ),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_told(
    variable: str,
    value: str,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SystemExit):
        open_channel()

    said = capsys.readouterr().err
    assert complaint in said
    assert "hush" not in said
