"""What one send through WeCom ends in, over real connections: whole ones and broken ones."""

import json
import logging
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.failures import ErrorCode
from domain.identity import SenderId
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
from providers.wecom.api_settings import ROBOTS
from providers.wecom.channel import open_channel
from schemas.topics.contents import AudioContent, DocumentContent, ImageContent, TextContent
from tests.eventually import seconds
from tests.providers.wecom.scripts import (
    ROBOT,
    SEND,
    TOKEN,
    UPLOAD,
    Script,
    a_wecom,
    tokens,
    told,
)
from tests.providers.wecom.sends import (
    AGENT,
    CORP,
    KEY,
    SECRET,
    a_channel,
    a_message,
    a_store,
    keep,
    settings_for,
)
from tests.providers.whatsapp.wire import (
    Answer,
    resets,
    says,
    says_half,
    says_nothing,
)

HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"
MB = 1_024 * 1_024
SHORT = seconds(1)
"""For calls that end by our own time-out."""
PICTURE = "outbound/2026/03/0a1b2c.png"


def by_robot(content: object) -> Message:
    return a_message(sender_id=SenderId(ROBOTS), recipient="robot:ops", content=content)


async def send(script: Script, message: Message, store: Path, **settings: Any) -> Reply:  # noqa: ANN401
    """Send one message, within a short time if the test says so."""
    async with a_channel(settings_for(script.url, **settings), a_store(store)) as channel:
        return await channel.send(message)


async def answered(
    store: Path,
    answers: Mapping[str, Sequence[Answer]],
    **settings: Any,  # noqa: ANN401
) -> Reply:
    async with a_wecom(answers) as script:
        return await send(script, a_message(), store, **settings)


async def test_a_member_gets_a_message_with_the_apps_token(tmp_path: Path) -> None:
    async with a_wecom({SEND: [told(msgid="m1")]}) as script:
        reply = await send(script, a_message(), tmp_path)

    assert isinstance(reply, Accepted)
    assert reply.provider_message_id == "m1"
    asked, called = script.calls()
    assert asked.query == {"corpid": CORP, "corpsecret": SECRET}
    assert (called.path, called.query) == ("/cgi-bin/message/send", {"access_token": "token-1"})
    assert called.json["agentid"] == int(AGENT)


async def test_messages_to_members_take_the_path_of_the_settings(tmp_path: Path) -> None:
    async with a_wecom({"push/here": [told(msgid="m1")]}) as script:
        reply = await send(script, a_message(), tmp_path, wecom_message_path="push/here")

    assert isinstance(reply, Accepted)
    assert script.calls()[-1].path == "/push/here"


async def test_a_robot_has_its_key_and_no_token(tmp_path: Path) -> None:
    async with a_wecom({ROBOT: [told()]}) as script:
        reply = await send(script, by_robot(TextContent(body="down")), tmp_path)

    assert isinstance(reply, Accepted)
    (called,) = script.calls()
    assert called.query == {"key": KEY}


@pytest.mark.parametrize("code", [40014, 42001])
async def test_a_token_that_ended_is_renewed_and_the_call_repeated(
    code: int, tmp_path: Path
) -> None:
    async with a_wecom({SEND: [told(errcode=code), told(msgid="m1")]}) as script:
        reply = await send(script, a_message(), tmp_path)

    assert isinstance(reply, Accepted)
    used = [call.query["access_token"] for call in script.calls(SEND)]
    assert used == ["token-1", "token-2"]


async def test_a_new_token_that_is_refused_too_says_that_the_app_is_broken(tmp_path: Path) -> None:
    async with a_wecom({SEND: [told(errcode=42001)]}) as script:
        reply = await send(script, a_message(), tmp_path)

    assert isinstance(reply, SenderBroken)
    assert len(script.calls(SEND)) == 2


async def test_a_wrong_secret_is_the_apps_fault_and_nothing_is_sent(tmp_path: Path) -> None:
    async with a_wecom({TOKEN: [told(errcode=40001)], SEND: [told()]}) as script:
        reply = await send(script, a_message(), tmp_path)

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
        reply = await send(script, by_robot(TextContent(body="down")), tmp_path)

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
            replies.append(await send(script, a_message(), tmp_path))
            replies.append(await send(script, by_robot(TextContent(body="down")), tmp_path))

    for secret in (SECRET, KEY, "token-1", "token-2"):
        assert secret not in caplog.text
        assert secret not in str(replies)


