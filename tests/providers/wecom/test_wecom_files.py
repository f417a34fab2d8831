"""How files of ours come to WeCom: uploaded once, again when expired, never twice for nothing."""

import json
from pathlib import Path

import pytest

from domain.outcomes import Accepted, Deferred, Rejected, Reply, SenderBroken, Throttled
from schemas.topics.contents import AudioContent, DocumentContent, ImageContent
from tests.providers.wecom.scripts import ROBOT, SEND, UPLOAD, a_wecom, told
from tests.providers.wecom.sends import (
    KEY,
    SHORT,
    a_channel,
    a_message,
    a_store,
    by_robot,
    keep,
    send,
    settings_for,
)
from tests.providers.whatsapp.wire import Answer, resets, says, says_nothing

MB = 1_024 * 1_024
PICTURE = "outbound/2026/03/0a1b2c.png"


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
        reply = await send(script.url, a_message(content=ImageContent(id="M")), tmp_path)

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
        (says("502 Bad Gateway", b"<html>"), Deferred),
        (told(), Deferred),
    ],
)
async def test_without_its_upload_nothing_is_sent(
    upload: Answer, kind: type[Reply], tmp_path: Path
) -> None:
    await keep(a_store(tmp_path), PICTURE, b"a picture")
    async with a_wecom({UPLOAD: [upload], SEND: [told()]}) as script:
        reply = await send(script.url, a_message(content=ImageContent(key=PICTURE)), tmp_path)

    assert isinstance(reply, kind)
    assert script.calls(SEND) == []


async def test_an_upload_that_takes_too_long_leaves_no_doubt(tmp_path: Path) -> None:
    await keep(a_store(tmp_path), PICTURE, b"a picture")
    message = a_message(content=ImageContent(key=PICTURE))
    async with a_wecom({UPLOAD: [says_nothing]}) as script:
        reply = await send(script.url, message, tmp_path, wecom_answer_within=SHORT)

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
        reply = await send(script.url, a_message(content=AudioContent(key=key)), tmp_path)

    assert isinstance(reply, Rejected)
    assert reason in (reply.failure.detail or "")
    assert script.calls() == []


async def test_a_robots_picture_travels_in_the_call(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    await keep(store, PICTURE, b"a picture")
    async with a_wecom({ROBOT: [told()]}) as script:
        reply = await send(script.url, by_robot(ImageContent(key=PICTURE)), tmp_path)

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
        reply = await send(script.url, by_robot(ImageContent(key=key)), tmp_path)

    assert isinstance(reply, Rejected)
    assert reason in (reply.failure.detail or "")
    assert script.calls() == []


async def test_a_robots_file_is_uploaded_for_this_robot(tmp_path: Path) -> None:
    await keep(a_store(tmp_path), "a/b.pdf", b"%PDF")
    answers = {"upload_media": [told(media_id="M1")], ROBOT: [told()]}
    async with a_wecom(answers) as script:
        reply = await send(script.url, by_robot(DocumentContent(key="a/b.pdf")), tmp_path)

    assert isinstance(reply, Accepted)
    upload, said = script.calls()
    assert upload.query == {"type": "file", "key": KEY}
    assert said.json == {"msgtype": "file", "file": {"media_id": "M1"}}
