"""Tasks are planned, changed and deleted over HTTP; what may not be is refused by its name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from domain.tasks import PushContent, TaskStatus, content_hash
from schemas.topics.task_changes import TaskChanged, TaskEvent
from services.scheduler.store import uploads
from services.scheduler.store.uploads import Upload
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually, seconds
from tests.services.scheduler.planned import (
    TASKS,
    TOMORROW,
    a_task,
    batch,
    planned,
    recurring,
    shown,
    stands,
    wrong_fields,
)
from tests.services.scheduler.schedulers import RunningScheduler, Tail

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

PAST = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)


@pytest.fixture
def client(scheduler: RunningScheduler) -> httpx.AsyncClient:
    """Return who may do everything."""
    return scheduler.client


async def test_a_task_is_shown_as_it_was_planned(client: httpx.AsyncClient) -> None:
    task_id = await planned(
        client,
        schedule=recurring(timezone="Asia/Shanghai"),
        content={"text": "At six", "link": "https://example.com/room"},
        groups=["g-1", "g-2"],
        priority="high",
        status="scheduled",
        misfire={"policy": "all", "within": "PT2H"},
        overlap="wait",
        sendingHours={"begins": "09:00", "ends": "18:00", "days": ["mon", "fri"]},
        asksFeedback=True,
    )

    task = await shown(client, task_id)

    at = TOMORROW.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert task["schedule"] == {
        "type": "recurring",
        "time": at,
        "timezone": "Asia/Shanghai",
        "recurringInterval": "weekly",
        "recurringEnd": None,
    }
    assert task["content"]["link"] == "https://example.com/room"
    assert task["groups"] == ["g-1", "g-2"]
    assert (task["status"], task["priority"], task["overlap"]) == ("scheduled", "high", "wait")
    assert task["misfire"] == {"policy": "all", "within": "PT2H"}
    assert task["sendingHours"] == {"begins": "09:00", "ends": "18:00", "days": ["mon", "fri"]}
    assert (task["nextAt"], task["asksFeedback"], task["version"]) == (at, True, 1)


async def test_the_seeds_own_words_are_answered(client: httpx.AsyncClient) -> None:
    created = await client.post(TASKS, json=a_task())
    task_id = created.json()["taskId"]
    changed = await client.put(f"{TASKS}/{task_id}", json={"name": "Tuesday"})
    deleted = await client.delete(f"{TASKS}/{task_id}")
    gone = await client.get(f"{TASKS}/{task_id}")

    assert created.json() == {"taskId": task_id, "message": "Task created"}
    assert changed.json() == {"taskId": task_id, "message": "Task updated"}
    assert deleted.json() == {"message": "Task deleted"}
    assert (gone.status_code, gone.json()) == (404, {"error": "Task not found"})


async def test_the_same_key_plans_one_task(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "monday"}
    first = await client.post(TASKS, json=a_task(), headers=headers)
    again = await client.post(TASKS, json=a_task(), headers=headers)
    other = await client.post(TASKS, json=a_task(name="Other"), headers=headers)

    assert again.json() == first.json()
    assert other.status_code == 409


async def test_every_mistake_is_told_at_once(client: httpx.AsyncClient) -> None:
    body = a_task(
        name="n" * 51,
        schedule={"type": "once", "time": PAST.isoformat(), "timezone": "Mars/Olympus"},
        content={"text": "🙂" * 501, "link": "example.com"},
        groups=[f"g-{number}" for number in range(101)],
    )

    answer = await client.post(TASKS, json=body)

    assert answer.json()["error"] == "Invalid input"
    assert wrong_fields(answer) == {
        "name",
        "schedule.time",
        "schedule.timezone",
        "content.text",
        "content.link",
        "groups",
    }


async def test_500_signs_of_two_utf16_units_are_500_characters(client: httpx.AsyncClient) -> None:
    task_id = await planned(client, content={"text": "🙂" * 500})

    assert (await shown(client, task_id))["content"]["text"] == "🙂" * 500


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": 7}, "name"),
        ({"nmae": "x"}, "nmae"),
        (a_task(schedule={"type": "once"}), "schedule.time"),
        (a_task(schedule={"type": "once", "time": "2026-13-01T00:00:00Z"}), "schedule.time"),
        (a_task(schedule={"type": "once", "time": "2027-01-01T00:00:00"}), "schedule.time"),
        (a_task(schedule=recurring(recurringInterval=None)), "schedule.recurringInterval"),
        (a_task(schedule=recurring(type="once")), "schedule.recurringInterval"),
        (a_task(schedule=recurring(recurringEnd=PAST.isoformat())), "schedule.recurringEnd"),
        (a_task(groups=["g", "g"]), "groups"),
        (a_task(groups=[], status="scheduled"), "groups"),
        (a_task(content={}, status="scheduled"), "content"),
        (a_task(status="running"), "status"),
        (a_task(sendingHours={"begins": "09:00", "ends": "09:00"}), "sendingHours.ends"),
        (a_task(misfire={"policy": "once", "within": "-PT1M"}), "misfire.within"),
        (a_task(name="a\x00b"), "name"),
    ],
)
async def test_a_wrong_field_is_named(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post(TASKS, json=body)

    assert field in wrong_fields(answer)
    assert answer.json()["error"] == "Invalid input"


async def test_what_is_no_json_is_told_as_such(client: httpx.AsyncClient) -> None:
    answer = await client.post(TASKS, content=b"{")

    assert wrong_fields(answer) == {"body"}


async def test_what_is_not_given_stays_and_null_takes_away(client: httpx.AsyncClient) -> None:
    task_id = await planned(
        client,
        schedule=recurring(recurringEnd=(TOMORROW + timedelta(days=30)).isoformat()),
        content={"text": "a", "link": "https://example.com"},
        previewRecipients=["ada"],
    )

    change = {"schedule": {"recurringEnd": None}, "content": {"link": None}}
    await client.put(f"{TASKS}/{task_id}", json=change)

    task = await shown(client, task_id)
    assert (task["schedule"]["recurringEnd"], task["schedule"]["type"]) == (None, "recurring")
    assert (task["content"]["link"], task["content"]["text"]) == (None, "a")
    assert task["previewRecipients"] == ["ada"]


async def test_what_changed_from_what_to_what_is_logged(client: httpx.AsyncClient) -> None:
    task_id = await planned(client)
    await client.put(f"{TASKS}/{task_id}", json={"name": "Tuesday", "status": "scheduled"})

    log = (await client.get(f"{TASKS}/{task_id}/logs")).json()

    assert [entry["action"] for entry in log] == ["update", "create"]
    assert log[0]["changes"] == {
        "name": {"from": "周一课程提醒", "to": "Tuesday"},
        "status": {"from": "draft", "to": "scheduled"},
    }
    assert (log[0]["taskId"], log[0]["userId"]) == (task_id, "1")


async def test_two_who_edit_the_same_version_do_not_both_win(client: httpx.AsyncClient) -> None:
    task_id = await planned(client)
    tag = (await client.get(f"{TASKS}/{task_id}")).headers["ETag"]
    headers = {"If-Match": tag}

    first = await client.put(f"{TASKS}/{task_id}", json={"name": "One"}, headers=headers)
    second = await client.put(f"{TASKS}/{task_id}", json={"name": "Two"}, headers=headers)
    by_body = await client.put(f"{TASKS}/{task_id}", json={"name": "Two", "version": 1})
    newest = await client.put(f"{TASKS}/{task_id}", json={"name": "Two", "version": 2})

    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    assert (second.status_code, by_body.status_code, newest.status_code) == (409, 409, 200)


async def test_a_running_task_is_not_edited_and_a_scheduled_one_not_deleted(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    running, scheduled = await planned(client), await planned(client, status="scheduled")
    stands(database, running, TaskStatus.RUNNING)

    edited = await client.put(f"{TASKS}/{running}", json={"name": "x"})
    deleted = await client.delete(f"{TASKS}/{scheduled}")

    told_of_edit = {"error": "Task cannot be edited in its current status"}
    told_of_delete = {"error": "Task cannot be deleted in its current status"}
    assert (edited.status_code, edited.json()) == (409, told_of_edit)
    assert (deleted.status_code, deleted.json()) == (409, told_of_delete)


async def test_a_recurrence_that_began_long_ago_can_be_edited(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    task_id = await planned(client, schedule=recurring(), status="scheduled")
    began = TOMORROW - timedelta(days=15)
    stands(database, task_id, TaskStatus.SCHEDULED, schedule_time=began)
    task = await shown(client, task_id)

    schedule = task["schedule"] | {"recurringInterval": "daily"}
    answer = await client.put(f"{TASKS}/{task_id}", json={"schedule": schedule})
    past_end = {"recurringEnd": PAST.isoformat()}
    ended = await client.put(f"{TASKS}/{task_id}", json={"schedule": past_end})

    assert answer.status_code == 200
    assert (await shown(client, task_id))["nextAt"] > datetime.now(UTC).isoformat()
    assert wrong_fields(ended) == {"schedule.recurringEnd"}


async def test_nothing_is_scheduled_before_its_preview_is_confirmed(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    at_once = await client.post(TASKS, json=a_task(previewRecipients=["ada"], status="scheduled"))
    task_id = await planned(client, previewRecipients=["ada"])
    unconfirmed = await client.put(f"{TASKS}/{task_id}", json={"status": "scheduled"})
    confirm(database, task_id, PushContent(text="Course at six"))

    confirmed = await client.put(f"{TASKS}/{task_id}", json={"status": "scheduled"})
    renamed = await client.put(f"{TASKS}/{task_id}", json={"name": "Renamed"})
    another = await client.put(f"{TASKS}/{task_id}", json={"content": {"text": "Seven"}})

    for refused in (at_once, unconfirmed, another):
        assert (refused.status_code, refused.json()) == (409, {"error": "Preview not confirmed"})
    assert (confirmed.status_code, renamed.status_code) == (200, 200)


CARD = {"appid": "wx1", "pagePath": "pages/a"}


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (
            {"miniprogram": CARD, "link": "https://example.com/"},
            {"content.link", "content.image", "content.text"},
        ),
        ({"text": "课" * 30, "miniprogram": CARD}, {"content.text", "content.image"}),
        ({"text": "Room", "image": "https://example.com/a.png"}, {"content.image"}),
        ({"text": "😀" * 500, "link": f"https://example.com/{'x' * 230}"}, {"content.text"}),
    ],
)
async def test_what_cannot_be_sent_is_a_draft_only_and_says_all_that_is_wrong(
    client: httpx.AsyncClient, database: sa.Engine, content: dict[str, Any], fields: set[str]
) -> None:
    draft = await planned(client, content=content)
    live = await planned(client, status="scheduled")

    assert wrong_fields(await client.post(TASKS, json=a_task(content=content, status="scheduled")))
    assert (
        wrong_fields(await client.put(f"{TASKS}/{draft}", json={"status": "scheduled"})) == fields
    )
    taken_back: dict[str, Any] = {"text": None} | content
    refused = await client.put(f"{TASKS}/{live}", json={"content": taken_back})
    assert wrong_fields(refused) == fields
    stands(database, draft, TaskStatus.PAUSED)
    resumed = await batch(client, "resume", draft)
    assert [one["taskId"] for one in resumed["failedTasks"]] == [draft]


async def test_a_picture_of_another_tenants_is_not_scheduled(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    acme, other = (signed_in(of_tenant(name)) for name in ("acme", "other"))
    upload = Upload("uploads/2030/01/a.png", "image/png", 1, "acme", "2", PAST)
    with database.begin() as connection:
        uploads.insert(connection, upload)
    body = a_task(content={"image": upload.key}, status="scheduled")

    own = await client.post(TASKS, json=body, headers=acme)
    anothers = await client.post(TASKS, json=body, headers=other)

    assert own.status_code == 201
    assert wrong_fields(anothers) == {"content.image"}


async def test_a_group_that_takes_no_such_message_is_named(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    upload = Upload("uploads/2030/01/b.png", "image/png", 1, None, "2", PAST)
    with database.begin() as connection:
        uploads.insert(connection, upload)
        connection.execute(
            sa.text(
                """
                INSERT INTO t_groups (group_id, name, channel, sender_id, recipient, created_at)
                VALUES ('of-app', 'a', 'wecom', 'ww1', 'chat:a', now()),
                    ('of-robot', 'b', 'wecom', 'robots', 'robot:b', now())
                """
            )
        )
    card = {"text": "Room", "image": upload.key, "miniprogram": CARD}
    article = {"text": "Room", "image": upload.key}

    async def wrong(content: dict[str, Any], *groups: str) -> set[str]:
        body = a_task(content=content, groups=groups, status="scheduled")
        answer = await client.post(TASKS, json=body)
        return set() if answer.status_code == 201 else wrong_fields(answer)

    assert await wrong(card, "of-robot", "of-app") == {"groups[1]"}
    assert await wrong(article, "of-robot", "of-app") == {"groups[0]"}
    assert await wrong(card, "of-robot") == await wrong(article, "of-app", "unknown") == set()


async def test_task_changes_is_told_every_step(
    client: httpx.AsyncClient, job_changes: Tail[TaskEvent]
) -> None:
    task_id = await planned(client)
    await client.put(f"{TASKS}/{task_id}", json={"name": "Tuesday"})
    await client.delete(f"{TASKS}/{task_id}")

    async def told() -> list[tuple[int, bool]]:
        steps = [
            (change.sequence, change.deleted)
            for change in await job_changes.read()
            if isinstance(change, TaskChanged) and change.task_id == task_id
        ]
        return steps if len(steps) >= 3 else []

    assert await eventually(told, within=seconds(20)) == [(1, False), (2, False), (3, True)]


async def test_another_tenants_task_does_not_exist(client: httpx.AsyncClient) -> None:
    ours, others = signed_in(of_tenant("acme")), signed_in(of_tenant("other"))
    task_id = (await client.post(TASKS, json=a_task(), headers=ours)).json()["taskId"]
    path = f"{TASKS}/{task_id}"

    answers = [
        await client.get(path, headers=others),
        await client.get(f"{path}/logs", headers=others),
        await client.get(f"{path}/occurrences", headers=others),
        await client.put(path, json={"name": "x"}, headers=others),
        await client.delete(path, headers=others),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert (await client.get(path, headers=ours)).status_code == 200


async def test_the_next_times_are_told_before_anything_is_saved(
    client: httpx.AsyncClient,
) -> None:
    task_id = await planned(client, schedule=recurring())

    asked = {"schedule": recurring(), "count": 3}
    unsaved = (await client.post(f"{TASKS}/occurrences", json=asked)).json()["occurrences"]
    saved = (await client.get(f"{TASKS}/{task_id}/occurrences?count=3")).json()["occurrences"]
    wrong = await client.post(f"{TASKS}/occurrences", json={"schedule": {"timezone": "Mars"}})

    weeks = [TOMORROW + timedelta(weeks=number) for number in range(3)]
    assert unsaved == saved == [week.strftime("%Y-%m-%dT%H:%M:%S.000Z") for week in weeks]
    assert wrong_fields(wrong) == {"schedule.time"}


def confirm(engine: sa.Engine, task_id: str, content: PushContent) -> None:
    """Have a preview of the content confirmed."""
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                """
                INSERT INTO t_previews (preview_id, task_id, content, recipients, status,
                    created_at, content_hash, requested_by, people)
                VALUES (:task_id, :task_id, '{}', '[]', 'confirmed', now(), :hash, '1', '{}')
                """
            ),
            {"task_id": task_id, "hash": content_hash(content)},
        )
