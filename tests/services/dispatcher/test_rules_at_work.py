"""What may not be sent is refused or held by a real dispatcher, before any call.

The provider's account may be used as Meta lets one be: answers within 24 hours, templates as they
are listed (IM-26, WA-12, IM-21, IM-22).
"""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
import pytest_asyncio
import sqlalchemy as sa

from domain.consent import Reason, Scope, Statement, Wish
from domain.failures import ErrorCode
from domain.identity import MessageId, message_id_for_fallback
from providers.whatsapp.builtin_templates import appointment_reminder, order_status_update
from providers.whatsapp.failures import STOPPED_OFFERS
from runtime.clock import now
from runtime.kafka.producer import Producer
from runtime.postgres import transaction
from schemas.topics.contents import GroupSendContent
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    ProviderEvent,
    SendAccepted,
    SendDeferred,
    SendRejected,
    StatusReported,
)
from schemas.topics.send_requests import Fallback, SendRequested
from schemas.topics.templates import TemplateContent
from services.dispatcher.store import people
from services.dispatcher.store.people import EVERY_SENDER, Pair
from tests.eventually import eventually
from tests.given import SENDER, a_failure, a_message_id, a_send_request, a_status_reported
from tests.services.dispatcher.dispatchers import (
    SOON,
    RunningDispatcher,
    Upstream,
    a_request,
    about,
    add_rule,
    calls_for,
    codes,
    ends_of,
    outcome,
    start_dispatcher,
    state_of,
    stop_dispatcher,
)
from tests.services.dispatcher.tails import Tail
from tests.services.status_projector.facts import Projector
from tests.simulators import RunningSimulator
from tests.vaults import the_vault

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("dispatcher"),
]

