"""Keys and published sends are kept for a day, and not much longer (IM-01)."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from domain.identity import MessageId
from services.scheduler.handlers import purge
from services.scheduler.store import keys, sends
from services.scheduler.store.keys import KeyName
from services.scheduler.store.sends import NewSend
from tests.given import NOON
from tests.vaults import the_vault

pytestmark = pytest.mark.stack

A_DAY = timedelta(hours=24)


async def test_what_is_older_than_a_day_is_forgotten_and_what_still_waits_is_not(
    database: sa.Engine,
) -> None:
    old, young = KeyName("acme", "POST /", "old"), KeyName("acme", "POST /", "young")
    with database.begin() as connection:
        keys.claim(connection, {old: b"hash"}, now=NOON)
        keys.claim(connection, {young: b"hash"}, now=NOON + A_DAY)
        accept(connection, "published", due_at=None)
        accept(connection, "never-published", due_at=None)
        accept(connection, "waits", due_at=datetime(2030, 1, 1, tzinfo=UTC))
        accept(connection, "published-late", due_at=NOON)
        sends.mark_published(connection, [MessageId("published")], now=NOON)
        sends.mark_published(connection, [MessageId("published-late")], now=NOON + A_DAY)

    full = await purge(database, lambda: NOON + A_DAY + timedelta(seconds=1))

    with database.begin() as connection:
        remembered = keys.load(connection, [old, young])
        ids = connection.execute(sa.text("SELECT message_id FROM accepted_sends")).scalars()
        kept = set(ids)
    assert not full
    assert set(remembered) == {young}
    assert kept == {"waits", "published-late"}


def accept(connection: sa.Connection, message_id: str, *, due_at: datetime | None) -> None:
    """Store one send, accepted at noon."""
    vault = the_vault()
    ada = vault.person("whatsapp", "+16505550001")
    new = NewSend(MessageId(message_id), NOON, due_at, ada, b"{}", None)
    sends.insert(connection, vault, [new])
