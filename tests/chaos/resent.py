"""R2 at the door: the broker dies under a sender of callbacks that resends, as Meta does.

As in R7 the callbacks are made up and the whole truth is known beforehand; here each is sent until
it is answered 200. While the broker is away the ingester must say so within a second, every time.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from deploy.wiring import CALLBACK
from providers.whatsapp.signature import sign
from runtime.kafka.producer import Producer
from schemas.topics.provider_events import PROVIDER_EVENTS
from tests.chaos.arena import Arena, Trial
from tests.chaos.callbacks import BEGINS, Life, life_of, replies_of, status_of
from tests.chaos.load import ACKNOWLEDGED_WITHIN, Feed, plan
from tests.providers.whatsapp import bodies

OUTAGES = (0.25, 0.6)
"""When the broker is killed, by the share of the callbacks that has been taken in."""
AGAIN = timedelta(milliseconds=300)
SENDERS = 50
"""Callbacks under way together."""
IN_TIME = 'ingest_answer_seconds_bucket{le="1.0"} '
ALL = "ingest_answer_seconds_count "
"""Lines of the ingester's metrics. Its own account: this process has much else to do meanwhile."""


@dataclass(slots=True)
class _Provider:
    """Sends each callback until it is taken in."""

    url: str
    secret: bytes
    due: list[bytes]
    pace: float
    """Seconds between two callbacks of one sender."""
    answers: Counter[int] = field(default_factory=Counter[int])
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def send_all(self) -> None:
        """Send them, some at once."""
        waiting = iter(self.due)
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:

            async def send_each() -> None:
                for body in waiting:
                    await self._send(client, body)
                    await asyncio.sleep(self.pace)

            async with asyncio.TaskGroup() as tasks:
                for _ in range(SENDERS):
                    tasks.create_task(send_each())

    async def taken(self, share: float) -> None:
        """Return once that share of the callbacks has been taken in."""
        while self.answers[200] < share * len(self.due):
            self._moved.clear()
            await self._moved.wait()

    async def _send(self, client: httpx.AsyncClient, body: bytes) -> None:
        headers = {"X-Hub-Signature-256": sign(body, self.secret)}
        while True:
            answer = await client.post(self.url, content=body, headers=headers)
            self.answers[answer.status_code] += 1
            self._moved.set()
            if answer.is_success:
                return
            await asyncio.sleep(AGAIN.total_seconds())


def resent_callbacks(count: int, *, over: timedelta, away: timedelta, seed: str = "R2b") -> Trial:
    """Feed the requests at once, then send the callbacks over that time through two outages."""
    chance = random.Random(seed)  # noqa: S311 - makes a run repeatable, keeps no secret
    planned = plan(count, special=0, trouble=0)
    lives = [life_of(one, number, chance) for number, one in enumerate(planned)]
    due = [
        bodies.encoded(bodies.an_envelope(bodies.a_change(statuses=[status_of(life, *report)])))
        for life in lives
        for report in life.reports
    ]

    async def act(arena: Arena, feed: Feed) -> None:
        await feed.reached(1)
        await _reply(arena, lives)
        provider = _provider(arena, due, over)
        sending = asyncio.create_task(provider.send_all())
        for share in OUTAGES:
            await provider.taken(share)
            await arena.kill_broker(away)
        await sending
        arena.remarks += _remarks(provider.answers)
        arena.remarks += await _late_answers(arena)

    return Trial(
        fault=f"R2b broker away 2 x {away.total_seconds():.0f} s, callbacks resent",
        planned=planned,
        over=timedelta(seconds=2),
        act=act,
        copies={"dispatcher": 0, "status_projector": 2},
        truly=lambda _: {life.message_id: life.truth for life in lives},
    )


def _provider(arena: Arena, due: list[bytes], over: timedelta) -> _Provider:
    ingester = arena.system.process("ingest_webhook")
    return _Provider(
        arena.system.urls["ingest_webhook"] + CALLBACK,
        ingester.env["WHATSAPP_APP_SECRET"].encode(),
        due,
        over.total_seconds() * SENDERS / len(due),
    )


async def _reply(arena: Arena, lives: Sequence[Life]) -> None:
    producer = Producer(arena.system.bootstrap, "chaos-replies", arena.system.topic_keys)
    replies = [reply for life in lives for reply in replies_of(life)]
    records = PROVIDER_EVENTS.records(replies, source="/chaos", at=BEGINS)
    await producer.publish(records, within=ACKNOWLEDGED_WITHIN)
    await producer.stop()


def _remarks(answers: Counter[int]) -> list[str]:
    remarks: list[str] = []
    if not answers[503]:
        remarks.append("no callback was answered 503: nothing was tried")
    if others := set(answers) - {200, 503}:
        remarks.append(f"callbacks were answered {sorted(others)}")
    return remarks


async def _late_answers(arena: Arena) -> list[str]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        page = (await client.get(arena.system.urls["ingest_webhook"] + "/metrics")).text
    in_time, answered = (
        sum(float(line.removeprefix(name)) for line in page.splitlines() if line.startswith(name))
        for name in (IN_TIME, ALL)
    )
    late = int(answered - in_time)
    return [f"{late} callbacks were answered after more than a second"] if late else []
