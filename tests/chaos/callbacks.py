"""R7: callbacks that come one to five times, in any order, some before the reply.

No dispatcher and no simulator takes part: replies are published as a dispatcher would, and the
callbacks are posted to the ingester as Meta does. So the whole truth is known beforehand, and the
lifecycle's pure model says where each message must end.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

import httpx

from deploy.wiring import CALLBACK
from domain.failures import ErrorCode, Failure, Origin
from domain.lifecycle import Delivered, Evidence, Fact, Failed, Read, Sent, Started, learn
from providers.whatsapp.signature import sign
from runtime.kafka.producer import Producer
from schemas.topics.provider_events import PROVIDER_EVENTS, SendAccepted, SendStarted
from tests.chaos.arena import Arena, Trial
from tests.chaos.judge import Truth
from tests.chaos.load import ACKNOWLEDGED_WITHIN, Feed, Planned, plan
from tests.providers.whatsapp import bodies

LIVES = (
    ("sent", "delivered", "read"),
    ("sent", "delivered", "read"),
    ("sent", "delivered"),
    ("delivered",),
    ("read",),
    ("sent", "failed"),
    ("failed",),
    ("delivered", "failed"),
    ("failed", "delivered"),
)
"""What the provider reports of a message, in the order in which it happened."""

BEGINS = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COPIES = (1, 5)
LATE_REPLIES = 0.1
AT_ONCE = 200
"""Callbacks and replies that are under way together."""
STATUSES_A_POST = 10
NOT_ON_WHATSAPP = {"code": 131026, "title": "Message undeliverable"}


@dataclass(frozen=True, slots=True)
class Life:
    """What happens to one message."""

    message_id: str
    provider_id: str
    reports: tuple[tuple[str, datetime], ...]
    is_named: bool
    """Whether the callbacks carry our id; without it they wait for the reply."""

    @property
    def truth(self) -> Truth:
        """Where the pure model says it ends."""
        facts = [Started(BEGINS), Sent(BEGINS), *(_fact(*report) for report in self.reports)]
        evidence = reduce(learn, facts, Evidence())
        codes = () if evidence.failed is None else (evidence.failed.failure.code,)
        times = (
            evidence.started_at,
            evidence.sent_at,
            evidence.delivered_at,
            evidence.read_at,
        )
        return Truth(evidence.status, frozenset(codes), times)


Reply = SendStarted | SendAccepted
Step = Reply | bodies.Part
"""A reply to publish, or one of `statuses[]` to post."""


def disordered_callbacks(count: int, *, over: timedelta, seed: str = "R7") -> Trial:
    """R7: the requests are fed over that time, then everything else comes as quickly as it may."""
    chance = random.Random(seed)  # noqa: S311 - makes a run repeatable, keeps no secret
    planned = plan(count, special=0, trouble=0)
    lives = [life_of(one, number, chance) for number, one in enumerate(planned)]

    async def act(arena: Arena, feed: Feed) -> None:
        await feed.reached(1)
        await _play(arena, _steps(lives, chance))
        if not arena.observer.has_parked():
            arena.remarks.append("no callback came before its reply: nothing was tried")

    return Trial(
        fault="R7 callbacks 1-5 times, shuffled, 10 % early",
        planned=planned,
        over=over,
        act=act,
        copies={"dispatcher": 0, "status_projector": 2},
        truly=lambda _: {life.message_id: life.truth for life in lives},
    )


def life_of(one: Planned, number: int, chance: random.Random) -> Life:
    """Draw what happens to a message."""
    moments = (BEGINS + timedelta(seconds=second) for second in range(1, 10))
    reports = tuple(zip(chance.choice(LIVES), moments, strict=False))
    return Life(one.message_id, f"wamid.chaos{number}", reports, chance.random() < 0.5)


def _fact(status: str, at: datetime) -> Fact:
    match status:
        case "sent":
            return Sent(at)
        case "delivered":
            return Delivered(at)
        case "read":
            return Read(at)
        case _:
            return Failed(at, Failure(ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER, "131026"))


def _steps(lives: Sequence[Life], chance: random.Random) -> list[Step]:
    """Shuffle all steps of all lives: each has its moment in the window from 0 to 1."""
    timed: list[tuple[float, Step]] = []
    for life in lives:
        is_late = chance.random() < LATE_REPLIES
        replied = chance.uniform(0.3, 1) if is_late else 0.0
        timed += [(replied, reply) for reply in replies_of(life)]
        for status, at in life.reports:
            copies = chance.randint(*COPIES)
            timed += [(chance.random(), status_of(life, status, at)) for _ in range(copies)]
    return [step for _, step in sorted(timed, key=lambda one: one[0])]


def replies_of(life: Life) -> tuple[Reply, Reply]:
    """Return what a dispatcher says of the message."""
    started = SendStarted(message_id=life.message_id, attempt=1, at=BEGINS)
    accepted = SendAccepted(
        message_id=life.message_id, provider_message_id=life.provider_id, attempt=1, at=BEGINS
    )
    return started, accepted


def status_of(life: Life, status: str, at: datetime) -> bodies.Part:
    """Return one of `statuses[]` about the message."""
    more: bodies.Part = {"errors": [NOT_ON_WHATSAPP]} if status == "failed" else {}
    if life.is_named:
        more["biz_opaque_callback_data"] = life.message_id
    return bodies.a_status(
        id=life.provider_id, status=status, timestamp=str(int(at.timestamp())), **more
    )


async def _play(arena: Arena, steps: Sequence[Step]) -> None:
    producer = Producer(arena.system.bootstrap, "chaos-replies", arena.system.topic_keys)
    ingester = arena.system.process("ingest_webhook")
    secret = ingester.env["WHATSAPP_APP_SECRET"].encode()
    url = arena.system.urls["ingest_webhook"] + CALLBACK
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for start in range(0, len(steps), AT_ONCE):
            together = steps[start : start + AT_ONCE]
            replies = [step for step in together if isinstance(step, Reply)]
            statuses = [step for step in together if not isinstance(step, Reply)]
            records = [PROVIDER_EVENTS.record(r, source="/chaos", at=BEGINS) for r in replies]
            await asyncio.gather(
                producer.publish(records, within=ACKNOWLEDGED_WITHIN),
                *(
                    _post(client, url, secret, statuses[first : first + STATUSES_A_POST])
                    for first in range(0, len(statuses), STATUSES_A_POST)
                ),
            )
    await producer.stop()


async def _post(
    client: httpx.AsyncClient, url: str, secret: bytes, statuses: Sequence[bodies.Part]
) -> None:
    body = bodies.encoded(bodies.an_envelope(bodies.a_change(statuses=list(statuses))))
    headers = {"X-Hub-Signature-256": sign(body, secret)}
    answer = await client.post(url, content=body, headers=headers)
    answer.raise_for_status()
