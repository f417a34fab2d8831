"""Limits, urgency, expiry and cancels, at the claims of real dispatchers (LM, TP-04, IM-13)."""

from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
import sqlalchemy as sa

from deploy.processes import stop_all
from domain.admission import HoldReason
from domain.failures import ErrorCode
from schemas.topics.provider_events import (
    ProviderEvent,
    SendAccepted,
    SendDeferred,
    SendRejected,
    SendStarted,
)
from schemas.topics.send_requests import SendRequested
from tests.eventually import eventually
from tests.given import a_send_request
from tests.services.dispatcher.conftest import StartDispatcher
from tests.services.dispatcher.dispatchers import (
    SOON,
    Upstream,
    a_request,
    about,
    add_rule,
    calls_for,
    codes,
    ends_of,
    state_of,
)
from tests.services.dispatcher.tails import Tail
from tests.simulators import RunningSimulator, start_simulator

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

NUMBERS = [str(106540352242922 + n) for n in range(20)]
SENDERS = iter(NUMBERS[1:])


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    """Return a simulator with many sending accounts."""
    environment = {"SIM_PROFILE": "perfect", "SIM_PHONE_NUMBER_IDS": ",".join(NUMBERS)}
    running = start_simulator(environment, tmp_path_factory.mktemp("simulator"))
    yield running
    stop_all([running.process])


async def test_a_daily_limit_holds_exactly_for_several_dispatchers(
    a_dispatcher: StartDispatcher, upstream: Upstream, facts: Tail[ProviderEvent]
) -> None:
    for _ in range(2):
        await a_dispatcher(SENDER_DAILY_LIMIT="40")
    sender = a_sender()
    requests = [a_request(f"{n:04}", name="daily", sender_id=sender) for n in range(100)]

    await upstream.ask(*requests)
    ends = await ends_of(facts, requests)

    assert Counter(type(end) for end in ends) == {SendAccepted: 40, SendRejected: 60}
    assert {codes(end) for end in ends if isinstance(end, SendRejected)} == {
        (ErrorCode.DAILY_LIMIT_EXCEEDED, "Daily limit exceeded for this number.")
    }


async def test_a_throttled_message_is_counted_once(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
) -> None:
    await a_dispatcher(SENDER_DAILY_LIMIT="1")
    request = a_request("0150", sender_id=a_sender())
    add_rule(provider, {"opaque": request.message_id}, {"wa.refuse": 130429}, count=2)

    await upstream.ask(request)
    (end,) = await ends_of(facts, [request])

    assert isinstance(end, SendAccepted)
    assert calls_for(provider, request.message_id) == 3


async def test_a_rate_holds_for_a_queue(
    a_dispatcher: StartDispatcher, upstream: Upstream, facts: Tail[ProviderEvent]
) -> None:
    await a_dispatcher(WHATSAPP_MESSAGES_PER_SECOND="40")
    sender = a_sender()
    requests = [a_request(f"3{n:03}", name="paced", sender_id=sender) for n in range(200)]

    await upstream.ask(*requests)
    ends = await ends_of(facts, requests)

    assert {type(end) for end in ends} == {SendAccepted}
    moments = sorted(started_at(facts, request) for request in requests)
    for first, last in pairwise(range(0, len(moments), 40)):
        # A second of the rate, with what may be ahead of its time.
        assert moments[last] - moments[first] > timedelta(seconds=0.85)


async def test_a_wecom_member_of_several_lists_gets_no_more_than_its_rate(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
) -> None:
    for _ in range(2):
        await a_dispatcher()
    app = f"{provider.chats.corp_id}.{provider.chats.agent_id}"
    lists = [
        a_send_request(channel="wecom", sender_id=app, recipient=f"lisi|sim-{n}") for n in range(7)
    ]

    for n, request in enumerate(lists):
        await upstream.ask(request, partition=n % 2)
    ends = await ends_of(facts, lists)

    assert {type(end) for end in ends} == {SendAccepted}
    claimed = sorted(claimed_at(ledger, request.message_id) for request in lists)
    # Six at once, and then one each five seconds.
    assert claimed[6] - claimed[0] >= timedelta(seconds=5)


