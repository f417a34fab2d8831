"""Limits of a provider that counts people: exact for lists, at the claim's own tables (WX 12)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
import sqlalchemy as sa

from domain.admission import ChannelLimits
from domain.failures import ErrorCode
from domain.rates import Rate
from providers.contract import Message
from runtime.postgres import transaction
from runtime.settings import read
from schemas.topics.send_requests import SendRequested
from services.dispatcher.desk import Admission
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.store import senders
from services.dispatcher.store.senders import Breakage
from services.dispatcher.work import Claimed
from tests.given import NOON, a_send_request
from tests.services.dispatcher.gazette import GAZETTE
from tests.services.dispatcher.offices import VAULT, Office, Rotary

pytestmark = pytest.mark.stack

BURST = 6
INTERVAL = timedelta(seconds=5)


@dataclass
class Delivered(Rotary):
    """A newspaper that is brought to each reader, to none of them too often."""

    uncounted: set[str] = field(default_factory=set[str])
    """Lists whose readers it cannot count."""

    @property
    def limits(self) -> ChannelLimits:
        return ChannelLimits(per_pair=Rate(1 / INTERVAL.total_seconds(), BURST))

    def counted(self, message: Message) -> Sequence[str]:
        if message.recipient in self.uncounted:
            raise RuntimeError("no fingers left")
        return message.recipient.split("+")


@dataclass
class Town:
    """Several dispatchers beside one database."""

    engine: sa.Engine
    settings: DispatcherSettings
    paper: Delivered = field(default_factory=Delivered)

    def office(self) -> Office:
        """Return another dispatcher's admission: it knows what is stored, and nothing else."""
        admission = Admission(self.settings, {GAZETTE: self.paper}, lambda _: False, VAULT)
        return Office(self.engine, admission)

    def claim_side_by_side(self, issues: Sequence[SendRequested]) -> dict[str, Claimed]:
        """Let several dispatchers claim a few each, again and again; return what became of them."""

        def claim(first: int) -> Mapping[str, Claimed]:
            return self.office().claim(*issues[first : first + 5])

        works: dict[str, Claimed] = {}
        with ThreadPoolExecutor(4) as pool:
            for ours in pool.map(claim, range(0, len(issues), 5)):
                works |= ours
        return works

    def used(self, sender_id: str) -> int:
        """Return what a sender has used of its day."""
        name = f"{GAZETTE}:{sender_id}"
        with transaction(self.engine) as connection:
            return senders.used_today(connection, [name], NOON.date()).get(name, 0)

    def limit(self, sender_id: str, daily: int) -> None:
        with transaction(self.engine) as connection:
            senders.limit(connection, f"{GAZETTE}:{sender_id}", daily)

    def arrivals(self, sender_id: str) -> int:
        """Return how many recipients a sender's pace is kept for."""
        query = sa.text("SELECT count(*) FROM send_arrivals WHERE scope LIKE :pairs")
        with transaction(self.engine) as connection:
            return connection.execute(
                query, {"pairs": f"pair:{GAZETTE}:{sender_id}:%"}
            ).scalar_one()


