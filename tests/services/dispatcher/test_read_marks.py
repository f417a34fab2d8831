"""What somebody here has read is told to its provider, once, and at nobody's cost (WA 6)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from deploy.simulated_provider import WORLD
from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId, SenderId
from runtime.clock import now
from runtime.postgres import transaction
from schemas.topics.provider_events import MessageReceived, ProviderEvent, SendAccepted
from services.dispatcher.read_marks import AT_ONCE, KEPT, TOLD_WITHIN, ReadMarks
from services.status_projector.store import conversations
from tests.eventually import eventually
from tests.given import SENDER
from tests.services.dispatcher.dispatchers import (
    SOON,
    RunningDispatcher,
    Upstream,
    a_request,
    outcome,
)
from tests.services.dispatcher.gazette import Clock, Gazette
from tests.services.dispatcher.tails import Tail
from tests.services.status_projector.facts import Projector
from tests.simulators import RunningSimulator
from tests.vaults import the_vault

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

VAULT = the_vault()
PAPER: Final = "wechat"
"""The newspaper's channel; the dispatcher of the module has nothing to tell there."""
HALT = "INSERT INTO senders (sender, halted_at) VALUES (:sender, now())"
FORGOTTEN = "UPDATE messages SET whatsapp_message_id = NULL WHERE whatsapp_message_id = :id"


class Readers(Gazette):
    """A newspaper that people write to, and that shows them what it has read."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[str, str]] = []
        self.refuses: dict[str, Failure | Exception] = {}

    async def mark_read(
        self, sender_id: SenderId, provider_message_id: ProviderMessageId
    ) -> Failure | None:
        self.marks.append((sender_id, provider_message_id))
        refusal = self.refuses.get(provider_message_id)
        if isinstance(refusal, Exception):
            raise refusal
        return refusal


class Desk:
    """Where letters to the newspaper are read, at a time that the test sets."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine, self.clock = engine, Clock()
        self.readers = Readers()
        self.projector = Projector(engine)
        self.town = uuid4().hex

    def beside(self) -> ReadMarks:
        """Return the marks of one more dispatcher."""
        return ReadMarks(self.engine, {PAPER: self.readers}, self.clock)

    def receive(self, author: str, sender_id: str = "edition") -> str:
        """Let somebody write; return the provider's id."""
        name = f"g.{uuid4().hex}"
        letter = a_letter(PAPER, name, f"{author} of {self.town}", sender_id, self.clock())
        self.projector.apply([self.projector.heard(letter)])
        self.clock.advance(timedelta(seconds=1))
        return name

    def read(self, author: str, sender_id: str = "edition") -> None:
        """Mark what somebody wrote as read."""
        name = VAULT.conversation_id(PAPER, sender_id, f"{author} of {self.town}")
        read(self.engine, name, self.clock())

    async def tell(self) -> list[tuple[str, str]]:
        """Let a dispatcher tell all there is; return what it told."""
        before, marks = len(self.readers.marks), self.beside()
        while await marks.tell(PAPER):
            pass
        return self.readers.marks[before:]


@pytest.fixture
def desk(engine: sa.Engine) -> Desk:
    with transaction(engine) as connection:
        for table in ("conversations", "read_marks_told", "senders"):
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - our own words
    return Desk(engine)


def a_letter(
    channel: Literal["whatsapp", "wechat"],
    provider_id: str,
    author: str,
    sender_id: str,
    at: datetime,
) -> MessageReceived:
    return MessageReceived(
        channel=channel,
        provider_message_id=provider_id,
        sender_id=sender_id,
        author=author,
        message_type="text",
        content={"body": "Is it ready?"},
        occurred_at=at,
    )


def read(engine: sa.Engine, conversation_id: str, at: datetime) -> None:
    with transaction(engine) as connection:
        left = conversations.mark_read(connection, conversation_id, tenant_id=None, now=at)
    assert left == 0


async def test_each_conversation_is_told_once_by_its_newest_message(desk: Desk) -> None:
    desk.receive("ada")
    newest, bobs = desk.receive("ada"), desk.receive("bob")
    desk.receive("cleo")

    desk.read("ada")
    desk.read("bob")

    assert sorted(await desk.tell()) == sorted([("edition", newest), ("edition", bobs)])
    desk.read("ada")
    assert await desk.tell() == []
    later = desk.receive("ada")
    assert await desk.tell() == []
    desk.read("ada")
    assert await desk.tell() == [("edition", later)]


async def test_of_several_dispatchers_one_tells_each_mark(desk: Desk) -> None:
    people = [f"reader {number}" for number in range(3 * AT_ONCE)]
    letters = [desk.receive(one) for one in people]
    for one in people:
        desk.read(one)
    both = desk.beside(), desk.beside()

    while any(await asyncio.gather(*(one.tell(PAPER) for one in both))):
        pass

    assert sorted(name for _, name in desk.readers.marks) == sorted(letters)