async def test_what_may_wait_for_the_next_day_waits_in_the_ledger(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    ledger: sa.Engine,
) -> None:
    await a_dispatcher(SENDER_DAILY_LIMIT="1", APP_TIMEZONE="Asia/Shanghai")
    sender = a_sender()
    first, second = (a_request(f"010{n}", sender_id=sender, when_limited="wait") for n in range(2))

    await upstream.ask(first)
    (end,) = await ends_of(facts, [first])
    await upstream.ask(second)
    await eventually(lambda: state_of(ledger, second.message_id) == "waiting", within=SOON)
    await eventually(lambda: holds_of(facts, second), within=SOON)

    assert isinstance(end, SendAccepted)
    with ledger.connect() as connection:
        query = sa.text("SELECT due_at FROM dispatch_ledger WHERE message_id = :id")
        due_at = connection.execute(query, {"id": second.message_id}).scalar_one()
    assert due_at > datetime.now(UTC)
    assert (due_at + timedelta(hours=8)).time().isoformat() == "00:00:00"
    (hold,) = await holds_of(facts, second)
    assert (hold.held, hold.until, hold.attempt) == (HoldReason.DAILY_LIMIT, due_at, 1)
    assert hold.failure.detail == "Daily limit exceeded for this number."


async def test_a_hold_is_told_once_and_a_moments_wait_is_not(
    a_dispatcher: StartDispatcher, upstream: Upstream, facts: Tail[ProviderEvent]
) -> None:
    await a_dispatcher(WHATSAPP_PAIR_INTERVAL="PT6S", WHATSAPP_PAIR_BURST="1")
    sender = a_sender()
    first, held = (a_request("0300", name="pair", sender_id=sender) for _ in range(2))
    others = [a_request(f"04{n:02}", name="pair", sender_id=sender) for n in range(20)]

    await upstream.ask(first)
    await ends_of(facts, [first])
    await upstream.ask(held, *others)
    await ends_of(facts, [held, *others])

    (hold,) = await holds_of(facts, held)
    assert hold.held is HoldReason.RATE
    assert started_at(facts, held) >= hold.until
    assert [await holds_of(facts, one) for one in (first, *others)] == [[]] * 21


async def test_a_pause_that_the_provider_asks_for_holds_all_of_the_sender_and_is_told(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
) -> None:
    await a_dispatcher(WHATSAPP_MESSAGES_PER_SECOND="0")
    number = a_sender()
    first, second = (a_request(f"07{n:02}", name="rests", sender_id=number) for n in range(2))
    knobs = {"wa.refuse": 130429, "net.retry_after": "12"}
    add_rule(provider, {"opaque": first.message_id}, knobs, count=1)

    await upstream.ask(first)
    await eventually(lambda: is_held(ledger, f"whatsapp:{number}"), within=SOON)
    await upstream.ask(second)
    ends = await ends_of(facts, [first, second])

    assert {type(end) for end in ends} == {SendAccepted}
    told = [one for one in about(facts.records, first.message_id) if isinstance(one, SendDeferred)]
    rested_until = told[0].at + timedelta(seconds=12)
    assert started_at(facts, second) >= rested_until - timedelta(seconds=1)
    assert calls_for(provider, second.message_id) == 1


async def test_a_sender_that_cannot_send_is_halted_and_sends_all_that_waited_once_it_can(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
) -> None:
    dispatcher = await a_dispatcher()
    name = f"halted-{uuid4().hex[:6]}"
    number = a_sender()
    requests = [a_request(f"05{n:02}", name=name, sender_id=number) for n in range(20)]
    sender = f"whatsapp:{number}"
    # Three calls fail: the first one and two probes; then the account is well again.
    add_rule(provider, {"opaque_prefix": name}, {"wa.refuse": 190}, count=3)

    await upstream.ask(*requests)
    await eventually(lambda: is_halted(ledger, sender), within=SOON)
    urgent = a_request("0599", priority="high", sender_id=number)
    await upstream.ask(urgent)
    ends = await ends_of(facts, requests)

    assert {type(end) for end in ends} == {SendAccepted}
    assert not is_halted(ledger, sender)
    assert await dispatcher.metric(f'dispatcher_sender_halted{{sender="{sender}"}}') == 0
    (said,) = await ends_of(facts, [urgent])
    assert isinstance(said, SendAccepted) or codes(said)[0] is ErrorCode.WA_ACCOUNT_ABNORMAL


