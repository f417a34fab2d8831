"""Reads what customers wrote to WeCom's customer service, an account at a time (WX 10).

A notice only says that there is something to read. An account is claimed as files are; what a page
says is on Kafka, acknowledged, before the place behind it is entered. A crash in between says the
same again, under the same ids.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from domain.retries import RetryPolicy, pause_after
from providers.wecom.api import WecomApi
from providers.wecom.api_settings import WecomApp
from providers.wecom.customer_service import NOTICE, TOKEN_LIVES, Page, notice_of, read_page
from providers.wecom.failures import Kind
from providers.wecom.tokens import CallFailed
from runtime.errors import Fenced, TryAgainLater
from runtime.lifespan import every, insist
from runtime.postgres import in_thread
from schemas.topics.provider_events import PROVIDER_EVENTS, NoticeReceived, ProviderEvent
from services.fetcher.handlers import ACKNOWLEDGED_WITHIN, SOURCE, Tools
from services.fetcher.metrics import NOTICES, PAGES_FAILED, SAID, UNREAD
from services.fetcher.store import walks
from services.fetcher.store.files import Claim
from services.fetcher.store.walks import Noted, Walk

log = logging.getLogger(__name__)

AT_ONCE: Final = 2
"""Accounts that are read side by side."""
LOOK_EVERY: Final = timedelta(milliseconds=250)
PAGE_WITHIN: Final = timedelta(seconds=20)
CLAIM_LASTS: Final = timedelta(seconds=40)
"""Longer than a page may take: it is kept with each page."""
MOST_EMPTY: Final = 20
"""Empty pages in a row that lead nowhere; then the account is put off."""
RETRIES: Final = RetryPolicy(base=timedelta(seconds=2), longest=timedelta(minutes=1))
"""No longer: the next notice's token is good for ten minutes."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who reads the customer service of which company."""

    api: WecomApi
    readers: Mapping[str, WecomApp]
    """By corp id."""


class Walks:
    """Notes notices, and walks the pages that they point at."""

    def __init__(self, tools: Tools, desk: Desk) -> None:
        self._tools = tools
        self._desk = desk

    async def note(self, events: Sequence[ProviderEvent]) -> None:
        """Enter what the events say is to be read, committed.

        Notices of a company whose messages nobody may read are left alone, and counted.
        """
        now = self._tools.clock()
        noted: list[Noted] = []
        for event in events:
            if not isinstance(event, NoticeReceived) or event.kind != NOTICE:
                continue
            told = notice_of(event)
            is_read = told is not None and event.account_id in self._desk.readers
            NOTICES.labels("read" if is_read else "left").inc()
            if told is not None and is_read:
                at = event.occurred_at or now
                noted.append(Noted(event.account_id, told.open_kfid, told.token, at))
        if noted:
            await in_thread(self._tools.engine, lambda c: walks.note(c, noted, now=now))

    async def run(self) -> None:
        """Walk what is due until cancelled."""
        if not self._desk.readers:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(every(LOOK_EVERY, self._step))

    async def _step(self) -> bool:
        corps = list(self._desk.readers)
        try:
            walk = await in_thread(
                self._tools.engine, lambda c: walks.claim_walk(c, corps, self._claim())
            )
        except TryAgainLater as error:
            log.warning("walks.waiting", extra={"why": f"{type(error).__name__}: {error}"})
            return False
        if walk is not None:
            await self._walk(walk)
        return walk is not None

    async def _walk(self, walk: Walk) -> None:
        why, pause = None, timedelta()
        try:
            await self._read_all(walk)
        except asyncio.CancelledError:
            await self._put_off(walk, timedelta(), None)
            raise
        except Fenced:
            return  # whoever has the claim goes on from the last page that was entered
        except CallFailed as error:
            why, pause = error.why, error.retry_after
        except TimeoutError:
            why, pause = "took too long", None
        except TryAgainLater as error:
            why, pause = type(error).__name__, None
        except Exception as error:
            # Of no kind that we know: seen in the log, and no reason to stop the others.
            log.exception("walk.failed", extra={"open_kfid": walk.open_kfid})
            why, pause = type(error).__name__, None
        if why is not None:
            PAGES_FAILED.labels(why).inc()
            chance = random.random()  # noqa: S311 - spreads retries, guards nothing
            await self._put_off(walk, pause_after(RETRIES, walk.attempt, chance, pause), why)

    async def _read_all(self, walk: Walk) -> None:
        """Read page after page; each is on Kafka before the place behind it is entered."""
        empty = 0
        while True:
            async with asyncio.timeout(PAGE_WITHIN.total_seconds()):
                page = await self._page(walk)
            await self._tell(page)
            await self._advance(walk, page.next_cursor)
            if not page.has_more:
                await self._end(walk)
                return
            empty = empty + 1 if page.next_cursor == walk.cursor else 0
            if empty >= MOST_EMPTY:
                raise CallFailed("pages lead nowhere")
            walk = replace(walk, cursor=page.next_cursor)

    async def _page(self, walk: Walk) -> Page:
        app, now = self._desk.readers[walk.corp_id], self._tools.clock()
        is_fresh = walk.token_at is not None and now - walk.token_at < TOKEN_LIVES
        token, cursor = walk.token if is_fresh else None, walk.cursor
        try:
            return await read_page(self._desk.api, app, walk.open_kfid, cursor=cursor, token=token)
        except CallFailed as error:
            # Once more without what was refused; messages that are told of again change nothing.
            if error.kind is Kind.NOTICE_TOKEN and token is not None:
                token = None
            elif error.kind is Kind.CURSOR and cursor:
                cursor = ""
            else:
                raise
        return await read_page(self._desk.api, app, walk.open_kfid, cursor=cursor, token=token)

    async def _tell(self, page: Page) -> None:
        now = self._tools.clock()
        records = [
            PROVIDER_EVENTS.record(event, source=SOURCE, at=event.occurred_at or now)
            for event in page.events
        ]
        await self._tools.producer.publish(records, within=ACKNOWLEDGED_WITHIN)
        for event in page.events:
            SAID.labels("notice" if isinstance(event, NoticeReceived) else "message").inc()

    async def _advance(self, walk: Walk, cursor: str) -> None:
        claim = self._claim()
        if not await in_thread(self._tools.engine, lambda c: walks.advance(c, walk, claim, cursor)):
            raise Fenced

    async def _end(self, walk: Walk) -> None:
        claim = self._claim()
        await in_thread(self._tools.engine, lambda c: walks.end(c, walk, claim))

    async def count_unread(self) -> bool:
        """Count the accounts with something to read, for the metrics."""
        UNREAD.set(await in_thread(self._tools.engine, walks.waiting))
        return False

    async def _put_off(self, walk: Walk, pause: timedelta, why: str | None) -> None:
        claim = self._claim()
        due_at = claim.now + pause
        if why is not None:
            shown = {"open_kfid": walk.open_kfid, "attempt": walk.attempt, "why": why}
            log.warning("walk.waiting", extra={**shown, "due_at": due_at.isoformat()})
        await insist(
            "walk.settling",
            lambda: in_thread(
                self._tools.engine,
                lambda c: walks.put_off(c, walk, claim, due_at=due_at, why=why),
            ),
        )

    def _claim(self) -> Claim:
        now = self._tools.clock()
        return Claim(self._tools.settings.fetcher_owner, now + CLAIM_LASTS, now)
