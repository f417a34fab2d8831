"""Who a message is not sent to, and what a channel that breaks costs: at the claim's own tables."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from domain.consent import Scope
from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId
from domain.ledger import Accept
from runtime.settings import read
from schemas.topics.contents import Content, TextContent
from schemas.topics.send_requests import SendRequested
from services.dispatcher.desk import Admission
from services.dispatcher.settings import DispatcherSettings
from tests.given import a_send_request
from tests.services.dispatcher.gazette import GAZETTE
from tests.services.dispatcher.offices import OFFER, VAULT, Office, Rotary

pytestmark = pytest.mark.stack

NEWS = TextContent(body="Your order is on its way.")


@pytest.fixture
def rotary() -> Rotary:
    return Rotary()


@pytest.fixture
def office(
    engine: sa.Engine, database_url: str, rotary: Rotary, monkeypatch: pytest.MonkeyPatch
) -> Office:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("WHATSAPP_ACCESS_TOKEN", "none")
    monkeypatch.setenv("SENDER_DAILY_LIMIT", "")
    settings = read(DispatcherSettings)
    return Office(engine, Admission(settings, {GAZETTE: rotary}, lambda _: False, VAULT))


def name(who: str) -> str:
    """Return somebody whom no other test knows."""
    return f"{who}-{uuid4().hex[:8]}"


def an_issue(*readers: str, content: Content = NEWS) -> SendRequested:
    return a_send_request(channel=GAZETTE, recipient="+".join(readers), content=content)


def details(refused: Mapping[str, Failure]) -> dict[str, str | None]:
    return {who: failure.detail for who, failure in refused.items()}


def test_who_opted_out_is_left_out_and_told_as_refused_with_the_acceptance(office: Office) -> None:
    ada, bob, eve = map(name, ("ada", "bob", "eve"))
    office.opts_out(bob)
    request = an_issue(ada, bob, eve)

    work = office.claim(request)[request.message_id]

    assert (work.refusal, work.message.recipient) == (None, f"{ada}+{eve}")
    unknown = Failure(ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER)
    told = work.accepted(Accept(ProviderMessageId("g.1"), {eve: unknown})).refused
    assert details(told) == {bob: "the recipient has opted out", eve: None}


def test_a_message_that_nobody_is_left_for_is_refused(office: Office) -> None:
    ada, bob = name("ada"), name("bob")
    office.opts_out(ada)
    office.opts_out(bob)
    request = an_issue(ada, bob)

    work = office.claim(request)[request.message_id]

    assert work.refusal is not None
    assert work.refusal.detail == "the recipient has opted out"


def test_who_opts_out_while_a_message_waits_is_left_out_of_it(office: Office) -> None:
    ada, bob = name("ada"), name("bob")
    request = an_issue(ada, bob)
    office.put_down(request)
    office.opts_out(ada)

    work = office.claim_due(after=timedelta(seconds=1))[request.message_id]

    assert work.message.recipient == bob
    assert details(work.refused) == {ada: "the recipient has opted out"}


def test_an_opt_out_of_offers_stops_offers_alone(office: Office) -> None:
    ada, bob = name("ada"), name("bob")
    office.opts_out(ada, Scope.MARKETING)
    offer, news = an_issue(ada, content=OFFER), an_issue(bob, ada)

    works = office.claim(offer, news)

    refusal = works[offer.message_id].refusal
    assert refusal is not None
    assert refusal.detail == "the recipient has opted out of marketing messages"
    assert works[news.message_id].message.recipient == f"{bob}+{ada}"


def test_a_claim_whose_commit_went_unanswered_leaves_them_out_as_well(office: Office) -> None:
    ada, bob = name("ada"), name("bob")
    office.opts_out(ada)
    several, alone = an_issue(ada, bob), an_issue(ada)
    first = office.claim(several, alone)

    again = office.claim(several, alone)

    for request in (several, alone):
        before, after = first[request.message_id], again[request.message_id]
        assert (before.message, before.refused) == (after.message, after.refused)
        assert before.refusal == after.refusal


@pytest.mark.parametrize("waits", [False, True])
def test_a_channel_that_breaks_over_a_message_refuses_it_and_its_neighbours_go_on(
    office: Office, rotary: Rotary, *, waits: bool
) -> None:
    readers = [name("reader") for _ in range(4)]
    rotary.torn, rotary.misprinted = {readers[1]}, {readers[2]}
    requests = [an_issue(reader) for reader in readers]
    if waits:
        office.put_down(*requests)
        works = office.claim_due(after=timedelta(seconds=1))
    else:
        works = office.claim(*requests)

    refusals = [works[one.message_id].refusal for one in requests]

    broken = Failure(
        ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="channel gazette could not read the message"
    )
    assert refusals == [None, broken, broken, None]
