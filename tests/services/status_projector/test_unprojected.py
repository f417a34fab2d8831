"""A message that was accepted and not projected yet is shown as far as it is known (IM-53)."""

from datetime import datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from runtime.postgres import transaction
from schemas.sealed import ACCEPTED_SENDS
from tests.callers import of_tenant
from tests.given import NOON, SENDER
from tests.services.status_projector.asking import Asker, asking
from tests.services.status_projector.facts import Life
from tests.vaults import the_vault

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

DUE = NOON + timedelta(days=1)
MESSAGES = "/api/v1/im/messages"


def accept(engine: sa.Engine, life: Life, due_at: datetime | None, *, keeps: bool = True) -> None:
    """Do as the scheduler does."""
    vault, request = the_vault(), life.request(tenant_id="acme", order_id="A-17")
    person = vault.person(request.channel, request.recipient)
    with transaction(engine) as connection:
        (sealed,) = vault.enclose(
            connection, [(person, msgspec.json.encode(request))], place=ACCEPTED_SENDS
        )
        connection.execute(
            sa.text(
                "INSERT INTO accepted_sends (message_id, sent_at, due_at, request, tenant_id)"
                " VALUES (:id, :at, :due, :request, 'acme')"
            ),
            {
                "id": life.message_id,
                "at": NOON,
                "due": due_at,
                "request": sealed if keeps else None,
            },
        )


async def test_a_timed_message_is_shown_and_explained_before_its_time(
    engine: sa.Engine, ask: Asker
) -> None:
    life = Life()
    accept(engine, life, DUE)

    message = await ask.data(f"{MESSAGES}/{life.message_id}")
    explained = await ask.data(f"{MESSAGES}/{life.message_id}/explain")

    assert (message["status"], message["dueAt"]) == ("sending", "2026-03-03T12:00:00.000Z")
    assert (message["channel"], message["type"], message["orderId"]) == ("whatsapp", "text", "A-17")
    assert message["content"] == {"type": "text", "body": message["text"]}
    assert message["price"]["amount"] is None
    assert (explained["status"], explained["senderId"]) == ("pending", SENDER)
    assert explained["asked"]["dueAt"] == "2026-03-03T12:00:00.000Z"
    assert explained["shown"]["text"] == message["text"]
    assert explained["steps"] == []


async def test_one_that_was_just_handed_over_is_known_by_its_id_alone(
    engine: sa.Engine, ask: Asker
) -> None:
    life = Life()
    accept(engine, life, None, keeps=False)

    message = await ask.data(f"{MESSAGES}/{life.message_id}")
    explained = await ask.data(f"{MESSAGES}/{life.message_id}/explain")

    assert (message["status"], message["sentAt"]) == ("sending", "2026-03-02T12:00:00.000Z")
    assert (message["channel"], message["content"], message["tenantId"]) == (None, None, "acme")
    assert explained["channel"] is None


async def test_another_tenant_has_no_such_message(engine: sa.Engine, app: FastAPI) -> None:
    life = Life()
    accept(engine, life, DUE)

    async with asking(app, of_tenant("other")) as other:
        for ending in ("", "/explain"):
            assert (await other.get(f"{MESSAGES}/{life.message_id}{ending}")).status_code == 404