VAULT = the_vault()
SHANGHAI = ZoneInfo("Asia/Shanghai")
READY = order_status_update("A-17", "ready")
SALE = TemplateContent(name="sale")
_NUMBERS = count(3_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dispatcher(
    clean_topics: str,
    database_url: str,
    engine: sa.Engine,
    provider: RunningSimulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[RunningDispatcher]:
    """Return a dispatcher that minds windows, nights and templates."""
    plain: list[str] = []
    sale = {"name": "sale", "body": "Half price!", "parameters": plain, "category": "MARKETING"}
    paused = {"name": "paused", "body": "Hello!", "parameters": plain, "status": "PAUSED"}
    for template in (sale, paused):
        provider.provider.put_template(template)
    night = datetime.now(SHANGHAI) - timedelta(hours=1)
    hours = f"{night:%H:%M}-{night + timedelta(hours=4):%H:%M}"
    running = await start_dispatcher(
        clean_topics,
        database_url,
        provider.environment,
        tmp_path_factory.mktemp("dispatcher"),
        WHATSAPP_WINDOW="enforce",
        DISPATCHER_QUIET_HOURS=hours,
    )
    await eventually(lambda: is_compared(engine), within=SOON)
    yield running
    await stop_dispatcher(running)


def is_compared(engine: sa.Engine) -> bool:
    """Tell whether the account's templates are in the table."""
    with engine.connect() as connection:
        query = "SELECT count(*) FROM whatsapp_templates WHERE template_name = 'paused'"
        return bool(connection.execute(sa.text(query)).scalar_one())


def to_somebody(**what_matters: Any) -> SendRequested:  # noqa: ANN401 - any field
    """Return a request to a person whom no other test knows."""
    return a_request(f"{next(_NUMBERS)}", requested_at=now(), **what_matters)


def wrote(engine: sa.Engine, request: SendRequested, *, ago: timedelta) -> None:
    pair = Pair(request.channel, request.sender_id, request.recipient)
    with transaction(engine) as connection:
        people.remember_windows(connection, VAULT, {pair: now() - ago})


def said(engine: sa.Engine, pair: Pair, scope: Scope, reason: Reason) -> None:
    statement = Statement(Wish.OPT_OUT, scope, reason, now())
    with transaction(engine) as connection:
        people.remember_replies(connection, VAULT, {(pair, scope): statement})


async def test_free_words_go_only_to_people_who_have_written_within_a_day(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    engine: sa.Engine,
) -> None:
    answer, late, unasked, template = to_somebody(), to_somebody(), to_somebody(), to_somebody()
    template = msgspec.structs.replace(template, content=READY)
    wrote(engine, answer, ago=timedelta(hours=23))
    wrote(engine, late, ago=timedelta(hours=25))

    await upstream.ask(answer, late, unasked, template)
    ends = await ends_of(facts, [answer, late, unasked, template])

    closed = "more than 24 hours since the recipient's last message: only a template may be sent"
    assert [type(end) for end in ends] == [SendAccepted, SendRejected, SendRejected, SendAccepted]
    assert [codes(end) for end in ends[1:3]] == [(ErrorCode.UNKNOWN_ERROR, closed)] * 2
    calls = [calls_for(provider, one.message_id) for one in (answer, late, unasked, template)]
    assert calls == [1, 0, 0, 1]


async def test_beyond_the_window_the_template_that_a_request_names_is_sent_instead(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    engine: sa.Engine,
) -> None:
    request = to_somebody(fallback=Fallback(content=READY))
    instead = message_id_for_fallback(MessageId(request.message_id))
    projector = Projector(engine)

    await upstream.ask(request)
    (rejected,) = await ends_of(facts, [request])
    projector.apply([projector.heard(request), projector.heard(rejected)])
    accepted = await eventually(lambda: outcome(facts, instead), within=SOON)

    assert isinstance(accepted, SendAccepted)
    assert (calls_for(provider, request.message_id), calls_for(provider, instead)) == (0, 1)


async def test_templates_that_would_be_refused_are_not_called(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    uses = [
        TemplateContent(name="paused"),
        msgspec.structs.replace(READY, body=READY.body[:1]),
        msgspec.structs.replace(READY, language="fr"),
        TemplateContent(name="of_nobody"),
    ]
    requests = [to_somebody(content=use) for use in uses]

    await upstream.ask(*requests)
    ends = await ends_of(facts, requests)

    told = [codes(end) for end in ends]
    assert {code for code, _ in told} == {ErrorCode.UNKNOWN_ERROR}
    assert [detail for _, detail in told] == [
        "template paused is inactive",
        "template order_status_update in en: 1 body parameters, it takes 2",
        "template order_status_update has no language fr; it has en",
        "template of_nobody is not known",
    ]
    assert [calls_for(provider, one.message_id) for one in requests] == [0, 0, 0, 0]


async def test_who_opted_out_or_was_erased_is_not_written_to(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    engine: sa.Engine,
) -> None:
    requests = [to_somebody(content=READY) for _ in range(2)]
    for request, reason in zip(requests, (Reason.REPLY, Reason.ERASED), strict=True):
        pair = Pair("whatsapp", EVERY_SENDER, request.recipient)
        said(engine, pair, Scope.ALL, reason)

    await upstream.ask(*requests)
    ends = await ends_of(facts, requests)

    assert [codes(end)[1] for end in ends] == [
        "the recipient has opted out",
        "the recipient was erased",
    ]
    assert [calls_for(provider, one.message_id) for one in requests] == [0, 0]


async def test_who_turns_out_to_want_no_offers_gets_no_further_one_but_other_news(
    upstream: Upstream, facts: Tail[ProviderEvent], provider: RunningSimulator
) -> None:
    first = to_somebody(content=SALE)
    add_rule(provider, {"opaque": first.message_id}, {"wa.refuse": 131050})
    again, news = (
        msgspec.structs.replace(first, message_id=a_message_id(), content=content)
        for content in (SALE, appointment_reminder("1 May", "Phone 4"))
    )

    await upstream.ask(first)
    await ends_of(facts, [first])
    await upstream.ask(again, news)
    refused, accepted = await ends_of(facts, [again, news])

    assert codes(refused)[1] == "the recipient has opted out of marketing messages"
    assert isinstance(accepted, SendAccepted)
    assert calls_for(provider, again.message_id) == 0


async def test_a_report_that_a_person_wants_no_offers_is_kept_as_well(
    upstream: Upstream, facts: Tail[ProviderEvent], engine: sa.Engine, producer: Producer
) -> None:
    request = to_somebody(content=READY)
    await upstream.ask(request)
    (accepted,) = await ends_of(facts, [request])
    projector = Projector(engine)
    projector.apply([projector.heard(request), projector.heard(accepted)])
    assert isinstance(accepted, SendAccepted)

    stopped = a_status_reported(
        provider_message_id=accepted.provider_message_id,
        message_id=accepted.message_id,
        status="failed",
        failure=a_failure(code=ErrorCode.UNKNOWN_ERROR, provider_code=STOPPED_OFFERS),
    )
    records = PROVIDER_EVENTS.records([stopped], source="/test", at=now())
    await producer.publish(records, within=SOON)

    pair = Pair("whatsapp", SENDER, request.recipient)

    def opt_out() -> Statement | None:
        with transaction(engine) as connection:
            return people.facts(connection, VAULT, [pair]).opt_outs.get(pair)

    known = await eventually(opt_out, within=SOON)
    assert known is not None
    assert (known.scope, known.reason) == (Scope.MARKETING, Reason.REPLY)


async def test_nobody_is_woken_at_night_but_for_what_is_urgent(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
) -> None:
    held = a_send_request(recipient="+8613800138000", content=READY)
    urgent = msgspec.structs.replace(
        held, message_id=a_message_id(), recipient="+8613800138001", priority="high"
    )

    await upstream.ask(held, urgent)
    await ends_of(facts, [urgent])

    async def hold() -> SendDeferred | None:
        told = about(await facts.read(), held.message_id)
        return next((event for event in told if isinstance(event, SendDeferred)), None)

    told = await eventually(hold, within=SOON)
    assert told is not None
    assert told.held == "quiet_hours"
    assert told.until > datetime.now(UTC) + timedelta(hours=2)
    assert state_of(ledger, held.message_id) == "waiting"
    assert calls_for(provider, held.message_id) == 0


async def test_a_group_send_leaves_out_who_opted_out_and_tells_it_of_them(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    engine: sa.Engine,
) -> None:
    chats = provider.chats
    sender = f"{chats.corp_id}.{chats.agent_id}"
    # The provider would refuse the second one as well, in other words.
    ada, bob = f"wmSim{uuid4().hex}", f"wmSim{uuid4().hex}_invalid"
    said(engine, Pair("wecom", EVERY_SENDER, bob), Scope.ALL, Reason.REPLY)
    some, none = (
        a_send_request(
            channel="wecom",
            sender_id=sender,
            recipient=f"spring-{uuid4().hex[:6]}",
            content=GroupSendContent(targets=targets, customer_ids=ids, text="春季特惠"),
        )
        for targets, ids in (((ada, bob), (1, 2)), ((bob,), (2,)))
    )

    await upstream.ask(some, none)
    accepted, refused = await ends_of(facts, [some, none])

    assert isinstance(accepted, SendAccepted)
    assert codes(refused)[1] == "the recipient has opted out"

    async def failures() -> dict[str | None, str | None]:
        return {
            event.participant: event.failure.detail
            for event in about(await facts.read(), some.message_id)
            if isinstance(event, StatusReported) and event.failure is not None
        }

    assert await eventually(failures, within=SOON) == {bob: "the recipient has opted out"}
