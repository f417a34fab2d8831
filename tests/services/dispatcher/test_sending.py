"""What becomes of requests while everything works: one call a message, retries, refusals, order."""

import asyncio
import json

import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode, Origin
from schemas.topics.provider_events import (
    ProviderEvent,
    SendAccepted,
    SendDeferred,
    SendRejected,
)
from schemas.topics.send_requests import SEND_REQUESTS
from tests.eventually import eventually
from tests.services.dispatcher.dispatchers import (
    SOON,
    RunningDispatcher,
    Upstream,
    a_request,
    about,
    add_rule,
    calls_for,
    outcome,
    state_of,
    story,
)
from tests.services.dispatcher.tails import Tail, dead_letters, header_of
from tests.simulators import RunningSimulator

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("dispatcher"),
]


async def test_a_message_is_sent_once_and_its_facts_carry_ids_of_their_own(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    request = a_request()

    await upstream.ask(request)
    accepted = await eventually(lambda: outcome(facts, request.message_id), within=SOON)

    life = provider.provider.lives()[request.message_id]
    assert isinstance(accepted, SendAccepted)
    assert accepted.provider_message_id == life.provider_message_id
    assert story(about(facts.records, request.message_id)) == [("started", 1), ("accepted", 1)]
    assert provider.provider.accepted()[request.message_id] == 1
    of_message = [r for r in facts.raw if r.key == request.message_id.encode()]
    assert [header_of(record, "ce_id") for record in of_message] == [
        f"{request.message_id}:send.started:1",
        f"{request.message_id}:send.accepted:1",
    ]


async def test_the_same_request_again_is_the_same_message(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    request, last = a_request(), a_request()

    await upstream.ask(request, request)
    for partition in range(3):
        await upstream.ask(request, partition=partition)
    await eventually(lambda: outcome(facts, request.message_id), within=SOON)
    for partition in range(3):
        await upstream.ask(request, partition=partition)
    # What was asked for before it has been dealt with when the last one is sent.
    await upstream.ask(last)
    await eventually(lambda: outcome(facts, last.message_id), within=SOON)

    assert calls_for(provider, request.message_id) == 1
    assert story(about(facts.records, request.message_id)) == [("started", 1), ("accepted", 1)]


async def test_a_request_that_comes_again_during_a_retry_is_not_called_beside_it(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    request = a_request("0002", name="retried-slowly")
    again = {"opaque": request.message_id, "nth": 1}
    add_rule(provider, again, {"wa.refuse": 130429})
    add_rule(provider, {"opaque": request.message_id}, {"net.slow_ms": [2_000, 2_000]})
    await upstream.ask(request)
    await eventually(lambda: calls_for(provider, request.message_id) == 2, within=SOON)

    for partition in range(3):
        await upstream.ask(request, partition=partition)
    await eventually(lambda: outcome(facts, request.message_id), within=SOON)

    assert provider.provider.accepted()[request.message_id] == 1
    assert calls_for(provider, request.message_id) == 2


async def test_a_throttled_message_is_tried_again_after_growing_pauses(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    request = a_request("7900")

    await upstream.ask(request)
    await eventually(lambda: outcome(facts, request.message_id), within=SOON)

    said = about(facts.records, request.message_id)
    assert story(said) == [
        ("started", 1),
        ("deferred", 1),
        ("started", 2),
        ("deferred", 2),
        ("started", 3),
        ("accepted", 3),
    ]
    deferred = [event for event in said if isinstance(event, SendDeferred)]
    pauses = [(event.until - event.at).total_seconds() for event in deferred]
    assert 0.4 < pauses[0] < 1.1
    assert 0.9 < pauses[1] < 2.1
    assert {event.failure.provider_code for event in deferred} == {"130429"}
    assert {event.failure.origin for event in deferred} == {Origin.LOCAL}
    assert provider.provider.accepted()[request.message_id] == 1


async def test_four_failed_attempts_are_the_end(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    request = a_request("0003", name="never")
    add_rule(provider, {"opaque": request.message_id}, {"wa.refuse": 135000})

    await upstream.ask(request)
    rejected = await eventually(lambda: outcome(facts, request.message_id), within=SOON)

    assert isinstance(rejected, SendRejected)
    assert rejected.attempt == 4
    assert rejected.failure.origin is Origin.LOCAL
    assert rejected.failure.provider_code == "135000"
    assert calls_for(provider, request.message_id) == 4


async def test_a_refusal_is_passed_on_and_not_repeated(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    request = a_request("9100")

    await upstream.ask(request)
    rejected = await eventually(lambda: outcome(facts, request.message_id), within=SOON)

    assert isinstance(rejected, SendRejected)
    assert rejected.failure.origin is Origin.PROVIDER
    assert rejected.failure.provider_code == "100"
    assert calls_for(provider, request.message_id) == 1


@pytest.mark.parametrize("recipient", ["+1650", "16505550001", "+16505550001 ext. 7", "Ada"])
async def test_what_is_no_phone_number_is_rejected_without_a_call(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator, recipient: str
) -> None:
    request = a_request(name="nobody")
    request = SEND_REQUESTS.decode(
        json.dumps(json.loads(encoded(request)) | {"recipient": recipient}).encode()
    )

    await upstream.ask(request)
    rejected = await eventually(lambda: outcome(facts, request.message_id), within=SOON)

    assert isinstance(rejected, SendRejected)
    assert rejected.failure.code is ErrorCode.INVALID_RECIPIENT
    assert rejected.failure.origin is Origin.LOCAL
    assert calls_for(provider, request.message_id) == 0


async def test_a_conversation_waits_for_its_retry_and_the_others_go_on(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    first = a_request("0010", name="first")
    add_rule(provider, {"opaque": first.message_id, "nth": 1}, {"wa.refuse": 130429})
    followers = [a_request("0010", name=f"follower{n}") for n in range(3)]
    other = a_request("0004")
    in_order = [other, first, *followers]

    await upstream.ask(first, *followers, other)
    ends = [
        await eventually(lambda r=request: outcome(facts, r.message_id), within=SOON)
        for request in in_order
    ]

    assert [end.at for end in ends if end] == sorted(end.at for end in ends if end)
    assert calls_for(provider, first.message_id) == 2


async def test_what_is_no_request_goes_to_the_dlq_and_its_neighbours_are_sent(
    upstream: Upstream, facts: Tail[ProviderEvent], clean_topics: str
) -> None:
    before, after = a_request("0005"), a_request("0006")
    good = json.loads(encoded(a_request(name="bad")))
    bad = {
        b"no JSON": "$",
        b"": "$",
        with_(good, channel="a pigeon"): "$.channel",
        with_(good, colour="blue"): "colour",
        with_(good, messageId="a b"): "$.messageId",
        with_(good, messageId=None): "$.messageId",
        with_(good, content={"type": "text", "body": ""}): "$.content.body",
        with_(good, content={"type": "text", "body": "a\x00b"}): "NUL",
        with_(good, content={"type": "dance"}): "$.content",
        with_(good, requestedAt="2026-03-02T12:00:00"): "$.requestedAt",
    }

    await upstream.ask(before, partition=0)
    for value in bad:
        await upstream.put(value, partition=0)
    await upstream.ask(after, partition=0)
    for request in (before, after):
        end = await eventually(lambda r=request: outcome(facts, r.message_id), within=SOON)
        assert isinstance(end, SendAccepted)

    letters = await dead_letters(SEND_REQUESTS, clean_topics)
    ours = [letter for letter in letters if header_of(letter, "dlq_by") == "dispatcher"]
    details = {letter.value or b"": header_of(letter, "dlq_detail") for letter in ours}
    assert details.keys() == bad.keys()
    assert {header_of(letter, "dlq_reason") for letter in ours} == {"malformed"}
    assert [value for value, field in bad.items() if field not in details[value]] == []


def with_(good: dict[str, object], **fields: object) -> bytes:
    return json.dumps(good | fields).encode()


def encoded(request: object) -> bytes:
    return SEND_REQUESTS.record(request, source="/test", at=request.requested_at).value  # type: ignore[attr-defined, arg-type]


async def test_what_is_finished_leaves_no_content_in_the_ledger(
    upstream: Upstream, facts: Tail[ProviderEvent], ledger: sa.Engine
) -> None:
    accepted, rejected = a_request("0007"), a_request("9100")
    await upstream.ask(accepted, rejected)
    for request in (accepted, rejected):
        await eventually(lambda r=request: outcome(facts, r.message_id), within=SOON)

    await eventually(lambda: state_of(ledger, accepted.message_id) == "accepted", within=SOON)
    await eventually(lambda: state_of(ledger, rejected.message_id) == "rejected", within=SOON)

    with ledger.connect() as connection:
        query = sa.text("SELECT count(request) FROM dispatch_ledger WHERE message_id = ANY(:ids)")
        ids = [accepted.message_id, rejected.message_id]
        assert connection.execute(query, {"ids": ids}).scalar_one() == 0


async def test_many_messages_are_called_side_by_side(
    dispatcher: RunningDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
) -> None:
    requests = [a_request(f"{1_000 + n}", name="crowd") for n in range(20)]
    add_rule(provider, {"opaque_prefix": "crowd"}, {"net.slow_ms": [2_000, 2_000]})

    await asyncio.gather(*(upstream.ask(request) for request in requests))

    async def all_at_once() -> bool:
        return await dispatcher.metric("dispatcher_calls_in_progress") == len(requests)

    await eventually(all_at_once, within=SOON)
    for request in requests:
        await eventually(lambda r=request: outcome(facts, r.message_id), within=SOON)