async def test_a_mark_that_fails_is_not_told_again_and_disturbs_no_other(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    refused, broken, fine = (desk.receive(one) for one in ("ada", "bob", "cleo"))
    desk.readers.refuses = {
        refused: Failure(ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER, "131009", f"no {refused}"),
        broken: RuntimeError(f"no {broken}"),
    }
    for one in ("ada", "bob", "cleo"):
        desk.read(one)

    assert {name for _, name in await desk.tell()} == {refused, broken, fine}
    assert await desk.tell() == []

    logged = [record for record in caplog.records if record.message == "read_mark.failed"]
    assert {record.__dict__["why"] for record in logged} == {"131009", "RuntimeError"}
    assert not any(name in str(one.__dict__) for one in logged for name in (refused, broken))


async def test_a_halted_sender_tells_when_it_may_call_again(desk: Desk) -> None:
    letter, others = desk.receive("ada", "halted"), desk.receive("ada")
    with transaction(desk.engine) as connection:
        connection.execute(sa.text(HALT), {"sender": f"{PAPER}:halted"})
    desk.read("ada", "halted")
    desk.read("ada")

    assert await desk.tell() == [("edition", others)]
    with transaction(desk.engine) as connection:
        connection.execute(sa.text("UPDATE senders SET halted_at = NULL"))
    assert await desk.tell() == [("halted", letter)]


async def test_what_is_old_or_was_erased_is_not_told(desk: Desk) -> None:
    erased = desk.receive("ada")
    desk.read("ada")
    with transaction(desk.engine) as connection:
        connection.execute(sa.text(FORGOTTEN), {"id": erased})
    assert await desk.tell() == []

    desk.receive("bob")
    desk.read("bob")
    desk.clock.advance(TOLD_WITHIN)
    assert await desk.tell() == []


async def test_what_was_told_long_ago_is_forgotten_and_not_told_again(desk: Desk) -> None:
    desk.receive("ada")
    desk.read("ada")
    assert len(await desk.tell()) == 1
    desk.clock.advance(KEPT + timedelta(seconds=1))

    await desk.beside().forget()

    with transaction(desk.engine) as connection:
        told = connection.execute(sa.text("SELECT count(*) FROM read_marks_told")).scalar_one()
    assert told == 0
    assert await desk.tell() == []


class Chat:
    """A person at the simulator, whose messages the projector has entered."""

    def __init__(self, engine: sa.Engine, provider: RunningSimulator, number: str) -> None:
        self._engine, self._provider, self._number = engine, provider, number

    def receive(self) -> None:
        """Let the person write."""
        body = {"from": self._number, "text": "Is it ready?"}
        self.enter(self._provider.provider.order("/inbound", body)["id"])

    def enter(self, name: str) -> None:
        """Enter what the person wrote, or what the provider does not know to be so."""
        letter = a_letter("whatsapp", name, self._number, SENDER, now())
        projector = Projector(self._engine)
        projector.apply([projector.heard(letter)])

    def read(self) -> None:
        """Mark the chat as read."""
        read(self._engine, VAULT.conversation_id("whatsapp", SENDER, self._number), now())


def marks_at(provider: RunningSimulator) -> Sequence[dict[str, Any]]:
    """Return the calls that were no sends: nothing else is asked of it here."""
    with httpx.Client(trust_env=False) as client:
        said = client.get(provider.provider.url + WORLD + "/ledger/calls", params={"opaque": ""})
    calls = said.raise_for_status().json()["items"]
    return [one for one in calls if one["path"].endswith(f"{SENDER}/messages")]


async def told(provider: RunningSimulator, count: int) -> Sequence[dict[str, Any]]:
    """Return the marks once there are so many."""

    def all_of_them() -> Sequence[dict[str, Any]]:
        marks = marks_at(provider)
        return marks if len(marks) >= count else ()

    return await eventually(all_of_them, within=SOON)


async def test_people_on_whatsapp_see_that_they_were_read_and_messages_go_on(
    engine: sa.Engine,
    dispatcher: RunningDispatcher,
    provider: RunningSimulator,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
) -> None:
    ada, bob = (Chat(engine, provider, f"1650555{last}") for last in ("0021", "0022"))
    for chat in (ada, ada, bob):
        chat.receive()

    ada.read()
    bob.read()
    both = await told(provider, 2)
    assert [(one["decision"], one["answer"]) for one in both] == [("answered", 200)] * 2
    assert len({one["body_hash"] for one in both}) == 2

    ada.enter("wamid.of.nobody")
    ada.read()
    ada.read()
    refused = (await told(provider, 3))[2:]
    assert [(one["decision"], one["code"]) for one in refused] == [("refused", 131009)]
    request = a_request("0023")
    await upstream.ask(request)

    async def end() -> object:
        return await outcome(facts, request.message_id)

    assert isinstance(await eventually(end, within=SOON), SendAccepted)
    assert len(marks_at(provider)) == 3
    counted = 'dispatcher_read_marks_total{channel="whatsapp",outcome="%s"}'

    async def is_counted() -> bool:
        return [await dispatcher.metric(counted % one) for one in ("told", "failed")] == [2, 1]

    assert await eventually(is_counted, within=SOON)
