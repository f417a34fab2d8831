"""A restored copy calls nobody before it is told that it is the one live copy (IM-57, R16)."""

import subprocess
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from deploy.databases import Databases
from deploy.stack import Stack
from deploy.stack.postgres_programs import programs
from domain.fence import Refuse, Verdict, judge
from runtime import fence
from runtime.clock import now
from schemas.topics.provider_events import ProviderEvent, SendAccepted
from tests.eventually import eventually
from tests.services.dispatcher.dispatchers import (
    SOON,
    RunningDispatcher,
    Upstream,
    a_request,
    calls_for,
    launch_dispatcher,
    outcome,
    start_dispatcher,
    stop_dispatcher,
)
from tests.services.dispatcher.tails import Tail
from tests.simulators import RunningSimulator

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True, slots=True)
class Site:
    """The live database with its Kafka, and PostgreSQL's own programs."""

    bootstrap: str
    url: str
    databases: Databases
    programs: Path
    scratch: Path

    def dump(self) -> Path:
        """Dump the live database."""
        dump = self.scratch / "dump.sql"
        self._run("pg_dump", "--no-owner", "--schema=public", f"--file={dump}", dsn_of(self.url))
        dump.write_text(dump.read_text().replace("CREATE SCHEMA public;", ""))
        return dump

    def restore(self, dump: Path, url: str) -> None:
        """Put a dump into the place of whatever a database holds; its sessions end."""
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
            connection.execute(_END_SESSIONS)
        self._run("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={dump}", dsn_of(url))

    async def confirm(self, url: str) -> None:
        """Say that this is the live database."""
        await fence.confirm(url, self.bootstrap, by="a person", at=now())

    async def verdict(self, url: str) -> Verdict:
        return judge(*await fence.show(url, self.bootstrap))

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self.programs / program, *arguments], check=True, capture_output=True)  # noqa: S603 - our own words


_END_SESSIONS = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def site(
    stack: Stack, databases: Databases, database_url: str, clean_topics: str, tmp_path: Path
) -> Site:
    """Return the module's database and topics."""
    where = programs(stack.postgres.places)
    return Site(clean_topics, database_url, databases, where, tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def original(site: Site, provider: RunningSimulator) -> AsyncGenerator[RunningDispatcher]:
    """Return a dispatcher on the live database, which it has bound if nobody had."""
    if isinstance(await site.verdict(site.url), Refuse):
        await site.confirm(site.url)
    environment = provider.environment
    running = await start_dispatcher(site.bootstrap, site.url, environment, site.scratch)
    yield running
    await stop_dispatcher(running)


async def test_a_dump_in_another_database_sends_nothing_until_it_is_confirmed(
    original: RunningDispatcher,
    site: Site,
    provider: RunningSimulator,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
) -> None:
    first, second = a_request(), a_request()
    await upstream.ask(first)
    await eventually(lambda: was_sent(facts, first.message_id), within=SOON)
    url = site.databases.create("older_copy")
    site.restore(site.dump(), url)
    await stop_dispatcher(original)
    await upstream.ask(second)
    copy = launch_dispatcher(site.bootstrap, url, provider.environment, site.scratch)
    try:
        await eventually(lambda: refuses(copy, "restored from a dump"), within=SOON)
        assert calls_for(provider, second.message_id) == 0

        await site.confirm(url)

        await eventually(lambda: was_sent(facts, second.message_id), within=SOON)
        assert calls_for(provider, first.message_id) == 1
        assert calls_for(provider, second.message_id) == 1
        assert isinstance(await site.verdict(site.url), Refuse)
    finally:
        await stop_dispatcher(copy)


async def test_an_older_backup_in_the_place_of_the_live_database_stops_who_is_running(
    original: RunningDispatcher,
    site: Site,
    provider: RunningSimulator,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
) -> None:
    request, dump = a_request(), site.dump()
    said = await epoch_of(site)
    await eventually(lambda: has_said_more(site, said), within=SOON)

    site.restore(dump, site.url)

    await eventually(lambda: refuses(original, "a backup was restored"), within=SOON)
    await upstream.ask(request)
    assert isinstance(await site.verdict(site.url), Refuse)
    assert calls_for(provider, request.message_id) == 0
    await site.confirm(site.url)
    await eventually(lambda: was_sent(facts, request.message_id), within=SOON)
    assert calls_for(provider, request.message_id) == 1


async def was_sent(facts: Tail[ProviderEvent], message_id: str) -> bool:
    return isinstance(await outcome(facts, message_id), SendAccepted)


async def refusal(running: RunningDispatcher) -> str | None:
    """Return why it is not ready."""
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            answer = await client.get(running.url + "/readyz", timeout=30)
        except httpx.ConnectError:
            return "it does not answer yet"
    return answer.json().get("reason")


async def refuses(running: RunningDispatcher, words: str) -> bool:
    return words in (await refusal(running) or "")


async def epoch_of(site: Site) -> int:
    """Return the number of the last word that Kafka has heard."""
    _, _, heard = await fence.show(site.url, site.bootstrap)
    assert heard is not None
    return heard.epoch


async def has_said_more(site: Site, epoch: int) -> bool:
    return await epoch_of(site) > epoch


def dsn_of(url: str) -> str:
    return url.replace("postgresql+psycopg2://", "postgresql://", 1)
