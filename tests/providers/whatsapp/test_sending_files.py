"""Files of our store on their way: uploaded, sent by their id, and brought again (WA 5)."""

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from deploy.processes import stop_all
from domain.failures import ErrorCode, Origin
from domain.identity import ProviderMessageId, SenderId
from domain.outcomes import Accepted, Deferred, Rejected, Reply, SenderBroken, Throttled
from providers import uploads
from providers.contract import Message
from providers.whatsapp.client import NO_FILE_YET, WhatsAppChannel
from providers.whatsapp.files import ENDINGS, TYPES
from runtime.media import MediaSettings, MediaStore, open_store
from schemas.topics.contents import (
    AudioContent,
    Content,
    DocumentContent,
    ImageContent,
    StickerContent,
    VideoContent,
)
from schemas.topics.templates import ImageParameter, TemplateContent, TextParameter
from tests.eventually import seconds
from tests.providers.whatsapp.channels import a_channel, a_message
from tests.providers.whatsapp.wire import (
    Answer,
    Writer,
    a_wire,
    in_turn,
    resets,
    says,
    says_nothing,
)
from tests.simulators import RunningSimulator, start_simulator

KEY = "outbound/2026/03/0a1b2c.jpg"
PICTURE = b"\xff\xd8\xff\xe0 the bytes of a picture \r\n--"

UPLOADED = says("200 OK", b'{"id":"287"}')
UPLOADED_AGAIN = says("200 OK", b'{"id":"288"}')
ACCEPTED = says("200 OK", b'{"messages":[{"id":"wamid.1"}]}')


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    running = start_simulator({"SIM_PROFILE": "perfect"}, tmp_path_factory.mktemp("simulator"))
    yield running
    stop_all([running.process])


@pytest.fixture
async def store(tmp_path: Path) -> MediaStore:
    made = open_store(MediaSettings(media_store_url=tmp_path.as_uri()))
    await put(made, KEY, PICTURE)
    return made


async def put(store: MediaStore, key: str, data: bytes) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    await store.put(key, pieces())


def a_picture() -> Message:
    return a_message(content=ImageContent(key=KEY, caption="Look"))


