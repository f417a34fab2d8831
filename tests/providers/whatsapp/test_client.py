"""What one call ends in, over real connections: the simulator's, and broken ones."""

import asyncio
import json
import logging
import socket
from collections.abc import Generator
from datetime import timedelta

import httpx
import pytest

from deploy.processes import stop_all
from domain.failures import ErrorCode, Origin
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
from tests.eventually import seconds
from tests.providers.whatsapp.channels import (
    PATIENCE,
    TOKEN,
    a_channel,
    a_message,
    an_error,
    answered_by,
    settings_for,
)
from tests.providers.whatsapp.wire import (
    Answer,
    Wire,
    a_wire,
    in_turn,
    resets,
    says,
    says_bytes,
    says_half,
    says_nothing,
)
from tests.simulators import RunningSimulator, start_simulator

ACCEPTED = says("200 OK", json.dumps({"messages": [{"id": "wamid.1"}]}).encode())
HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"

SHORT = seconds(1)
"""For calls that end by our own time-out."""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    """Return a simulator without faults of its own choice."""
    running = start_simulator({"SIM_PROFILE": "perfect"}, tmp_path_factory.mktemp("simulator"))
    yield running
    stop_all([running.process])


async def send_to(
    provider: RunningSimulator, message: Message, *, answer_within: timedelta = PATIENCE
) -> Reply:
    url = provider.environment["WHATSAPP_API_BASE_URL"]
    token = provider.secrets.access_token
    async with a_channel(url, token=token, answer_within=answer_within) as channel:
        return await channel.send(message)


async def test_what_the_provider_names_is_accepted(provider: RunningSimulator) -> None:
    message = a_message()

    reply = await send_to(provider, message)

    assert isinstance(reply, Accepted)
    life = provider.provider.lives()[message.message_id]
    assert reply.provider_message_id == life.provider_message_id


async def test_a_refusal_is_the_providers_word_with_both_codes(provider: RunningSimulator) -> None:
    reply = await send_to(provider, a_message(recipient="+16505559100"))

    assert isinstance(reply, Rejected)
    assert reply.failure.code is ErrorCode.UNKNOWN_ERROR
    assert reply.failure.provider_code == "100"
    assert reply.failure.origin is Origin.PROVIDER


@pytest.mark.parametrize(("last_four", "theirs"), [("9190", "190"), ("9368", "368")])
async def test_a_number_that_may_not_send_is_not_the_messages_fault(
    provider: RunningSimulator, last_four: str, theirs: str
) -> None:
    reply = await send_to(provider, a_message(recipient=f"+1650555{last_four}"))

    assert isinstance(reply, SenderBroken)
    assert reply.failure.code is ErrorCode.WA_ACCOUNT_ABNORMAL
    assert reply.failure.provider_code == theirs
    assert reply.failure.origin is Origin.LOCAL


@pytest.mark.parametrize(
    ("last_four", "theirs", "scope"),
    [("7900", "130429", Scope.SENDER), ("8000", "131056", Scope.RECIPIENT)],
)
async def test_a_throttle_is_no_failure_and_not_the_providers_last_word(
    provider: RunningSimulator, last_four: str, theirs: str, scope: Scope
) -> None:
    message = a_message(recipient=f"+1650555{last_four}")

    reply = await send_to(provider, message)

    assert isinstance(reply, Throttled)
    assert reply.scope is scope
    assert reply.failure.code is ErrorCode.NETWORK_ERROR
    assert reply.failure.provider_code == theirs
    assert reply.failure.origin is Origin.LOCAL
    assert message.message_id not in provider.provider.accepted()


async def test_an_answer_that_is_lost_leaves_an_accepted_message_in_doubt(
    provider: RunningSimulator,
) -> None:
    message = a_message(recipient="+16505557600")

    reply = await send_to(provider, message, answer_within=SHORT)

    assert isinstance(reply, InDoubt)
    assert reply.failure.code is ErrorCode.NETWORK_ERROR
    assert provider.provider.accepted()[message.message_id] == 1


async def test_nobody_can_tell_what_a_reset_provider_has_done(provider: RunningSimulator) -> None:
    reply = await send_to(provider, a_message(recipient="+16505557700"))

    assert isinstance(reply, InDoubt)