@pytest.fixture
def town(engine: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("WHATSAPP_ACCESS_TOKEN", "none")
    monkeypatch.setenv("SENDER_DAILY_LIMIT", "")
    return Town(engine, read(DispatcherSettings))


def a_sender() -> str:
    return f"press-{uuid4().hex[:8]}"


def an_issue(sender_id: str, *readers: str, **what_matters: object) -> SendRequested:
    ordinary = {"channel": GAZETTE, "sender_id": sender_id, "recipient": "+".join(readers)}
    return a_send_request(**ordinary | what_matters)


def gone(works: Mapping[str, Claimed]) -> Counter[str]:
    """Return how many messages each reader gets."""
    called = [work for work in works.values() if work.refusal is None]
    return Counter(who for work in called for who in work.message.recipient.split("+"))


def test_a_member_of_several_lists_gets_no_more_than_its_rate_from_several_dispatchers(
    town: Town,
) -> None:
    sender, random = a_sender(), Random(7)  # noqa: S311 - the same lists each time
    others = [f"reader{n}" for n in range(12)]
    lists = [["ada", *random.sample(others, 6)] for _ in range(60)]
    issues = [an_issue(sender, *random.sample(readers, 7)) for readers in lists]

    # Whoever enters a pair first is waited for anyhow; these are known to all.
    first = town.office().claim(an_issue(sender, "ada", *others))
    works = {**first, **town.claim_side_by_side(issues)}

    assert gone(works)["ada"] == len(works) == BURST
    assert max(gone(works).values()) <= BURST


def test_what_waits_for_a_member_goes_with_its_rate_from_a_dispatcher_that_starts_anew(
    town: Town,
) -> None:
    sender = a_sender()
    issues = [an_issue(sender, "ada", f"reader{n}") for n in range(BURST + 2)]

    at_noon = town.office().claim(*issues)
    sooner = town.office().claim_due(after=INTERVAL - timedelta(milliseconds=1))
    later = town.office().claim_due(after=INTERVAL)
    at_last = town.office().claim_due(after=2 * INTERVAL)

    asked = {issue.message_id for issue in issues}
    went = [asked & set(works) for works in (at_noon, sooner, later, at_last)]
    assert [len(ids) for ids in went] == [BURST, 0, 1, 1]
    assert set().union(*went) == asked


def test_a_daily_limit_counts_people_exactly_for_several_dispatchers(town: Town) -> None:
    sender, limit = a_sender(), 50
    town.limit(sender, limit)
    issues = [an_issue(sender, *(f"reader{n}-{m}" for m in range(1 + n % 4))) for n in range(40)]

    works = town.claim_side_by_side(issues)

    # Small ones fill up what a large one has no room in.
    assert gone(works).total() == town.used(sender) == limit
    refused = [work.refusal for work in works.values() if work.refusal is not None]
    assert {failure.code for failure in refused} == {ErrorCode.DAILY_LIMIT_EXCEEDED}
    assert len(works) == len(issues)


def test_who_is_left_out_of_a_message_is_not_counted(town: Town) -> None:
    sender, eve = a_sender(), f"eve-{uuid4().hex[:8]}"
    town.limit(sender, 2)
    office = town.office()
    office.opts_out(eve)
    request = an_issue(sender, "ada", eve, "bob")

    work = office.claim(request)[request.message_id]

    assert (work.refusal, set(work.refused)) == (None, {eve})
    assert (town.used(sender), town.arrivals(sender)) == (2, 2)


def test_a_channel_that_cannot_count_refuses_that_message_and_its_neighbours_go_on(
    town: Town,
) -> None:
    sender = a_sender()
    town.paper.uncounted = {"bob+eve"}
    issues = [an_issue(sender, "ada"), an_issue(sender, "bob", "eve"), an_issue(sender, "joe")]

    works = town.office().claim(*issues)

    refusals = [works[one.message_id].refusal for one in issues]
    assert [refusal and refusal.detail for refusal in refusals] == [
        None,
        f"channel {GAZETTE} could not read the message",
        None,
    ]
    assert town.arrivals(sender) == 2


def test_a_probe_whose_message_is_held_back_is_left_to_the_next(town: Town) -> None:
    sender = a_sender()
    town.office().claim(*(an_issue(sender, "ada") for _ in range(BURST)))
    with transaction(town.engine) as connection:
        broken = {f"{GAZETTE}:{sender}": Breakage("out of paper", timedelta())}
        assert senders.halt(connection, broken, now=NOON)

    held_back, probe, too_many = (
        town.office().claim(an_issue(sender, reader)) for reader in ("ada", "bob", "cid")
    )

    assert (held_back, too_many) == ({}, {})
    assert [work.tries.probing for work in probe.values()] == [True]