async def test_what_waits_too_long_for_a_halted_sender_fails(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    ledger: sa.Engine,
) -> None:
    await a_dispatcher(DISPATCHER_HALTED_LONGEST="PT1S")
    request = a_request("0600", sender_id=a_sender())
    with ledger.begin() as connection:
        halt = sa.text(
            """
            INSERT INTO senders (sender, halted_at, halted_for, probe_at)
            VALUES (:sender, now(), 'test', now() + interval '1 hour')
            """
        )
        connection.execute(halt, {"sender": f"whatsapp:{request.sender_id}"})

    await upstream.ask(request)
    await eventually(lambda: state_of(ledger, request.message_id) == "waiting", within=SOON)
    with ledger.begin() as connection:
        back = sa.text(
            "UPDATE dispatch_ledger SET due_at = now() - interval '1 minute' WHERE message_id = :id"
        )
        connection.execute(back, {"id": request.message_id})
    (end,) = await ends_of(facts, [request])

    assert codes(end)[0] is ErrorCode.WA_ACCOUNT_ABNORMAL


async def test_an_urgent_message_goes_before_a_queue_that_its_sender_has(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
) -> None:
    await a_dispatcher(DISPATCHER_CALLS_PER_SENDER="8")
    sender = a_sender()
    name = f"queue-{uuid4().hex[:6]}"
    add_rule(provider, {"opaque_prefix": name}, {"net.slow_ms": [300, 300]})
    queue = [a_request(f"{n:04}", name=name, sender_id=sender) for n in range(200)]
    urgent = a_request("5999", name=name, sender_id=sender, priority="high")

    await upstream.ask(*queue)
    await upstream.ask(urgent)
    ends = await ends_of(facts, [*queue, urgent])

    assert ends[-1] is not None
    before = sum(end.at < ends[-1].at for end in ends)
    # Two rounds at most were being called or had been claimed when it came; the rest waited.
    assert before < len(queue) / 2


async def test_a_lane_that_is_too_long_waits_in_the_ledger_and_blocks_nobody(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
) -> None:
    await a_dispatcher(DISPATCHER_CALLS_PER_SENDER="2", DISPATCHER_MAX_IN_FLIGHT="40")
    slow, quick = a_sender(), a_sender()
    name = f"slow-{uuid4().hex[:6]}"
    add_rule(provider, {"opaque_prefix": name}, {"net.slow_ms": [400, 400]})
    queue = [a_request(f"1{n:03}", name=name, sender_id=slow) for n in range(60)]
    others = [a_request(f"2{n:03}", sender_id=quick) for n in range(60)]

    await upstream.ask(*queue, *others)
    quick_ends = await ends_of(facts, others)
    slow_ends = await ends_of(facts, queue)

    assert {type(end) for end in (*quick_ends, *slow_ends)} == {SendAccepted}
    assert max(end.at for end in quick_ends) < sorted(end.at for end in slow_ends)[len(queue) // 2]
    assert all(calls_for(provider, request.message_id) == 1 for request in queue)


def a_sender() -> str:
    """Return an account that no other test sends from."""
    return next(SENDERS)


async def holds_of(facts: Tail[ProviderEvent], request: SendRequested) -> list[SendDeferred]:
    events = about(await facts.read(), request.message_id)
    return [event for event in events if isinstance(event, SendDeferred) and event.held]


def started_at(facts: Tail[ProviderEvent], request: SendRequested) -> datetime:
    events = about(facts.records, request.message_id)
    return next(event.at for event in events if isinstance(event, SendStarted))


def claimed_at(engine: sa.Engine, message_id: str) -> datetime:
    with engine.connect() as connection:
        query = sa.text("SELECT claimed_at FROM dispatch_ledger WHERE message_id = :id")
        return connection.execute(query, {"id": message_id}).scalar_one()


def is_held(engine: sa.Engine, sender: str) -> bool:
    with engine.connect() as connection:
        query = sa.text("SELECT held_until > now() FROM senders WHERE sender = :sender")
        return bool(connection.execute(query, {"sender": sender}).scalar())


def is_halted(engine: sa.Engine, sender: str) -> bool:
    with engine.connect() as connection:
        query = sa.text("SELECT halted_at IS NOT NULL FROM senders WHERE sender = :sender")
        return bool(connection.execute(query, {"sender": sender}).scalar())