def an_error(code: object, text: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": text}}).encode()


GONE = says(
    "400 Bad Request",
    an_error(
        100,
        "(#100) Param image['id'] is not a valid whatsapp business account media attachment ID",
    ),
)


@pytest.mark.parametrize(
    "content",
    [
        ImageContent(key=KEY),
        DocumentContent(key="outbound/a.pdf", file_name="order.pdf"),
        AudioContent(key="outbound/a.ogg", voice=True),
        VideoContent(key="outbound/a.mp4"),
        StickerContent(key="outbound/a.webp"),
        TemplateContent(
            name="with_a_picture", header=ImageParameter(key=KEY), body=(TextParameter(text="Ada"),)
        ),
    ],
)
async def test_a_file_of_our_store_is_accepted_under_the_providers_id(
    provider: RunningSimulator, store: MediaStore, content: Content
) -> None:
    for ending in ("pdf", "ogg", "mp4", "webp"):
        await put(store, f"outbound/a.{ending}", b"the bytes")
    template = {
        "name": "with_a_picture",
        "body": "Hi {{1}}",
        "parameters": ["1"],
        "header": "IMAGE",
    }
    provider.provider.put_template(template)
    url = provider.environment["WHATSAPP_API_BASE_URL"]
    message = a_message(content=content)

    async with a_channel(url, token=provider.secrets.access_token, store=store) as channel:
        assert channel.problem(message) is None
        reply = await channel.send(message)

    assert isinstance(reply, Accepted)
    assert provider.provider.accepted()[message.message_id] == 1


async def test_the_upload_is_a_form_with_the_files_bytes_and_type(store: MediaStore) -> None:
    async with a_wire(in_turn(UPLOADED, ACCEPTED)) as wire, a_channel(wire.url, store=store) as to:
        reply = await to.send(a_picture())

    assert isinstance(reply, Accepted)
    upload, send = wire.requests
    assert upload.startswith(b"POST /v24.0/106540352242922/media ")
    for part in (
        b'name="messaging_product"\r\n\r\nwhatsapp\r\n',
        b'name="type"\r\n\r\nimage/jpeg\r\n',
        b'name="file"; filename="0a1b2c.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' + PICTURE,
    ):
        assert part in upload
    assert b"content-type: multipart/form-data; boundary=" in upload
    assert json.loads(send.partition(b"\r\n\r\n")[2])["image"] == {"id": "287", "caption": "Look"}


async def test_a_campaign_uploads_its_picture_once_for_each_number(store: MediaStore) -> None:
    answers = in_turn(UPLOADED, *[ACCEPTED] * 3, UPLOADED_AGAIN, ACCEPTED)
    async with a_wire(answers) as wire, a_channel(wire.url, store=store) as channel:
        for _ in range(3):
            await channel.send(a_picture())
        other = a_message(content=ImageContent(key=KEY), sender_id=SenderId("106540352242923"))
        await channel.send(other)

    calls = [request.split(b" ")[1].rpartition(b"/")[2] for request in wire.requests]
    assert calls == [b"media", *[b"messages"] * 3, b"media", b"messages"]


@pytest.mark.parametrize(
    "refusal", [GONE, says("400 Bad Request", an_error(131053, "Media upload error"))]
)
async def test_an_upload_that_has_expired_is_made_again_and_the_call_repeated(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch, refusal: Answer
) -> None:
    monkeypatch.setattr(uploads, "NEW_FOR", seconds(0))
    answers = in_turn(UPLOADED, ACCEPTED, refusal, UPLOADED_AGAIN, ACCEPTED)
    async with a_wire(answers) as wire, a_channel(wire.url, store=store) as channel:
        replies = [await channel.send(a_picture()) for _ in range(2)]

    assert [type(reply) for reply in replies] == [Accepted, Accepted]
    assert b'"id":"288"' in wire.requests[-1]


async def test_a_file_is_brought_again_once_and_not_for_ever(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "NEW_FOR", seconds(0))
    answers = in_turn(UPLOADED, GONE, UPLOADED_AGAIN, GONE)
    async with a_wire(answers) as wire, a_channel(wire.url, store=store) as channel:
        reply = await channel.send(a_picture())

    assert isinstance(reply, Rejected)
    assert reply.failure.provider_code == "100"
    assert len(wire.requests) == 4


@pytest.mark.parametrize(
    "refusal",
    [GONE, says("400 Bad Request", an_error(100, "Invalid parameter")), says("502 Oops"), resets],
)
async def test_no_other_answer_leads_to_another_call(store: MediaStore, refusal: Answer) -> None:
    # The first: what is refused with an id of a moment ago is the file itself.
    async with a_wire(in_turn(UPLOADED, refusal)) as wire, a_channel(wire.url, store=store) as to:
        reply = await to.send(a_picture())

    assert not isinstance(reply, Accepted)
    assert len(wire.requests) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says("400 Bad Request", an_error(100, "Param file must be a file")), Rejected),
        (says("400 Bad Request", an_error(131053, "Media upload error")), Rejected),
        (says("401 No", an_error(190, "expired")), SenderBroken),
        (says("400 Bad Request", an_error(130429, "Rate limit hit")), Throttled),
        (says("500 Oops", an_error(131000, "Something went wrong")), Deferred),
        (says("503 Busy", b"<html>"), Deferred),
        (says("200 OK", b"{}"), Deferred),
        (says("200 OK", b'{"id": 7}'), Deferred),
        (says("200 OK", an_error(131016, "unavailable")), Deferred),
        (resets, Deferred),
    ],
)
async def test_an_upload_that_fails_leaves_nothing_in_doubt(
    store: MediaStore, answer: Answer, kind: type[Reply]
) -> None:
    async with a_wire(answer) as wire, a_channel(wire.url, store=store) as channel:
        reply = await channel.send(a_picture())

    assert isinstance(reply, kind)
    assert len(wire.requests) == 1