async def test_a_file_of_ours_is_uploaded_once_under_its_name(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    await keep(store, "outbound/a.pdf", b"%PDF-1.7")
    document = DocumentContent(key="outbound/a.pdf", file_name='价"目.pdf')
    async with (
        a_wecom({UPLOAD: [told(media_id="M1")], SEND: [told(msgid="m1")]}) as script,
        a_channel(settings_for(script.url), store) as channel,
    ):
        replies = [await channel.send(a_message(content=document)) for _ in range(2)]

    assert all(isinstance(reply, Accepted) for reply in replies)
    (upload,) = script.calls(UPLOAD)
    assert upload.query == {"type": "file", "access_token": "token-1"}
    assert (
        'Content-Disposition: form-data; name="media"; filename="价%22目.pdf"; filelength=8\r\n'
        "Content-Type: application/pdf\r\n\r\n%PDF-1.7\r\n--"
    ).encode() in upload.body
    assert [call.json["file"] for call in script.calls(SEND)] == [{"media_id": "M1"}] * 2


@pytest.mark.parametrize("code", [40007, 40145])
async def test_an_upload_that_has_expired_is_made_again_and_the_call_repeated(
    code: int, tmp_path: Path
) -> None:
    store, now = a_store(tmp_path), [0.0]
    await keep(store, PICTURE, b"a picture")
    sends = [told(msgid="m1"), told(errcode=code), told(msgid="m2"), told(errcode=code)]
    uploads = [told(media_id="M1"), told(media_id="M2")]
    message = a_message(content=ImageContent(key=PICTURE))
    async with (
        a_wecom({UPLOAD: uploads, SEND: sends}) as script,
        a_channel(settings_for(script.url), store, lambda: now[0]) as channel,
    ):
        first = await channel.send(message)
        now[0] += 3_600
        second = await channel.send(message)
        third = await channel.send(message)

    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert second.provider_message_id == "m2"
    # A new upload that WeCom does not take is no expired one.
    assert isinstance(third, Rejected)
    used = [call.json["image"]["media_id"] for call in script.calls(SEND)]
    assert used == ["M1", "M1", "M2", "M2"]


async def test_a_media_id_of_somebody_elses_upload_is_not_uploaded_again(tmp_path: Path) -> None:
    async with a_wecom({SEND: [told(errcode=40007)]}) as script:
        reply = await send(script, a_message(content=ImageContent(id="M")), tmp_path)

    assert isinstance(reply, Rejected)
    assert len(script.calls(SEND)) == 1


@pytest.mark.parametrize(
    ("upload", "kind"),
    [
        (told(errcode=-1), Deferred),
        (told(errcode=45009), Throttled),
        (told(errcode=60020), SenderBroken),
        (told(errcode=40009), Rejected),
        (resets, Deferred),
        (says("502 Bad Gateway", HTML), Deferred),
        (told(), Deferred),
    ],
)
async def test_without_its_upload_nothing_is_sent(
    upload: Answer, kind: type[Reply], tmp_path: Path
) -> None:
    await keep(a_store(tmp_path), PICTURE, b"a picture")
    async with a_wecom({UPLOAD: [upload], SEND: [told()]}) as script:
        reply = await send(script, a_message(content=ImageContent(key=PICTURE)), tmp_path)

    assert isinstance(reply, kind)
    assert script.calls(SEND) == []


async def test_an_upload_that_takes_too_long_leaves_no_doubt(tmp_path: Path) -> None:
    await keep(a_store(tmp_path), PICTURE, b"a picture")
    message = a_message(content=ImageContent(key=PICTURE))
    async with a_wecom({UPLOAD: [says_nothing]}) as script:
        reply = await send(script, message, tmp_path, wecom_answer_within=SHORT)

    assert isinstance(reply, Deferred)


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [("a/none.amr", 0, "no file of this key"), ("a/b.amr", 2 * MB + 1, "WeCom takes 2097152")],
)
async def test_a_file_that_cannot_travel_is_refused_before_it_does(
    key: str, size: int, reason: str, tmp_path: Path
) -> None:
    await keep(a_store(tmp_path), "a/b.amr", bytes(size))
    async with a_wecom({UPLOAD: [told()]}) as script:
        reply = await send(script, a_message(content=AudioContent(key=key)), tmp_path)

    assert isinstance(reply, Rejected)
    assert reason in (reply.failure.detail or "")
    assert script.calls() == []


async def test_a_robots_picture_travels_in_the_call(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    await keep(store, PICTURE, b"a picture")
    async with a_wecom({ROBOT: [told()]}) as script:
        reply = await send(script, by_robot(ImageContent(key=PICTURE)), tmp_path)

    assert isinstance(reply, Accepted)
    assert json.loads(script.calls(ROBOT)[0].body)["image"] == {
        "base64": "YSBwaWN0dXJl",
        "md5": "101a0e3e2f58188b3e2ffc1057316c13",
    }


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [
        ("a/none.png", 0, "no file of this key"),
        (PICTURE, 2 * 1_024 * 1_024 + 1, "may have 2097152"),
    ],
)
async def test_a_robots_picture_that_cannot_be_had_is_refused(
    key: str, size: int, reason: str, tmp_path: Path
) -> None:
    await keep(a_store(tmp_path), PICTURE, bytes(size))
    async with a_wecom({ROBOT: [told()]}) as script:
        reply = await send(script, by_robot(ImageContent(key=key)), tmp_path)

    assert isinstance(reply, Rejected)
    assert reason in (reply.failure.detail or "")
    assert script.calls() == []


async def test_a_robots_file_is_uploaded_for_this_robot(tmp_path: Path) -> None:
    await keep(a_store(tmp_path), "a/b.pdf", b"%PDF")
    answers = {"upload_media": [told(media_id="M1")], ROBOT: [told()]}
    async with a_wecom(answers) as script:
        reply = await send(script, by_robot(DocumentContent(key="a/b.pdf")), tmp_path)

    assert isinstance(reply, Accepted)
    upload, said = script.calls()
    assert upload.query == {"type": "file", "key": KEY}
    assert said.json == {"msgtype": "file", "file": {"media_id": "M1"}}


async def test_what_could_never_be_sent_is_refused_without_a_call(tmp_path: Path) -> None:
    async with a_wecom({}) as script:
        reply = await send(script, a_message(recipient="张三"), tmp_path)

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