async def test_a_redirect_is_a_refusal_and_the_token_stays_home(provider: RunningSimulator) -> None:
    provider.provider.set_knobs({"net.redirect": 1})
    reply = await send_to(provider, a_message())
    provider.provider.set_knobs({"net.redirect": 0})

    assert isinstance(reply, Rejected)
    async with httpx.AsyncClient(trust_env=False) as client:
        said = await client.get(provider.provider.url + "/_sim/worlds/default/verify")
    assert said.json()["token_stays_home"]["ok"] is True


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Moved", "308 Moved"])
async def test_no_kind_of_redirect_is_followed(status: str) -> None:
    async with a_wire(ACCEPTED) as elsewhere:
        headers = {"Location": f"{elsewhere.url}/{'1' * 15}/messages"}
        reply = await answered_by(says(status, headers=headers))

    assert isinstance(reply, Rejected)
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        resets,
        says_half(b""),
        says_half(b"HTTP/1.1 200 OK\r\nContent-Le"),
        says_half(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"messages"'),
        says_half(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"),
        says_bytes(b"no HTTP at all\r\n\r\n"),
        says("200 OK", b"not compressed", {"Content-Encoding": "gzip"}),
    ],
)
async def test_a_connection_that_breaks_after_the_request_leaves_it_in_doubt(
    answer: Answer,
) -> None:
    # The transport calls some of these a failure to connect, which would be safe to repeat.
    reply = await answered_by(answer)

    assert isinstance(reply, InDoubt)


async def test_a_kept_connection_that_breaks_under_the_next_request_leaves_it_in_doubt() -> None:
    async with a_wire(in_turn(ACCEPTED, resets)) as wire, a_channel(wire.url) as channel:
        replies = [await channel.send(a_message()) for _ in range(2)]

    assert [type(reply) for reply in replies] == [Accepted, InDoubt]
    assert len(wire.requests) == 2


async def test_an_answer_that_never_comes_leaves_it_in_doubt() -> None:
    reply = await answered_by(says_nothing, answer_within=SHORT)

    assert isinstance(reply, InDoubt)


async def test_an_answer_that_drips_is_not_waited_for_byte_by_byte() -> None:
    reply = await answered_by(drips, answer_within=SHORT)

    assert isinstance(reply, InDoubt)


async def drips(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(SHORT.total_seconds() / 10)


async def test_a_refused_connection_is_tried_again_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with a_channel(f"http://127.0.0.1:{nobody.getsockname()[1]}/v24.0") as channel:
            reply = await channel.send(a_message())

    assert isinstance(reply, Deferred)
    assert reply.failure.code is ErrorCode.NETWORK_ERROR
    assert reply.failure.origin is Origin.LOCAL


async def test_a_connection_that_never_opens_is_tried_again_later() -> None:
    # Takes the connection and says nothing: TLS never gets ready for a request.
    async with a_wire(ACCEPTED) as wire:
        url = wire.url.replace("http:", "https:")
        async with a_channel(url, answer_within=SHORT) as channel:
            reply = await channel.send(a_message())

    assert isinstance(reply, Deferred)
    assert wire.requests == []


@pytest.mark.parametrize("sender", ["x?y=z", "x#y", "a/b", "a\nb", "ü", "a b", "a\r\nHost: evil"])
async def test_a_sender_chooses_no_other_call_of_the_api(sender: str) -> None:
    async with a_wire(ACCEPTED) as wire, a_channel(wire.url) as channel:
        reply = await channel.send(a_message(sender_id=SenderId(sender)))

    assert isinstance(reply, Accepted)
    path = target_of(wire)
    assert path.startswith("/v24.0/")
    assert path.endswith("/messages")
    assert path.count("/") == 3
    assert not {"?", "#"} & set(path)


def target_of(wire: Wire) -> str:
    return wire.requests[0].split(b" ")[1].decode()


async def test_the_token_is_in_the_request_and_nowhere_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = in_turn(ACCEPTED, says("401 No", an_error(190)), says("502 Oops", HTML), resets)
    shown: list[str] = [repr(settings_for("http://127.0.0.1"))]

    async with a_wire(answers) as wire, a_channel(wire.url) as channel:
        shown.append(repr(channel) + repr(vars(channel)))
        shown += [repr(await channel.send(a_message())) for _ in range(4)]

    assert f"Bearer {TOKEN}".encode() in wire.requests[0]
    assert TOKEN not in caplog.text
    assert all(TOKEN not in text for text in shown)
