"""What is sent in a run, and how each message must end (simulator/README.md, magic recipients)."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from domain.failures import ErrorCode
from runtime.clock import now
from runtime.errors import BrokerAway
from runtime.kafka.producer import Producer
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from tests import given

JOB = "job_chaos"
"""All messages of a run count towards one job, so that its counters can be checked."""

SENDERS = tuple(str(int(given.SENDER) + number) for number in range(4))
"""Numbers, where a run has several."""

SLICE = timedelta(milliseconds=100)
ECHO = timedelta(milliseconds=800)
"""As long as the pauses between attempts, so that an echo may meet a repeated call."""
ACKNOWLEDGED_WITHIN = timedelta(seconds=5)
AGAIN = timedelta(milliseconds=200)

WhenLimited = Literal["fail", "wait"]

UNKNOWN = frozenset({ErrorCode.UNKNOWN_OUTCOME})


@dataclass(frozen=True, slots=True)
class Kind:
    """A range of magic recipients, by their last four digits."""

    first: int
    last: int
    codes: frozenset[ErrorCode] = frozenset()
    """With which error it fails, where it does; a crash may always end in UNKNOWN_OUTCOME."""


ORDINARY = Kind(0, 5999)

SPECIAL = (
    Kind(6000, 6999),  # receipts off: ends at delivered
    Kind(7000, 7099),  # delivered is skipped
    Kind(7100, 7199),  # sent, then nothing
    Kind(7200, 7299),  # accepted, then nothing at all
    Kind(7300, 7399),  # duplicates of every status
    Kind(7400, 7499),  # statuses in reverse order
    Kind(7500, 7599),  # first status before the send answer
    Kind(9000, 9000, frozenset({ErrorCode.UNKNOWN_ERROR})),
    Kind(9026, 9026, frozenset({ErrorCode.INVALID_RECIPIENT})),
    Kind(9047, 9047, frozenset({ErrorCode.UNKNOWN_ERROR})),
    Kind(9050, 9050, frozenset({ErrorCode.UNKNOWN_ERROR})),
    Kind(9100, 9100, frozenset({ErrorCode.UNKNOWN_ERROR})),
)
"""Lives that differ, and refusals for good.

None that halts the sender (9190, 9368): no such refusal hangs on the recipient, and a sender of
which only those are left rightly stays halted.
"""

TROUBLE = (
    Kind(7600, 7699),  # time-out after acceptance
    Kind(7700, 7799, UNKNOWN),  # connection reset before acceptance: nobody can tell
    Kind(7800, 7899, frozenset({ErrorCode.NETWORK_ERROR, ErrorCode.UNKNOWN_ERROR})),  # 5xx once
    Kind(7900, 7999, frozenset({ErrorCode.NETWORK_ERROR})),  # 130429 twice
    Kind(8000, 8099, frozenset({ErrorCode.NETWORK_ERROR})),  # 131056 for 6 s
)
"""Answers that do not come, or ask for patience."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A message that will be asked for."""

    message_id: str
    recipient: str
    kind: Kind
    sender: str = given.SENDER
    when_limited: WhenLimited = "fail"


def plan(
    count: int,
    *,
    special: int = 10,
    trouble: int = 3,
    senders: Sequence[str] = (given.SENDER,),
    ordinary: Kind = ORDINARY,
    when_limited: WhenLimited = "fail",
) -> list[Planned]:
    """Plan that many messages, the given percentages of them to special and troubled recipients.

    Within a kind, recipients and senders take turns: so each sender has its part of the trouble,
    and where there are more messages, conversations get longer.
    """
    used: Counter[Kind] = Counter()
    planned: list[Planned] = []
    for number in range(count):
        kind = _kind(number, special, trouble, used) or ordinary
        tail = kind.first + used[kind] % (kind.last - kind.first + 1)
        sender = senders[used[kind] % len(senders)]
        used[kind] += 1
        recipient = f"+1650555{tail:04d}"
        planned.append(Planned(given.a_message_id(), recipient, kind, sender, when_limited))
    return planned


def _kind(number: int, special: int, trouble: int, used: Counter[Kind]) -> Kind | None:
    place = number * 37 % 100  # spreads the kinds over the run
    if place >= special + trouble:
        return None
    # The kind that was used least so far.
    return min(SPECIAL if place < special else TROUBLE, key=lambda kind: used[kind])


@dataclass(slots=True)
class Feed:
    """Hands the messages to `send-requests`, as any upstream system would."""

    bootstrap: str
    planned: Sequence[Planned]
    per_second: float
    echoes: int = 0
    """How often each request comes again, each time `ECHO` later."""
    fed: int = 0
    """How many the broker has acknowledged."""
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Feed all of them at the pace; a broker that is away is waited for."""
        producer = Producer(self.bootstrap, "chaos", None)
        began = time.monotonic()
        # How many have been fed the first time, the second time and so on.
        rounds = [0] * (1 + self.echoes)
        try:
            while rounds[-1] < len(self.planned):
                for number, fed in enumerate(rounds):
                    elapsed = time.monotonic() - began - number * ECHO.total_seconds()
                    due = max(0, min(int(elapsed * self.per_second), len(self.planned)))
                    if ready := self.planned[fed:due]:
                        await self._hand_over(producer, [_request(one) for one in ready])
                        rounds[number] = due
                self.fed = rounds[0]
                self._moved.set()
                await asyncio.sleep(SLICE.total_seconds())
        finally:
            await producer.stop()

    async def reached(self, share: float) -> None:
        """Return once that share of the messages has been fed."""
        while self.fed < share * len(self.planned):
            self._moved.clear()
            await self._moved.wait()

    async def _hand_over(self, producer: Producer, requests: Sequence[SendRequested]) -> None:
        records = [
            SEND_REQUESTS.record(request, source="/chaos", at=request.requested_at)
            for request in requests
        ]
        while True:
            try:
                # Again after an unknown outcome: the same message id is the same message.
                await producer.publish(records, within=ACKNOWLEDGED_WITHIN)
            except BrokerAway:
                await asyncio.sleep(AGAIN.total_seconds())
            else:
                return


def _request(one: Planned) -> SendRequested:
    return given.a_send_request(
        message_id=one.message_id,
        sender_id=one.sender,
        recipient=one.recipient,
        job_id=JOB,
        when_limited=one.when_limited,
        requested_at=now(),
    )
