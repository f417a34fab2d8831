"""Somebody brings a picture, previews it, is answered, and pushes it to a group (PV, TP-20)."""

import re
import time
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from deploy.pipeline import Pipeline
from deploy.simulated_provider import ROBOT, WORLD
from domain.tasks import PushContent, content_hash
from schemas.topics.contents import NotificationContent
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.scheduler.store import previews
from simulator.wechat.magic import openid_of
from tests.eventually import eventually, seconds
from tests.services.scheduler.previewing import a_picture, a_task, ask, bring, sent
from tests.services.scheduler.schedulers import Tail, tail_of

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SOON = seconds(60)


@pytest_asyncio.fixture(loop_scope="module")
async def scheduler(world: Pipeline) -> AsyncGenerator[httpx.AsyncClient]:
    """Return what calls the scheduler."""
    async with httpx.AsyncClient(
        base_url=world.urls["scheduler"], trust_env=False, timeout=60, headers=world.headers
    ) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def requests(world: Pipeline) -> AsyncGenerator[Tail[SendRequested]]:
    """Return what comes to send-requests during the test."""
    tail = await tail_of(SEND_REQUESTS, world.bootstrap, world.topic_keys)
    yield tail
    await tail.consumer.stop()


@pytest.fixture
def database(world: Pipeline) -> sa.Engine:
    """Return the services' database, for a look inside."""
    return sa.create_engine(world.database_url, poolclass=sa.NullPool)


async def shown(scheduler: httpx.AsyncClient, task_id: str) -> dict[str, Any]:
    answer = await scheduler.get("/api/preview", params={"taskId": task_id})
    return answer.json()[0]


async def accepted(world: Pipeline, recipient: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"{world.urls['simulator']}{WORLD}/ledger/messages"
        return (await client.get(url, params={"recipient": recipient})).json()["items"]


async def token_of(requests: Tail[SendRequested], recipient: str) -> str:
    contents = [one.content for one in await requests.read() if one.recipient == recipient]
    assert isinstance(contents[-1], NotificationContent)
    return parse_qs(urlsplit(contents[-1].page or "").query)["token"][0]


async def test_a_picture_goes_to_its_group_once_its_preview_is_confirmed(
    world: Pipeline,
    scheduler: httpx.AsyncClient,
    requests: Tail[SendRequested],
    database: sa.Engine,
) -> None:
    person, image = openid_of(1), (await bring(scheduler, a_picture())).json()["data"]["url"]
    task_id = a_task_with_a_picture(database, image)
    preview_id = await sent(scheduler, task_id, content={"image": image}, recipients=[person])
    await eventually(lambda: accepted(world, person), within=SOON)
    digest = content_hash(PushContent(image=image))

    answer = {"previewId": preview_id, "response": "confirm"}
    answer["token"] = await token_of(requests, person)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as recipient:
        url = f"{world.urls['ingest_webhook']}/api/preview/confirm"
        await sees_the_picture(recipient, world.urls["ingest_webhook"], answer["token"])
        confirmed = await recipient.post(url, json=answer)
        forged = await recipient.post(url, json=answer | {"token": answer["token"][:-1] + "_"})

    assert confirmed.json() == {"message": "Preview confirmed"}
    assert (forged.status_code, forged.json()) == (404, {"error": "Preview not found"})

    async def is_confirmed() -> bool:
        return (await shown(scheduler, task_id))["status"] == "confirmed"

    await eventually(is_confirmed, within=SOON)
    with database.connect() as connection:
        assert previews.passed(connection, task_id, digest)

    pushed = await scheduler.post("/api/push", json={"taskId": task_id})

    assert pushed.status_code == 200, pushed.text
    await eventually(lambda: has_ended(database, pushed.json()["pushId"]), within=SOON)
    with database.connect() as connection:
        results = connection.execute(sa.text("SELECT status, error FROM t_push_results")).all()
    assert [tuple(row) for row in results] == [("sent", None)]


async def sees_the_picture(recipient: httpx.AsyncClient, ingester: str, token: str) -> None:
    page = await recipient.get(f"{ingester}/api/preview/answer", params={"token": token})
    source = re.search(r'<img src="([^"]+)"', page.text)
    assert source is not None, page.text
    picture = await recipient.get(urljoin(str(page.url), source[1]))
    forged = await recipient.get(f"{ingester}/api/preview/picture", params={"token": token[:-1]})

    assert "周一课程" in page.text
    assert "2030-06-10 18:00 (Asia/Shanghai)" in page.text
    assert "img-src 'self'" in page.headers["content-security-policy"]
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert picture.content.startswith(b"\x89PNG")
    assert forged.status_code == 404


def a_task_with_a_picture(database: sa.Engine, image: str) -> str:
    task_id = a_task(database)
    with database.begin() as connection:
        connection.execute(
            sa.text(
                """
                INSERT INTO t_groups (group_id, name, channel, sender_id, recipient, created_at)
                VALUES ('g1', 'Course', 'wecom', 'robots', :robot, now());
                UPDATE t_tasks SET content_text = NULL, content_image = :image,
                    content_hash = :hash WHERE task_id = :task_id
                """
            ),
            {
                "robot": f"robot:{ROBOT}",
                "image": image,
                "hash": content_hash(PushContent(image=image)),
                "task_id": task_id,
            },
        )
    return task_id


def has_ended(database: sa.Engine, push_id: str) -> bool:
    with database.connect() as connection:
        query = sa.text("SELECT status FROM t_pushes WHERE push_id = :id")
        return connection.execute(query, {"id": push_id}).scalar_one() in {"completed", "failed"}


async def test_who_writes_the_word_answers_the_preview_they_got_last(
    world: Pipeline, scheduler: httpx.AsyncClient, database: sa.Engine
) -> None:
    person, refusing, task_id = openid_of(2), "oPerson_noconsent", a_task(database)
    await sent(scheduler, task_id, recipients=[person, refusing])
    await eventually(lambda: accepted(world, person), within=SOON)

    world.simulator.order("/wechat/inbound", {"from": person, "text": "修改"})

    async def is_modified() -> bool:
        return (await shown(scheduler, task_id))["status"] == "modified"

    await eventually(is_modified, within=SOON)
    (response,) = (await shown(scheduler, task_id))["responses"]
    assert (response["userId"], response["response"]) == (person, "modify")

    async def outcomes() -> dict[str, str]:
        recipients = (await shown(scheduler, task_id))["recipients"]
        found = {one["userId"]: one["deliveryStatus"] for one in recipients}
        return found if "waiting" not in found.values() else {}

    reached = await eventually(outcomes, within=SOON)
    assert reached == {person: "sent", refusing: "failed"}
    (failed,) = (
        one for one in (await shown(scheduler, task_id))["recipients"] if one["userId"] == refusing
    )
    assert failed["deliveryError"]


async def test_a_preview_is_with_the_provider_soon(
    world: Pipeline, scheduler: httpx.AsyncClient, database: sa.Engine
) -> None:
    waits: list[float] = []
    for number in range(3, 11):
        person, task_id = openid_of(number), a_task(database)
        answer = await ask(scheduler, task_id, recipients=[person])
        answered_at = time.time()
        assert answer.status_code == 200
        await eventually(partial(accepted, world, person), within=SOON)
        taken = await accepted(world, person)
        waits.append(taken[0]["accepted_at"] - answered_at)

    # On a machine of one's own it takes a tenth of that.
    assert sorted(waits)[len(waits) // 2] <= 0.5, waits
