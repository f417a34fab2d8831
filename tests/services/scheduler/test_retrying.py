"""POST …/messages/{messageId}/retry: what failed is sent again, once (RT-03..05, CF-37)."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from runtime.vault import forget
from schemas.topics.contents import ImageContent, TextContent
from schemas.topics.send_requests import SendRequested
from tests.callers import of_tenant, signed_in
from tests.given import a_message_id
from tests.sealed import VAULT
from tests.services.scheduler.conftest import StartScheduler
from tests.services.scheduler.schedulers import MESSAGES, RunningScheduler, Tail
from tests.services.status_projector.facts import Life
from tests.services.status_projector.facts import Projector as Projection

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

ERASED_NUMBER = "+16505550099"
A_PICTURE = ImageContent(link="https://example.com/ring.png", caption="Your ring")
CONTEXT = {
    "tenant_id": "acme",
    "contact_id": "ada",
    "order_id": "A-17",
    "case_id": "case-1",
    "queue_id": "queue-2",
    "wa_account_type": "enterprise",
    "wa_account_id": "4711",
}


@pytest.fixture(scope="module")
def projection(database_url: str) -> Projection:
    """Return what writes the read model."""
    return Projection(sa.create_engine(database_url, poolclass=sa.NullPool))


def failed(projection: Projection, **what_matters: Any) -> SendRequested:  # noqa: ANN401 - any field
    """Return the request of a message that was refused."""
    life = Life()
    request = life.request(**what_matters)
    projection.apply([projection.heard(one) for one in (request, life.started(), life.rejected())])
    return request


async def retry(
    scheduler: RunningScheduler, message_id: str, key: str | None = None, **headers: str
) -> httpx.Response:
    """Ask for a message to be sent again."""
    named = {} if key is None else {"Idempotency-Key": key}
    path = f"{MESSAGES}/{message_id}/retry"
    return await scheduler.client.post(path, headers=headers | named)


async def test_a_failed_message_is_sent_again_as_a_new_one(
    scheduler: RunningScheduler, projection: Projection, requests: Tail[SendRequested]
) -> None:
    original = failed(projection, content=A_PICTURE, job_id="job-1", **CONTEXT)

    answer = await retry(scheduler, original.message_id)

    (request,) = await requests.read()
    assert (answer.status_code, answer.json()["code"]) == (201, 201)
    assert answer.json()["data"]["messageId"] == request.message_id != original.message_id
    assert answer.json()["data"]["status"] == "sending"
    assert request.original_message_id == original.message_id
    assert request.job_id is None  # its rows are counted
    for field in ("channel", "sender_id", "recipient", "content", *CONTEXT):
        assert getattr(request, field) == getattr(original, field), field


async def test_the_projector_marks_the_original_and_leaves_it_failed(
    scheduler: RunningScheduler,
    projection: Projection,
    requests: Tail[SendRequested],
    database: sa.Engine,
) -> None:
    original = failed(projection)
    await retry(scheduler, original.message_id)
    (request,) = await requests.read()

    projection.apply([projection.heard(request)])

    with database.connect() as connection:
        query = "SELECT retried, delivery_status FROM messages WHERE message_id = :id"
        row = connection.execute(sa.text(query), {"id": original.message_id}).one()
    assert tuple(row) == (True, "failed")


async def test_a_second_retry_is_a_conflict_even_when_all_else_is_forgotten(
    scheduler: RunningScheduler,
    projection: Projection,
    requests: Tail[SendRequested],
    database: sa.Engine,
) -> None:
    original = failed(projection)
    await retry(scheduler, original.message_id)
    second = await retry(scheduler, original.message_id)
    (request,) = await requests.read()
    projection.apply([projection.heard(request)])
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM accepted_sends"))

    third = await retry(scheduler, original.message_id)

    assert [second.status_code, third.status_code] == [409, 409]
    assert third.json()["message"] == "The message was already sent again"
    assert len(await requests.read()) == 1


async def test_of_many_who_ask_two_schedulers_at_once_one_is_served(
    scheduler: RunningScheduler,
    a_scheduler: StartScheduler,
    projection: Projection,
    requests: Tail[SendRequested],
) -> None:
    another = await a_scheduler()
    original = failed(projection)

    answers = await asyncio.gather(
        *(retry(one, original.message_id) for one in (scheduler, another) * 5)
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert len(await requests.read()) == 1


async def test_a_key_repeated_gets_the_first_answer(
    scheduler: RunningScheduler, projection: Projection, requests: Tail[SendRequested]
) -> None:
    original, other = failed(projection), failed(projection)

    first = await retry(scheduler, original.message_id, "again-17")
    again = await retry(scheduler, original.message_id, "again-17")
    misused = await retry(scheduler, other.message_id, "again-17")

    assert (first.status_code, again.json()) == (201, first.json())
    assert misused.status_code == 409
    assert len(await requests.read()) == 1


async def test_what_has_not_failed_is_not_sent_again(
    scheduler: RunningScheduler, projection: Projection, requests: Tail[SendRequested]
) -> None:
    life = Life()
    sent = [life.request(), life.started(), life.accepted(), life.reported("delivered", 4)]
    projection.apply([projection.heard(one) for one in sent])
    accepted = (await scheduler.send()).json()["data"]["messageId"]
    await requests.read()

    answers = [await retry(scheduler, one) for one in (life.message_id, accepted)]

    for answer in answers:
        assert answer.status_code == 409
        assert answer.json()["message"] == "Only a message that failed can be sent again"
    assert len(await requests.read()) == 1


async def test_what_is_unknown_or_another_tenants_does_not_exist(
    scheduler: RunningScheduler, projection: Projection, requests: Tail[SendRequested]
) -> None:
    theirs = failed(projection, tenant_id="globex")
    ours = signed_in(of_tenant("acme"))

    answers = [
        await retry(scheduler, a_message_id()),
        await retry(scheduler, "%00"),
        await retry(scheduler, theirs.message_id, **ours),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert await requests.read() == []


async def test_nothing_is_left_to_send_to_who_was_erased(
    scheduler: RunningScheduler,
    projection: Projection,
    requests: Tail[SendRequested],
    database: sa.Engine,
) -> None:
    original = failed(projection, recipient=ERASED_NUMBER, content=TextContent(body="Hi"))
    with database.begin() as connection:
        forget(connection, VAULT.person("whatsapp", ERASED_NUMBER))

    answer = await retry(scheduler, original.message_id, "key-of-erased")

    assert answer.status_code == 409
    assert answer.json()["message"] == "The recipient was erased: nothing is left to send again"
    assert await requests.read() == []
