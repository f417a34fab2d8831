"""A missing master key keeps back those who are sealed under it, and nobody else (IM-32)."""

from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from runtime.clock import now
from runtime.vault import Vault
from schemas.topics.send_requests import SendRequested, conversation_of
from services.dispatcher.store import ledger, senders
from services.dispatcher.store.requests import PLACE
from services.dispatcher.work import sender_of
from tests.eventually import eventually
from tests.keys import KEYS
from tests.services.dispatcher.conftest import Site
from tests.services.dispatcher.dispatchers import (
    SOON,
    RunningDispatcher,
    a_request,
    calls_for,
    ends_of,
    launch_dispatcher,
    state_of,
    stop_dispatcher,
)
from tests.vaults import the_vault, vault_of

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

KEY, OLD_KEY = KEYS["MESSAGE_ENCRYPTION_KEY"], "a master key that was left out too early"
ROOM = 8
ENTER = sa.text(
    """
    INSERT INTO dispatch_ledger (message_id, state, conversation, sender, attempt, owner,
                                 claimed_at, due_at, request, updated_at)
    VALUES (:id, 'waiting', :conversation, :sender, 0, 'test', now(), now(), :request, now())
    """
)


async def test_what_is_locked_away_leaves_its_place_to_others_until_its_key_is_there(
    engine: sa.Engine,
) -> None:
    away, other = a_request("0011", sender_id="1"), a_request("0012", sender_id="1")
    waits(engine, vault_of(OLD_KEY), away)
    waits(engine, the_vault(), other)
    ours, later = the_vault(), now() + timedelta(minutes=1)

    found = look(engine, ours, at=now())
    again = look(engine, ours, at=now())
    with_the_key = look(engine, vault_of(KEY, OLD_KEY), at=later)

    assert (found, again) == ([other.message_id], [other.message_id])
    assert ours.problem is not None
    assert ours.problem.startswith("MESSAGE_ENCRYPTION_KEY lacks the key ")
    assert sorted(with_the_key) == sorted([away.message_id, other.message_id])


async def test_a_dispatcher_sends_what_it_can_open_and_says_which_key_it_lacks(
    site: Site, clean_topics: str, database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    away, other = a_request("0001"), a_request("0002")
    waits(engine, vault_of(OLD_KEY), away)
    waits(engine, the_vault(), other)

    environment = site.provider.environment
    running = launch_dispatcher(clean_topics, database_url, environment, tmp_path)
    try:
        await ends_of(site.facts, [other])
        await eventually(lambda: says_that_a_key_is_missing(running), within=SOON)
        assert state_of(engine, away.message_id) == "waiting"
    finally:
        await stop_dispatcher(running)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE dispatch_ledger SET due_at = now()"))
    await site.start(MESSAGE_ENCRYPTION_KEY=f"{KEY},{OLD_KEY}")

    await ends_of(site.facts, [away])
    assert [calls_for(site.provider, one.message_id) for one in (away, other)] == [1, 1]


def waits(engine: sa.Engine, vault: Vault, request: SendRequested) -> None:
    """Enter a message that is due, sealed by this vault."""
    person = vault.person(request.channel, request.recipient)
    with engine.begin() as connection:
        senders.known(connection, {sender_of(request)})
        (sealed,) = vault.enclose(connection, [(person, msgspec.json.encode(request))], place=PLACE)
        values = {
            "id": request.message_id,
            "conversation": conversation_of(request),
            "sender": sender_of(request),
            "request": sealed,
        }
        connection.execute(ENTER, values)


def look(engine: sa.Engine, vault: Vault, *, at: datetime) -> list[str]:
    """Look for due messages as a dispatcher does; return what was found."""
    with engine.begin() as connection:
        found, _ = ledger.lock_due(connection, vault, {"whatsapp:1": ROOM}, now=at)
    return [one.message_id for one in found]


async def says_that_a_key_is_missing(running: RunningDispatcher) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(running.url + "/readyz", timeout=30)
    assert answer.status_code == 503, answer.text
    return "MESSAGE_ENCRYPTION_KEY lacks the key" in answer.json()["reason"]
