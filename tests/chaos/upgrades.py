"""R15: the tables get what a version to come adds, and lose it again, while everything works."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from runtime.postgres import connect
from schemas.tables.migrate import VERSIONS, migrate, take_back
from tests.chaos.arena import Arena, Trial, told_by_simulator
from tests.chaos.judge import Truth, Verdict
from tests.chaos.load import ORDINARY, Feed, Planned, plan

TO_COME: Final = (*VERSIONS, Path(__file__).with_name("versions"))
"""The versions there are, and one more."""

SEND: Final = "/api/v1/im/messages"
ANSWERED_WITHIN: Final = timedelta(seconds=30)
CALLERS: Final = 4
PAUSE: Final = timedelta(milliseconds=40)
"""Between two calls of one caller: together they make some sixty a second."""


@dataclass(slots=True)
class Callers:
    """Who sends messages and asks for them over HTTP, and what each was told."""

    system: Arena
    sent: list[Planned] = field(default_factory=list[Planned])
    answers: Counter[str] = field(default_factory=Counter[str])
    slowest: timedelta = timedelta()

    async def call(self, over: asyncio.Event) -> None:
        """Call all the time, until it is over."""
        async with (
            httpx.AsyncClient(
                trust_env=False,
                timeout=ANSWERED_WITHIN.total_seconds(),
                headers=self.system.system.headers,
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(CALLERS):
                tasks.create_task(self._call(client, over))

    @property
    def refused(self) -> dict[str, int]:
        """Every answer that was no success, and how often it was given."""
        return {what: count for what, count in self.answers.items() if what[-3] != "2"}

    async def _call(self, client: httpx.AsyncClient, over: asyncio.Event) -> None:
        urls = self.system.system.urls
        while not over.is_set():
            recipient = f"+1650555{len(self.sent) % ORDINARY.last:04d}"
            body = {"contactId": "ada", "messageType": "text", "content": "Hi"}
            answer = await self._ask(
                client, "POST", urls["scheduler"] + SEND, json=body | {"recipient": recipient}
            )
            if answer.is_success:
                message_id = answer.json()["data"]["messageId"]
                self.sent.append(Planned(message_id, recipient, ORDINARY))
                status = urls["status_projector"] + f"{SEND}/{message_id}/status"
                await self._ask(client, "GET", status)
            recent = {"contactId": "ada", "limit": 20}
            await self._ask(client, "GET", urls["status_projector"] + SEND, params=recent)
            await asyncio.sleep(PAUSE.total_seconds())

    async def _ask(
        self,
        client: httpx.AsyncClient,
        method: str,
        url: str,
        **what: Any,  # noqa: ANN401 - httpx's
    ) -> httpx.Response:
        began = time.monotonic()
        answer = await client.request(method, url, **what)
        self.slowest = max(self.slowest, timedelta(seconds=time.monotonic() - began))
        self.answers[f"{method} {answer.status_code}"] += 1
        return answer


def tables_change(count: int, *, over: timedelta, times: int) -> Trial:
    """R15: that many times the tables are migrated and taken back, under load and callers."""
    planned = plan(count, special=0)
    callers: list[Callers] = []

    async def act(arena: Arena, feed: Feed) -> None:
        ended = asyncio.Event()
        callers.append(Callers(arena))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(callers[0].call(ended))
            for number in range(1, times + 1):
                await feed.reached(number / (times + 1))
                await asyncio.to_thread(_there_and_back, arena.system.database_url)
            await feed.reached(1)
            ended.set()

    def truly(arena: Arena) -> Mapping[str, Truth]:
        return told_by_simulator([*planned, *callers[0].sent])(arena)

    def check(arena: Arena, verdict: Verdict) -> None:
        del verdict
        answers, slowest = callers[0].answers, callers[0].slowest.total_seconds()
        arena.figures.append(f"{answers.total()} calls, the slowest took {slowest:.1f} s")
        if refused := callers[0].refused:
            arena.remarks.append(f"callers were told {refused}")

    return Trial(
        fault=f"R15 tables migrated and taken back, {times} x",
        planned=planned,
        over=over,
        act=act,
        truly=truly,
        check=check,
    )


def _there_and_back(database_url: str) -> None:
    engine = connect(database_url, pool=1)
    try:
        migrate(engine, versions=TO_COME)
        take_back(engine, "to_come-1", versions=TO_COME)
    finally:
        engine.dispose()
