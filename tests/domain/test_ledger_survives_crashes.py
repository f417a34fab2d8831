"""Crashes, pauses and lost answers at every step: is any message ever sent twice? (IM-02, IM-08).

The machine plays a dispatcher as the ledger's module describes it: the entries are what is
committed, the hands are processes that hold a claim and may vanish or fall asleep at any step.
A process that is never heard of again has vanished. The decisions are the domain's own. `taken`
counts what the provider really sent.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

import pytest

from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId
from domain.ledger import (
    Accept,
    Doubt,
    EntryState,
    Halt,
    HoldUntil,
    LedgerPolicy,
    Reject,
    Tries,
    Verdict,
    WaitUntil,
    after_grace,
    after_reply,
    may_call,
)
from domain.outcomes import Accepted, InDoubt, Rejected, Reply, Scope, SenderBroken, Throttled
from tests.domain.facts import NOON

POLICY = LedgerPolicy(settle_after=timedelta(seconds=60))
FAR = NOON + timedelta(days=365)
CLAIM_LASTS = timedelta(seconds=10)
STORIES, STEPS_A_STORY = 50, 60
ABANDONED_AFTER = timedelta(seconds=20)
WAMID = ProviderMessageId("wamid.1")
PROBLEM = Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL)


@dataclass(frozen=True)
class Entry:
    """A committed row."""

    state: EntryState
    attempt: int
    moment: datetime
    """When it was claimed, is due, or is to be settled."""


@dataclass(frozen=True)
class Hand:
    """A process with one claim."""

    message: str
    attempt: int
    claimed_at: datetime


@dataclass(frozen=True)
class Answered:
    """A process that knows how its call ended and has not recorded it."""

    hand: Hand
    verdict: Verdict


class Outcome(StrEnum):
    """What becomes of one call."""

    ACCEPTED = "accepted"
    ANSWER_LOST = "accepted, but the answer is lost"
    LOST = "lost on the way"
    THROTTLED = "throttled"
    REFUSED = "refused"
    BROKEN = "refused, like whatever this sender sends"


@dataclass(frozen=True)
class Request:
    """A request is read from the stream, perhaps not for the first time."""


@dataclass(frozen=True)
class Call:
    """A process calls the provider, and records the outcome now or (perhaps) later."""

    outcome: Outcome
    recorded: bool


@dataclass(frozen=True)
class RecordLate:
    """A process wakes up and records its outcome."""


@dataclass(frozen=True)
class Callbacks:
    """What the provider took becomes known."""


@dataclass(frozen=True)
class Pass:
    """Time passes; everybody may have slept."""

    passed: timedelta


Step = Request | Call | RecordLate | Callbacks | Pass


@dataclass
class Provider:
    """The other side: what it took, and which of its answers are lost."""

    taken: dict[str, int] = field(default_factory=dict[str, int])

    def send(self, message: str, outcome: Outcome) -> Reply:
        match outcome:
            case Outcome.ACCEPTED:
                self._take(message)
                return Accepted(WAMID)
            case Outcome.ANSWER_LOST:
                self._take(message)
                return InDoubt(PROBLEM)
            case Outcome.LOST:
                return InDoubt(PROBLEM)
            case Outcome.THROTTLED:
                return Throttled(PROBLEM, Scope.SENDER, retry_after=timedelta(seconds=3))
            case Outcome.REFUSED:
                return Rejected(PROBLEM)
            case Outcome.BROKEN:
                return SenderBroken(PROBLEM)

    def _take(self, message: str) -> None:
        self.taken[message] = self.taken.get(message, 0) + 1


MESSAGES = ["once 1", "once 2", "once 3", "again 1", "again 2"]
"""The last two allow a second sending."""


class Dispatchers:
    """Any number of dispatchers over one ledger, and the provider."""

    def __init__(self) -> None:
        self.now = NOON
        self.ledger: dict[str, Entry] = {}
        self.provider = Provider()
        self.resent: list[str] = []
        self.hands: list[Hand] = []
        self.answers: list[Answered] = []

    def a_request_arrives_for_the_first_time_or_again(self, message: str) -> None:
        if message not in self.ledger:
            self._claim(message, attempt=1)

    def a_process_calls_under_its_claim(self, hand: Hand, outcome: Outcome) -> Answered | None:
        if not may_call(claimed_at=hand.claimed_at, now=self.now, claim_lasts=CLAIM_LASTS):
            return None
        claimed = Entry(EntryState.CLAIMED, hand.attempt, hand.claimed_at)
        assert self.ledger[hand.message] == claimed, "called under a stale claim"
        reply = self.provider.send(hand.message, outcome)
        verdict = after_reply(POLICY, reply, Tries(hand.attempt), now=self.now, chance=0.5)
        return Answered(hand, verdict)

    def a_process_records_its_outcome(self, answered: Answered) -> None:
        entry, hand = self.ledger[answered.hand.message], answered.hand
        open_still = entry.state in {EntryState.CLAIMED, EntryState.IN_DOUBT}
        if open_still and entry.attempt == hand.attempt:
            self._enter(hand.message, answered.verdict)

    def callbacks_prove_what_the_provider_took(self) -> None:
        for message in self._messages_in(EntryState.IN_DOUBT):
            if message in self.provider.taken:
                self._enter(message, Accept(WAMID))

    def time_passes_and_the_ledger_is_swept(self, passed: timedelta) -> None:
        self.now += passed
        for message in self._messages_in(EntryState.CLAIMED, before=self.now - ABANDONED_AFTER):
            self._enter(message, Doubt(self.now + POLICY.settle_after))
        for message in self._messages_in(EntryState.IN_DOUBT, before=self.now):
            verdict = after_grace(
                POLICY,
                Tries(self.ledger[message].attempt),
                now=self.now,
                resend_allowed=message.startswith("again"),
            )
            if isinstance(verdict, WaitUntil):
                self.resent.append(message)
            self._enter(message, verdict)
        for message in self._messages_in(EntryState.WAITING, before=self.now):
            self._claim(message, attempt=self.ledger[message].attempt + 1)

    def _messages_in(self, state: EntryState, before: datetime = FAR) -> list[str]:
        return [
            message
            for message, entry in self.ledger.items()
            if entry.state is state and entry.moment <= before
        ]

    def _claim(self, message: str, *, attempt: int) -> None:
        self.ledger[message] = Entry(EntryState.CLAIMED, attempt, self.now)
        self.hands.append(Hand(message, attempt, self.now))

    def _record(self, answered: Answered) -> None:
        entry, hand = self.ledger[answered.hand.message], answered.hand
        open_still = entry.state in {EntryState.CLAIMED, EntryState.IN_DOUBT}
        if open_still and entry.attempt == hand.attempt:
            self._enter(hand.message, answered.verdict)

    def _enter(self, message: str, verdict: Verdict) -> None:
        entry = self.ledger[message]
        match verdict:
            case Accept():
                entry = replace(entry, state=EntryState.ACCEPTED)
            case Reject():
                entry = replace(entry, state=EntryState.REJECTED)
            case WaitUntil(due_at) | HoldUntil(due_at):
                entry = replace(entry, state=EntryState.WAITING, moment=due_at)
            case Halt():
                entry = replace(entry, state=EntryState.WAITING, moment=self.now)
            case Doubt(settle_at):
                entry = replace(entry, state=EntryState.IN_DOUBT, moment=settle_at)
        self.ledger[message] = entry


def play(dispatchers: Dispatchers, step: Step, pick: int) -> None:
    """Make one step. Hands and answers that are never picked belong to processes that died."""
    match step:
        case Request():
            message = MESSAGES[pick % len(MESSAGES)]
            dispatchers.a_request_arrives_for_the_first_time_or_again(message)
        case Call(outcome, recorded) if dispatchers.hands:
            hand = dispatchers.hands.pop(pick % len(dispatchers.hands))
            answered = dispatchers.a_process_calls_under_its_claim(hand, outcome)
            if answered and recorded:
                dispatchers.a_process_records_its_outcome(answered)
            elif answered:
                dispatchers.answers.append(answered)
        case RecordLate() if dispatchers.answers:
            answered = dispatchers.answers.pop(pick % len(dispatchers.answers))
            dispatchers.a_process_records_its_outcome(answered)
        case Callbacks():
            dispatchers.callbacks_prove_what_the_provider_took()
        case Pass(passed):
            dispatchers.time_passes_and_the_ledger_is_swept(passed)
        case _:
            """Nobody is there to make this step."""


STEPS: tuple[Step, ...] = (
    Request(),
    Request(),
    *(Call(outcome, recorded) for outcome in Outcome for recorded in (True, False)),
    RecordLate(),
    RecordLate(),
    Callbacks(),
    *(Pass(timedelta(seconds=seconds)) for seconds in (1, 9, 11, 25, 70)),
)


@pytest.mark.parametrize("seed", range(10))
def test_whatever_crashes_nothing_is_sent_twice_unless_that_was_allowed(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - the same stories in every run

    for _ in range(STORIES):
        story = [(step, chance.randrange(10)) for step in chance.choices(STEPS, k=STEPS_A_STORY)]
        dispatchers = Dispatchers()
        for step, pick in story:
            play(dispatchers, step, pick)
            told_twice = {m: n for m, n in dispatchers.provider.taken.items() if n > 1}
            assert all(m.startswith("again") for m in told_twice), story
            assert all(n <= 1 + dispatchers.resent.count(m) for m, n in told_twice.items()), story
            assert all(n <= POLICY.retries.attempts for n in told_twice.values()), story


def test_the_stories_reach_every_state_and_the_second_sendings_they_are_about() -> None:
    chance, states, resent = Random(0), set[EntryState](), 0  # noqa: S311 - as above

    for _ in range(STORIES):
        dispatchers = Dispatchers()
        for step in chance.choices(STEPS, k=STEPS_A_STORY):
            play(dispatchers, step, chance.randrange(10))
            states |= {entry.state for entry in dispatchers.ledger.values()}
        resent += sum(count > 1 for count in dispatchers.provider.taken.values())

    assert states == set(EntryState)
    assert resent > 0
