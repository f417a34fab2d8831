"""Compares what a run left behind with what really happened, item by item; no I/O."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from deploy.simulated_provider import TrueLife
from domain.failures import PROMPTS, ErrorCode
from domain.lifecycle import Status
from tests.chaos.findings import Findings, Message, Step
from tests.chaos.load import UNKNOWN, Planned

SHOWN = 5
"""Failing items named in a line."""


@dataclass(frozen=True, slots=True)
class Truth:
    """How one message must have ended."""

    status: str
    codes: frozenset[ErrorCode] = frozenset()
    """Where it failed: one of these."""
    times: tuple[datetime | None, ...] | None = None
    """Where they are known: when it started, was accepted, delivered and read."""
    is_silent: bool = False
    """Nothing was ever reported of it: whoever lost the provider's answer cannot know it."""
    waits: bool = False
    """It is held in the ledger until another day, and not called before."""

    def fits(self, message: Message) -> bool:
        """Return whether the row says so, and shows the words that belong to its code (ST-10)."""
        code = message.error_code
        if message.prompt != (None if code is None else PROMPTS[ErrorCode(code)]):
            return False
        if self.is_silent and message.error_code == ErrorCode.UNKNOWN_OUTCOME:
            return message.status == Status.FAILED
        return (
            message.status == self.status
            and (message.error_code in self.codes if self.codes else message.error_code is None)
            and (self.times is None or message.times == self.times)
        )


def truth_of(planned: Planned, life: TrueLife | None) -> Truth:
    """Return how the message must have ended, by the simulator's own account of it."""
    if life is None:
        # Never accepted: refused for the reason of its kind, or nobody can tell.
        return Truth(Status.FAILED, planned.kind.codes | UNKNOWN)
    if life.status == "failed":
        return Truth(Status.FAILED, planned.kind.codes)
    if life.status == "accepted":
        return Truth(Status.SENT, is_silent=True)
    return Truth(Status(life.status))


@dataclass(slots=True)
class Verdict:
    """What the judge found; every list holds one line an item."""

    messages: int
    lost: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    gaps: list[str] = field(default_factory=list[str])
    unlike: list[str] = field(default_factory=list[str])
    """Changes that `status-changes` lacks, repeats or made up."""
    left_over: list[str] = field(default_factory=list[str])
    """Parked events, dead letters, unfinished entries, counters that do not add up."""
    settled: int = 0
    """In doubt, and settled by the provider's evidence."""
    unknown: int = 0
    """In doubt, and closed as UNKNOWN_OUTCOME."""
    hasty: int = 0
    """Of those, how many the provider had accepted, and reported on when it was too late."""

    @property
    def settled_share(self) -> float:
        """Of the doubts that the provider could settle: how many it did, in time."""
        return self.settled / max(self.settled + self.hasty, 1) if self.hasty else 1.0

    @property
    def problems(self) -> list[str]:
        """A line for each way in which the run failed, with the first items by id."""
        kinds = {
            "lost": self.lost,
            "sent twice": self.twice,
            "wrong state": self.wrong,
            "history incomplete": self.gaps,
            "changes unlike history": self.unlike,
            "left over": self.left_over,
        }
        return [
            f"{len(items)} {name}: " + "; ".join(items[:SHOWN])
            for name, items in kinds.items()
            if items
        ]


def judge(truths: Mapping[str, Truth], sends: Mapping[str, int], found: Findings) -> Verdict:
    """Return the verdict on a run: how messages ended, how often the provider accepted each."""
    verdict = Verdict(len(truths))
    verdict.lost = [one for one in truths if one not in found.messages]
    verdict.twice = [f"{one} x{count}" for one, count in sends.items() if count > 1]
    for message_id, truth in truths.items():
        message = found.messages.get(message_id)
        if message is not None and not truth.fits(message):
            verdict.wrong.append(f"{message_id} is {_said(message)}, truly {_meant(truth)}")
    verdict.wrong += [f"{one} was never asked for" for one in found.messages if one not in truths]
    verdict.gaps = _gaps(found)
    verdict.unlike = _unlike(found)
    verdict.left_over = _left_over(truths, found)
    codes = Counter(message.error_code for message in found.messages.values())
    verdict.unknown = codes[ErrorCode.UNKNOWN_OUTCOME]
    accepted = {one for one, state in found.ledger.items() if state == "accepted"}
    verdict.settled = len(accepted - found.answered)
    verdict.hasty = sum(
        truth.status != Status.FAILED and not truth.is_silent and message_id in found.closed
        for message_id, truth in truths.items()
    )
    return verdict


def _said(message: Message) -> str:
    code, prompt = message.error_code or "", message.prompt or ""
    return f"{message.status} {code} {prompt!r} {_clock(message.times)}"


def _meant(truth: Truth) -> str:
    codes = " or ".join(sorted(truth.codes))
    return f"{truth.status} {codes} {_clock(truth.times or ())}"


def _clock(times: Sequence[datetime | None]) -> str:
    return " ".join("-" if one is None else one.strftime("%H:%M:%S") for one in times)


def _gaps(found: Findings) -> list[str]:
    return [
        f"{message_id}: {_chain(found.histories.get(message_id, []))} at {message.status}"
        for message_id, message in found.messages.items()
        if not _leads_to(message, found.histories.get(message_id, []))
    ]


def _leads_to(message: Message, history: Sequence[Step]) -> bool:
    statuses = [Status.PENDING.value, *(step.to_status for step in history)]
    return (
        [step.sequence for step in history] == list(range(1, message.sequence + 1))
        and [step.from_status for step in history] == statuses[:-1]
        and all(one != other for one, other in pairwise(statuses))
        and statuses[-1] == message.status
    )


def _chain(history: Sequence[Step]) -> str:
    return ", ".join(f"{s.sequence} {s.from_status}>{s.to_status}" for s in history) or "none"


def _unlike(found: Findings) -> list[str]:
    stored = Counter(step for history in found.histories.values() for step in history)
    missing = [f"{s.message_id}:{s.sequence} is missing" for s in stored - found.published]
    extra = [f"{s.message_id}:{s.sequence} is too many" for s in found.published - stored]
    return missing + extra


def _left_over(truths: Mapping[str, Truth], found: Findings) -> list[str]:
    held = {one for one, truth in truths.items() if truth.waits}
    lines = [
        f"{one} is {state}"
        for one, state in found.ledger.items()
        if (state != _WAITING if one in held else state not in _FINAL)
    ]
    if found.parked:
        lines.append(f"{found.parked} parked events")
    if found.dead_letters:
        lines.append(f"{found.dead_letters} dead letters")
    return lines + found.miscounted


_FINAL = ("accepted", "rejected")
_WAITING = "waiting"
