"""Long conversations in the ledger: what is due behind them is found (architecture, promise 8)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from services.dispatcher.store import crowds, ledger
from services.dispatcher.store.requests import PLACE
from tests.vaults import the_vault

pytestmark = pytest.mark.stack

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MORNING = NOON + timedelta(hours=20)
ROOM = 8
VAULT = the_vault()


def test_what_is_due_behind_a_long_conversation_is_found_without_looking_through_it(
    engine: sa.Engine,
) -> None:
    sender = f"whatsapp:{uuid4().hex}"
    long = waiting(engine, sender, "long", [NOON] * (3 * crowds.LOOK))
    (other,) = waiting(engine, sender, "other", [NOON + timedelta(seconds=1)])

    rounds = [look(engine, sender, NOON + timedelta(seconds=2)) for _ in range(4)]

    first, *_, last = rounds
    assert first == ([long[0]], {sender})
    assert sorted(last[0]) == sorted([long[0], other])
    assert last[1] == set()


def test_what_is_behind_a_message_that_waits_for_the_morning_waits_as_long(
    engine: sa.Engine,
) -> None:
    sender = f"whatsapp:{uuid4().hex}"
    waiting(engine, sender, "night", [MORNING, *[NOON] * (crowds.LOOK + 1)])

    found = look(engine, sender, NOON)

    assert found == ([], {sender})
    with engine.connect() as connection:
        query = sa.text("SELECT due_at, count(*) FROM dispatch_ledger WHERE sender = :s GROUP BY 1")
        due = {row.due_at: row.count for row in connection.execute(query, {"s": sender})}
    assert due == {MORNING: 1 + crowds.LOOK, NOON: 1}


def test_few_that_are_behind_others_are_left_alone(engine: sa.Engine) -> None:
    sender = f"whatsapp:{uuid4().hex}"
    (first, *_) = waiting(engine, sender, "short", [NOON] * crowds.LOOK)

    assert look(engine, sender, NOON) == ([first], set())


def look(engine: sa.Engine, sender: str, now: datetime) -> tuple[list[str], set[str]]:
    """Look for due messages as a dispatcher does; return what was found, and the crowded."""
    with engine.begin() as connection:
        found, crowded = ledger.lock_due(connection, VAULT, {sender: ROOM}, now=now)
        crowds.pass_over(connection, crowded, now=now)
    return [one.message_id for one in found], crowded


def waiting(
    engine: sa.Engine, sender: str, conversation: str, due: Sequence[datetime]
) -> list[str]:
    """Enter messages of one conversation that wait until then; return their ids."""
    ids = [f"msg_{uuid4().hex}" for _ in due]
    enter = sa.text(
        """
        INSERT INTO dispatch_ledger (message_id, state, conversation, sender, attempt, owner,
                                     claimed_at, due_at, request, updated_at)
        SELECT id, 'waiting', :conversation, :sender, 0, 'test', now(), due_at, :request, now()
        FROM unnest(CAST(:ids AS text[]), CAST(:due AS timestamptz[])) WITH ORDINALITY
             AS e(id, due_at, place) ORDER BY place
        """
    )
    with engine.begin() as connection:
        person = VAULT.person("whatsapp", conversation)
        (request,) = VAULT.enclose(connection, [(person, b"{}")], place=PLACE)
        values = {"request": request, "conversation": f"{sender}:{conversation}", "sender": sender}
        connection.execute(enter, values | {"ids": ids, "due": list(due)})
    return ids