async def test_a_file_that_is_too_large_for_its_type_is_not_uploaded(store: MediaStore) -> None:
    await put(store, "outbound/large.webp", b"x" * (500 * 1_024 + 1))
    async with a_wire(ACCEPTED) as wire, a_channel(wire.url, store=store) as channel:
        reply = await channel.send(a_message(content=StickerContent(key="outbound/large.webp")))

    assert isinstance(reply, Rejected)
    assert (reply.failure.code, reply.failure.origin) == (ErrorCode.UNKNOWN_ERROR, Origin.LOCAL)
    assert wire.requests == []


async def test_a_slow_upload_puts_its_message_off_and_is_there_for_the_next(
    store: MediaStore,
) -> None:
    goes_on = asyncio.Event()

    async def takes_its_time(writer: Writer) -> None:
        await goes_on.wait()
        await UPLOADED(writer)

    async with (
        a_wire(in_turn(takes_its_time, ACCEPTED)) as wire,
        a_channel(wire.url, store=store, answer_within=seconds(2)) as channel,
    ):
        first = await channel.send(a_picture())
        goes_on.set()
        second = await channel.send(a_picture())

    assert isinstance(first, Deferred)
    assert first.retry_after == NO_FILE_YET
    assert isinstance(second, Accepted)
    assert len(wire.requests) == 2


async def test_an_upload_in_which_nothing_comes_is_broken_off(store: MediaStore) -> None:
    async with (
        a_wire(says_nothing) as wire,
        a_channel(wire.url, store=store, whatsapp_upload_within=seconds(1)) as channel,
    ):
        reply = await channel.send(a_picture())

    assert isinstance(reply, Deferred)
    assert len(wire.requests) == 1


async def test_every_type_that_is_sent_has_its_mime_type() -> None:
    assert {ending for endings in ENDINGS.values() for ending in endings} == set(TYPES)


async def test_a_person_is_told_that_their_message_was_read(provider: RunningSimulator) -> None:
    told = provider.provider.order("/inbound", {"from": "16505550001", "text": "Is it ready?"})
    url = provider.environment["WHATSAPP_API_BASE_URL"]
    async with a_channel(url, token=provider.secrets.access_token) as channel:
        read = await mark(channel, told["id"], typing=False)
        typing = await mark(channel, told["id"], typing=True)
        unknown = await mark(channel, "wamid.of.nobody", typing=False)

    assert (read, typing) == (None, None)
    assert unknown == "131009"


async def mark(channel: WhatsAppChannel, message: str, *, typing: bool) -> str | None:
    sender = SenderId("106540352242922")
    failure = await channel.mark_read(sender, ProviderMessageId(message), typing=typing)
    return None if failure is None else failure.provider_code


async def test_the_read_mark_is_the_one_of_the_api() -> None:
    success = says("200 OK", b'{"success":true}')
    async with a_wire(success) as wire, a_channel(wire.url) as channel:
        await mark(channel, "wamid.1", typing=True)

    assert json.loads(wire.requests[0].partition(b"\r\n\r\n")[2]) == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.1",
        "typing_indicator": {"type": "text"},
    }


@pytest.mark.parametrize("answer", [resets, says("200 OK", b"{}"), says("502 Oops", b"<html>")])
async def test_a_read_mark_without_an_answer_is_told_as_a_failure(answer: Answer) -> None:
    async with a_wire(answer) as wire, a_channel(wire.url) as channel:
        sender = SenderId("106540352242922")
        assert await channel.mark_read(sender, ProviderMessageId("wamid.1")) is not None
