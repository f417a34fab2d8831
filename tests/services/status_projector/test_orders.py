"""Whoever asks about an order finds what was written of it, also after the next one (IN-02)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from tests.callers import of_tenant
from tests.given import NOON, a_message_received
from tests.services.status_projector.asking import Asker, asking
from tests.services.status_projector.facts import Life, Projector, Record

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

HISTORY, CONVERSATIONS = "/api/v1/im/messages", "/api/v1/im/conversations"


class Customer:
    """Somebody with two orders, one after the other."""

    def __init__(self) -> None:
        self.id = uuid4().hex[:8]
        self.number = f"1650{uuid4().int % 10**7:07d}"
        self.first, self.second = f"A-{self.id}", f"B-{self.id}"

    def asked(self, order: str, hour: int, **fields: Any) -> Record:  # noqa: ANN401 - any field
        at = NOON + timedelta(hours=hour)
        return Life().request(
            recipient=f"+{self.number}",
            order_id=order,
            contact_id=self.id,
            requested_at=at,
            **fields,
        )

    def wrote(self, hour: int) -> Record:
        at = NOON + timedelta(hours=hour, minutes=30)
        return a_message_received(author=self.number, occurred_at=at)


def apply(projector: Projector, *records: Record) -> None:
    for record in records:
        projector.apply([projector.heard(record)])


async def test_an_earlier_order_still_has_its_history_and_its_conversation(
    projector: Projector, ask: Asker
) -> None:
    ada = Customer()
    apply(projector, ada.asked(ada.first, 0), ada.wrote(0), ada.asked(ada.second, 1), ada.wrote(1))

    for order in (ada.first, ada.second):
        messages = (await ask.data(HISTORY, orderId=order))["items"]
        assert [one["direction"] for one in messages] == ["outbound", "inbound"]
        assert {one["orderId"] for one in messages} == {order}
        found = await ask.data(CONVERSATIONS, orderId=order)
        (conversation,) = found["items"]
        assert conversation["conversationId"] == messages[0]["conversationId"]
        assert conversation["orderId"] == ada.second
        assert found["unread"] == 1


async def test_what_is_unread_of_a_contact_is_summed_over_its_channels_and_all_pages(
    projector: Projector, ask: Asker
) -> None:
    ada = Customer()
    elsewhere = ada.asked(ada.first, 0, channel="wecom", sender_id="1000002")
    at = NOON + timedelta(hours=2)
    apply(projector, ada.asked(ada.first, 0), elsewhere, ada.wrote(0), ada.wrote(1))
    apply(
        projector,
        a_message_received(
            channel="wecom", sender_id="1000002", author=f"+{ada.number}", occurred_at=at
        ),
    )

    page = await ask.data(CONVERSATIONS, contactId=ada.id, limit=1)
    everything = await ask.data(CONVERSATIONS, limit=1)

    assert (len(page["items"]), page["unread"]) == (1, 3)
    assert everything["unread"] is None


async def test_another_tenants_messages_lead_to_no_conversation(
    projector: Projector, app: FastAPI
) -> None:
    ada = Customer()
    apply(projector, ada.asked(ada.first, 0, tenant_id="orders-theirs"))
    apply(projector, ada.asked(ada.second, 1, tenant_id="orders-ours"))

    async with asking(app, of_tenant("orders-ours")) as ours:
        theirs = await ours.data(CONVERSATIONS, orderId=ada.first)
        own = await ours.data(CONVERSATIONS, orderId=ada.second)

    assert (theirs["items"], theirs["unread"]) == ([], 0)
    assert len(own["items"]) == 1
