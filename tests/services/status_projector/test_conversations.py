"""What belongs to a conversation, and what of it is unread; the database is real (IM-27)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import sqlalchemy as sa

from domain.identity import message_id_for_inbound
from runtime.errors import NotFound
from runtime.postgres import transaction
from schemas.topics.provider_events import MessageReceived
from schemas.topics.send_requests import SendRequested
from services.status_projector.store import conversations
from tests.given import NOON, SENDER, a_send_request
from tests.sealed import VAULT
from tests.services.status_projector.facts import Life, Projector, Record

pytestmark = pytest.mark.stack


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


class Talk:
    """What is said between one of our numbers and somebody nobody else writes to."""

    def __init__(self) -> None:
        self.number = str(uuid4().int)[:12]

    @property
    def conversation_id(self) -> str:
        return VAULT.conversation_id("whatsapp", SENDER, self.number)

    def ours(self, second: float, **what_matters: Any) -> SendRequested:  # noqa: ANN401 - any field
        """Return a message of ours, its recipient as the scheduler writes it."""
        return a_send_request(
            message_id=Life().message_id,
            recipient=f"+{self.number}",
            requested_at=at(second),
            **what_matters,
        )

    def theirs(self, second: float) -> MessageReceived:
        """Return a message to us, its author as WhatsApp writes it."""
        received = Life().inbound()
        return msgspec.structs.replace(received, author=self.number, occurred_at=at(second))


def tell(projector: Projector, *records: Record) -> None:
    projector.apply([projector.heard(record) for record in records])


def conversation(engine: sa.Engine, talk: Talk) -> dict[str, Any]:
    query = sa.text("SELECT * FROM conversations WHERE conversation_id = :id")
    with transaction(engine) as connection:
        return dict(connection.execute(query, {"id": talk.conversation_id}).mappings().one())


def unread(engine: sa.Engine, talk: Talk) -> int:
    return conversation(engine, talk)["unread"]


def test_what_comes_in_belongs_where_our_last_message_belonged(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    newest = talk.ours(5, tenant_id="acme", contact_id="ada", order_id="A-17")
    tell(projector, newest, talk.ours(2, tenant_id="acme", contact_id="ada", order_id="A-16"))
    tell(projector, talk.ours(3, tenant_id="acme", order_id="A-15"))

    received = talk.theirs(9)
    tell(projector, received)

    query = sa.text(
        "SELECT tenant_id, contact_id, order_id, conversation_id FROM messages"
        " WHERE whatsapp_message_id = :id"
    )
    with transaction(engine) as connection:
        row = connection.execute(query, {"id": received.provider_message_id}).one()
    assert tuple(row) == ("acme", "ada", "A-17", talk.conversation_id)


def test_a_request_of_the_same_batch_is_known_to_its_answer(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()

    tell(projector, talk.theirs(9), talk.ours(2, tenant_id="acme"))

    assert conversation(engine, talk)["tenant_id"] == "acme"
    assert unread(engine, talk) == 1


def test_unread_is_what_came_since_our_last_message(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    tell(projector, talk.theirs(1), talk.theirs(2))
    tell(projector, talk.theirs(3))
    assert unread(engine, talk) == 3

    tell(projector, talk.ours(4))
    assert unread(engine, talk) == 0

    tell(projector, talk.theirs(5))
    tell(projector, talk.ours(2.5))  # late, and no answer to that
    assert unread(engine, talk) == 1


def test_a_message_that_is_older_than_our_answer_is_not_unread(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    tell(projector, talk.ours(4))

    tell(projector, talk.theirs(3))

    assert unread(engine, talk) == 0


def test_within_the_second_of_our_message_it_counts_as_unread(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    tell(projector, talk.ours(4.7))

    tell(projector, talk.theirs(4))  # WhatsApp's clock has no fractions

    assert unread(engine, talk) == 1


def test_a_message_that_is_reported_again_is_counted_once(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    received = talk.theirs(1)

    tell(projector, received, received)
    tell(projector, received)

    assert unread(engine, talk) == 1


def test_the_last_message_is_the_newest_and_not_the_last_that_was_heard(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    newest = talk.ours(9)
    tell(projector, newest)

    tell(projector, talk.theirs(3), talk.ours(2))

    row = conversation(engine, talk)
    assert (row["last_message_id"], row["last_direction"]) == (newest.message_id, "outbound")
    assert row["last_at"] == at(9)


def test_the_conversation_is_named_in_every_change(projector: Projector) -> None:
    talk = Talk()
    request = talk.ours(1, contact_id="ada", order_id="A-17")
    life = Life(request.message_id)

    caused = projector.apply([projector.heard(request), projector.heard(life.started())])
    later = projector.apply([projector.heard(life.accepted())])

    for one in (*caused, *later):
        assert one.change.conversation_id == talk.conversation_id
        assert (one.change.contact_id, one.change.order_id) == ("ada", "A-17")


def test_what_came_after_what_was_shown_stays_unread(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    said = [talk.theirs(second) for second in (1, 2, 2, 3)]
    tell(projector, *said)
    shown = [message_id_for_inbound("whatsapp", one.provider_message_id) for one in said]

    assert read_up_to(engine, talk, at(0)) == 4
    assert read_up_to(engine, talk, shown[1]) == 2
    assert read_up_to(engine, talk, shown[0]) == 2, "what was read stays read"
    assert read_up_to(engine, talk, at(2)) == 1
    tell(projector, talk.theirs(4))
    assert unread(engine, talk) == 2
    assert read_up_to(engine, talk, None) == unread(engine, talk) == 0

    other = Talk()
    tell(projector, other.theirs(1))
    with pytest.raises(NotFound):
        read_up_to(engine, other, shown[0])


def test_its_provider_is_to_be_told_of_the_newest_message_that_was_read(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    first, second, third = (talk.theirs(moment) for moment in (1, 2, 3))
    tell(projector, first, second, talk.ours(2.5), third)
    marked = [read_mark(engine, talk)]

    for up_to in (at(0), at(2), at(1), None, None):
        read_up_to(engine, talk, up_to)
        marked.append(read_mark(engine, talk))

    nothing, before_all, one, older, both, again = marked
    assert nothing == before_all == (None, None)
    assert one[0] == message_id_for_inbound("whatsapp", second.provider_message_id)
    assert older == one, "what was read stays read"
    assert both[0] == message_id_for_inbound("whatsapp", third.provider_message_id)
    assert both[1] > one[1], "at the same moment by its clock"
    assert again == both


def test_a_message_that_we_have_answered_is_read_all_the_same(
    engine: sa.Engine, projector: Projector
) -> None:
    talk = Talk()
    received = talk.theirs(1)
    tell(projector, received, talk.ours(2))

    assert read_up_to(engine, talk, None) == 0

    read_to, _ = read_mark(engine, talk)
    assert read_to == message_id_for_inbound("whatsapp", received.provider_message_id)


def read_mark(engine: sa.Engine, talk: Talk) -> tuple[Any, Any]:
    row = conversation(engine, talk)
    return row["read_to"], row["read_at"]


def read_up_to(engine: sa.Engine, talk: Talk, up_to: str | datetime | None) -> int | None:
    with transaction(engine) as connection:
        return conversations.mark_read(
            connection, talk.conversation_id, tenant_id=None, now=NOON, up_to=up_to
        )
