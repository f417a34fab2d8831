"""Marking a conversation as read over HTTP (IM-27, IM-29)."""

import os
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa

from runtime.auth import Caller, Permission, issue
from runtime.clock import now
from runtime.postgres import transaction
from tests.given import SENDER
from tests.sealed import VAULT
from tests.services.status_projector.facts import Life, Projector
from tests.services.status_projector.projectors import RunningProjector

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

NUMBER = "16505550077"
CONVERSATION = VAULT.conversation_id("whatsapp", SENDER, NUMBER)


def signed_in(tenant_id: str | None, permission: Permission) -> dict[str, str]:
    caller = Caller("1", tenant_id, frozenset({permission}))
    key = os.environ["AUTH_SIGNING_KEYS"]
    token = issue(caller, until=now() + timedelta(hours=1), key=key)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(autouse=True)
def something_unread(engine: sa.Engine) -> None:
    # Partitions of its own: the running projector has the first ones.
    telling = Projector(engine, partition=99)
    received = msgspec.structs.replace(Life().inbound(), author=NUMBER)
    request = Life().request(recipient=f"+{NUMBER}", tenant_id="acme")
    telling.apply([telling.heard(request)])
    telling.apply([telling.heard(received)])


@pytest.mark.parametrize(
    ("who", "conversation_id", "code"),
    [
        (("acme", Permission.MESSAGES_SEND), CONVERSATION, 200),
        ((None, Permission.MESSAGES_SEND), CONVERSATION, 200),
        (("other", Permission.MESSAGES_SEND), CONVERSATION, 404),
        (("acme", Permission.MESSAGES_VIEW), CONVERSATION, 403),
        (("acme", Permission.MESSAGES_SEND), "cnv_nobody", 404),
        (("acme", Permission.MESSAGES_SEND), "cnv_%00", 404),
    ],
)
async def test_who_may_send_marks_their_tenants_conversations_as_read(
    running: RunningProjector,
    engine: sa.Engine,
    who: tuple[str | None, Permission],
    conversation_id: str,
    code: int,
) -> None:
    before = unread_in(engine)

    answer = await running.client.post(
        f"/api/v1/im/conversations/{conversation_id}/read",
        headers=signed_in(*who),
    )

    assert answer.status_code == code
    assert answer.json()["code"] == code
    assert unread_in(engine) == (0 if code == 200 else before)


@pytest.mark.parametrize(
    ("up_to", "code"),
    [
        ("2020-01-01T00:00:00+18:35", 200),  # PostgreSQL knows no such offset
        ("9999-12-31T23:59:59-10:00", 400),
        ("2020-01-01T00:00:00", 400),
    ],
)
async def test_up_to_a_moment_that_somebody_means(
    running: RunningProjector, up_to: str, code: int
) -> None:
    answer = await running.client.post(
        f"/api/v1/im/conversations/{CONVERSATION}/read", params={"upTo": up_to}
    )

    assert answer.status_code == code
    assert "upTo" in answer.text or code == 200


async def test_without_a_token_nothing_is_marked(
    running: RunningProjector, engine: sa.Engine
) -> None:
    answer = await running.client.post(
        f"/api/v1/im/conversations/{CONVERSATION}/read", headers={"Authorization": ""}
    )

    assert answer.status_code == 401
    assert unread_in(engine) > 0


def unread_in(engine: sa.Engine) -> int:
    query = sa.text("SELECT unread FROM conversations WHERE conversation_id = :id")
    with transaction(engine) as connection:
        return connection.execute(query, {"id": CONVERSATION}).scalar_one()
