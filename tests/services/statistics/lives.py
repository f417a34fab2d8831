"""Whole lives of messages, as the projector would publish them, from any facts in any order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import strategies as st

from domain.failures import ErrorCode, Failure, Origin
from domain.lifecycle import (
    Delivered,
    Evidence,
    Fact,
    Failed,
    Read,
    Sent,
    Started,
    Status,
    learn,
)
from schemas.topics.status_changes import ChangeError, StatusChanged
from services.statistics.counting import Dimension
from tests import given

seconds = st.integers(0, 300).map(lambda count: timedelta(seconds=count))
moments = seconds.map(lambda later: given.NOON + later)
failures = st.builds(Failure, st.sampled_from(ErrorCode), st.sampled_from(Origin))
facts = st.one_of(
    st.builds(Started, moments),
    st.builds(Sent, moments),
    st.builds(Delivered, moments),
    st.builds(Read, moments),
    st.builds(Failed, moments, failures),
)


@dataclass(frozen=True, slots=True)
class Life:
    """One message: where it belongs, its changes, and where it ended."""

    changes: tuple[StatusChanged, ...]
    status: Status
    names: Mapping[Dimension, str | None]


def changes_of(
    message: StatusChanged, learned: Sequence[Fact]
) -> tuple[Evidence, list[StatusChanged]]:
    """Return what is known in the end, and a change for each time the status became another."""
    evidence, changes = Evidence(), list[StatusChanged]()
    for number, fact in enumerate(learned, start=1):
        before, evidence = evidence, learn(evidence, fact)
        if before.status is evidence.status:
            continue
        overruled = before.failed
        failed = evidence.failed
        changes.append(
            given.a_status_changed(
                message_id=message.message_id,
                channel=message.channel,
                sender_id=message.sender_id,
                job_id=message.job_id,
                sequence=len(changes) + 1,
                from_status=before.status,
                to_status=evidence.status,
                updated_at=fact.at,
                recorded_at=given.NOON + timedelta(seconds=40 * number),
                delivered_at=evidence.delivered_at,
                error=None if failed is None else ChangeError(code=failed.failure.code, message=""),
                overruled=None if overruled is None else overruled.failure.code,
            )
        )
    return evidence, changes


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Draw one message's life."""
    message = given.a_status_changed(
        channel=draw(st.sampled_from(["whatsapp", "wecom"])),
        sender_id=draw(st.sampled_from(["sender-a", "sender/b"])),
        job_id=draw(st.sampled_from([None, "job-1", "job-2"])),
    )
    evidence, changes = changes_of(message, draw(st.lists(facts, max_size=5)))
    names = {
        Dimension.CHANNEL: message.channel,
        Dimension.SENDER: message.sender_id,
        Dimension.JOB: message.job_id,
    }
    return Life(tuple(changes), evidence.status, names)


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Life], list[tuple[int, StatusChanged]]]:
    """Draw messages and one partition's log of their changes: interleaved, with gaps in offsets."""
    drawn = draw(st.lists(lives(), max_size=4))
    chance = draw(st.randoms())
    waiting: list[list[StatusChanged]] = [list(life.changes) for life in drawn if life.changes]
    log: list[tuple[int, StatusChanged]] = []
    offset = chance.randint(0, 5)
    while waiting:
        line = chance.choice(waiting)
        log.append((offset, line.pop(0)))
        offset += chance.randint(1, 3)
        waiting = [each for each in waiting if each]
    return drawn, log
