"""Many tasks: found, sorted, counted, exported, changed together; groups to choose from."""

import csv
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from domain.tasks import TaskStatus
from runtime.clock import now
from services.scheduler import handlers
from tests.callers import of_tenant, signed_in
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
from tests.services.scheduler.schedulers import RunningScheduler

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

GROUPS = "/api/groups"


@pytest.fixture
def client(scheduler: RunningScheduler) -> httpx.AsyncClient:
    """Return who may do everything."""
    return scheduler.client


async def named(client: httpx.AsyncClient, query: str) -> list[str]:
    """Return the names of what is found, in order."""
    answer = await client.get(f"{TASKS}?{query}")
    assert answer.status_code == 200, answer.text
    return [task["name"] for task in answer.json()["tasks"]]


async def some_tasks(client: httpx.AsyncClient, group: str) -> None:
    """Plan three that differ in everything that is filtered by or sorted by."""
    for number, (name, priority) in enumerate([("a", "medium"), ("b", "high"), ("c", "low")]):
        await planned(
            client,
            name=name,
            priority=priority,
            groups=[group, f"{group}-{name}"],
            schedule={
                "type": "once",
                "time": (TOMORROW + timedelta(days=number)).isoformat(),
            },
            previewRecipients=[f"{group}-{name}"],
        )


async def test_tasks_are_found_by_whatever_they_have(client: httpx.AsyncClient) -> None:
    await some_tasks(client, "find")
    after = (TOMORROW + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert await named(client, "groupId=find&sort=time&order=asc") == ["a", "b", "c"]
    assert await named(client, "groupId=find-b") == ["b"]
    assert await named(client, "recipientId=find-c") == ["c"]
    assert await named(client, f"groupId=find&startTime={after}&sort=time&order=asc") == ["b", "c"]
    assert await named(client, f"groupId=find&endTime={after}&sort=time&order=asc") == ["a", "b"]
    assert await named(client, "groupId=find&status=scheduled") == []
    assert await named(client, "groupId=find&creatorId=1&status=draft&order=asc") == ["a", "b", "c"]
    assert await named(client, "groupId=find&creatorId=2") == []


async def test_tasks_are_sorted_and_paged(client: httpx.AsyncClient) -> None:
    await some_tasks(client, "sort")

    page = (await client.get(f"{TASKS}?groupId=sort&order=asc&page=2&limit=2")).json()

    assert await named(client, "groupId=sort&sort=priority&order=asc") == ["b", "a", "c"]
    assert await named(client, "groupId=sort&sort=priority&order=desc") == ["c", "a", "b"]
    assert await named(client, "groupId=sort") == ["c", "b", "a"]
    assert await named(client, "groupId=sort&sort=status&order=asc") == ["a", "b", "c"]
    assert [task["name"] for task in page["tasks"]] == ["c"]
    assert (page["total"], page["page"], page["limit"], page["totalIsExact"]) == (3, 2, 2, True)


async def test_the_total_is_the_same_on_each_page(client: httpx.AsyncClient) -> None:
    await some_tasks(client, "count")

    totals = [
        (await client.get(f"{TASKS}?groupId=count&limit=1&page={page}")).json()["total"]
        for page in (1, 2, 3, 4)
    ]

    assert totals == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("limit=101", "limit"),
        ("page=0", "page"),
        ("page=5001&limit=2", "page"),
        ("startTime=yesterday", "startTime"),
        ("sort=name", "sort"),
        ("grupId=x", "grupId"),
        ("creatorId=%00", "creatorId"),
    ],
)
async def test_a_wrong_query_is_told(client: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await client.get(f"{TASKS}?{query}")

    assert wrong_fields(answer) == {field}
    assert answer.json()["error"] == "Invalid query"


async def test_the_file_has_what_the_list_has_and_runs_nothing(client: httpx.AsyncClient) -> None:
    await planned(client, name="=HYPERLINK(1)", groups=["file", "g-2"], content={"text": "a\nb"})
    await planned(client, name="课程", groups=["file"])

    answer = await client.get(f"{TASKS}/export?groupId=file&sort=createdAt&order=asc")

    assert answer.content.startswith("\ufeff".encode())
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(answer.text.lstrip("\ufeff").splitlines(keepends=True)))
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)", "课程"]
    assert (rows[0]["groups"], rows[0]["text"]) == ("file g-2", "a\nb")


async def test_a_tenant_lists_and_exports_its_own(client: httpx.AsyncClient) -> None:
    ours, others = signed_in(of_tenant("list-a")), signed_in(of_tenant("list-b"))
    await client.post(TASKS, json=a_task(name="ours"), headers=ours)
    await client.post(TASKS, json=a_task(name="theirs"), headers=others)

    listed = (await client.get(TASKS, headers=ours)).json()
    file = (await client.get(f"{TASKS}/export", headers=ours)).text

    assert ([task["name"] for task in listed["tasks"]], listed["total"]) == (["ours"], 1)
    assert "ours" in file
    assert "theirs" not in file


async def test_a_batch_does_what_it_can_and_tells_the_rest(client: httpx.AsyncClient) -> None:
    draft, scheduled = await planned(client), await planned(client, status="scheduled")

    done = await batch(client, "delete", draft, scheduled, "nobody")

    assert done["message"] == "Batch operation completed"
    assert done["failedTasks"] == [
        {"taskId": scheduled, "error": "Task cannot be deleted in its current status"},
        {"taskId": "nobody", "error": "Task not found"},
    ]
    assert (await client.get(f"{TASKS}/{draft}")).status_code == 404


async def test_a_paused_task_waits_until_it_is_to_go_on(client: httpx.AsyncClient) -> None:
    task_id = await planned(client, schedule=recurring(), status="scheduled")
    until = (TOMORROW + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    await batch(client, "pause", task_id, resumeAt=until)
    paused = await shown(client, task_id)
    await batch(client, "resume", task_id)
    resumed = await shown(client, task_id)
    log = (await client.get(f"{TASKS}/{task_id}/logs")).json()

    assert (paused["status"], paused["resumeAt"], paused["nextAt"]) == ("paused", until, None)
    assert (resumed["status"], resumed["resumeAt"]) == ("scheduled", None)
    assert resumed["nextAt"] == resumed["schedule"]["time"]
    assert [entry["action"] for entry in log] == ["resume", "pause", "create"]
    assert log[1]["changes"]["status"] == {"from": "scheduled", "to": "paused"}


async def test_a_task_that_missed_its_time_goes_on_with_another(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    task_id = await planned(client, status="scheduled")
    await batch(client, "pause", task_id)
    missed = datetime.now(UTC) - timedelta(hours=1)
    stands(database, task_id, TaskStatus.PAUSED, schedule_time=missed.replace(microsecond=0))

    refused = await batch(client, "resume", task_id)
    again = await batch(client, "resume", task_id, schedule={"time": TOMORROW.isoformat()})

    told = "schedule.time: has passed: a new time is needed"
    assert refused["failedTasks"] == [{"taskId": task_id, "error": told}]
    assert again["failedTasks"] == []
    assert (await shown(client, task_id))["status"] == "scheduled"


async def test_a_copy_is_a_draft_that_says_where_it_is_from(client: httpx.AsyncClient) -> None:
    task_id = await planned(client, status="scheduled", groups=["g-1", "g-2"])

    (copied,) = (await batch(client, "copy", task_id))["copies"]

    copy = await shown(client, copied["taskId"])
    log = (await client.get(f"{TASKS}/{copied['taskId']}/logs")).json()
    assert (copy["status"], copy["groups"], copied["copiedFrom"]) == (
        "draft",
        ["g-1", "g-2"],
        task_id,
    )
    assert [entry["action"] for entry in log] == ["create"]
    assert log[0]["changes"]["copiedFrom"] == {"from": None, "to": task_id}


async def test_many_tasks_get_another_time_and_other_groups(client: httpx.AsyncClient) -> None:
    tasks = [await planned(client), await planned(client, schedule=recurring())]
    later = (TOMORROW + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    done = await batch(
        client, "update", *tasks, schedule={"time": later}, groups=["g"], previewRecipients=["p"]
    )

    changed = [await shown(client, task_id) for task_id in tasks]
    assert done["failedTasks"] == []
    assert [task["schedule"]["time"] for task in changed] == [later, later]
    assert [task["groups"] for task in changed] == [["g"], ["g"]]
    assert changed[1]["schedule"]["recurringInterval"] == "weekly"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"taskIds": [], "action": "delete"}, "taskIds"),
        ({"taskIds": ["a"] * 101, "action": "delete"}, "taskIds"),
        ({"taskIds": ["a", "b\x00"], "action": "delete"}, "taskIds[1]"),
        ({"taskIds": ["a"], "action": "explode"}, "action"),
        ({"taskIds": ["a"], "action": "update"}, "updates"),
        ({"taskIds": ["a"], "action": "delete", "updates": {"name": "b"}}, "updates.name"),
        (
            {"taskIds": ["a"], "action": "copy", "updates": {"resumeAt": TOMORROW.isoformat()}},
            "updates.resumeAt",
        ),
    ],
)
async def test_a_batch_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post(f"{TASKS}/batch", json=body)

    assert wrong_fields(answer) == {field}
    assert answer.json()["error"] == "Invalid request"


async def test_a_paused_task_is_paused_until_another_time(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    task_id = await planned(client, status="scheduled")
    first, second = (TOMORROW - timedelta(hours=hours) for hours in (3, 2))
    await batch(client, "pause", task_id, resumeAt=first.isoformat())

    again = await batch(client, "pause", task_id, resumeAt=second.isoformat())
    same = await batch(client, "pause", task_id, resumeAt=second.isoformat())
    bare = await batch(client, "pause", task_id)

    assert again["failedTasks"] == []
    assert [len(one["failedTasks"]) for one in (same, bare)] == [1, 1]
    assert datetime.fromisoformat((await shown(client, task_id))["resumeAt"]) == second
    await batch(client, "resume", task_id)
    with database.connect() as connection:
        query = sa.text("SELECT action FROM audit_log WHERE about = :id ORDER BY id")
        noted = list(connection.execute(query, {"id": task_id}).scalars())
    assert noted == ["task.create", "task.pause", "task.pause", "task.resume"]


async def test_groups_are_entered_changed_and_looked_for(client: httpx.AsyncClient) -> None:
    ours, others = signed_in(of_tenant("pick-a")), signed_in(of_tenant("pick-b"))
    group = {"groupId": "pick-1", "name": "Parents 3A", "channel": "wecom", "senderId": "1000002"}
    sized = group | {"members": 31}
    body = {"groups": [sized, group | {"groupId": "pick-2", "name": "Teachers"}]}

    await client.put(GROUPS, json=body, headers=ours)
    renamed = {"groups": [group | {"name": "Parents 4A"}]}
    entered = await client.put(GROUPS, json=renamed, headers=ours)
    stolen = await client.put(GROUPS, json=renamed, headers=others)
    page = (await client.get(f"{GROUPS}?search=parents", headers=ours)).json()

    assert (entered.json(), stolen.status_code) == ({"entered": 1}, 409)
    assert [(one["groupId"], one["name"]) for one in page["groups"]] == [("pick-1", "Parents 4A")]
    assert page["groups"][0]["members"] == 31
    negative = {"groups": [group | {"members": -1}]}
    assert (await client.put(GROUPS, json=negative, headers=ours)).status_code == 400
    assert (await client.get(GROUPS, headers=others)).json()["total"] == 0


async def test_what_was_deleted_a_month_ago_is_gone_with_its_log(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    old, kept = await planned(client), await planned(client)
    await batch(client, "delete", old, kept)
    long_ago = now() - handlers.TASKS_KEPT - timedelta(minutes=1)
    stands(database, old, TaskStatus.DRAFT, deleted_at=long_ago)

    await handlers.purge_tasks(database, now)

    assert rows(database, "t_tasks", old) == rows(database, "t_task_logs", old) == 0
    assert (rows(database, "t_tasks", kept), rows(database, "t_task_logs", kept)) == (1, 2)


async def test_the_log_of_a_task_that_lives_is_kept_for_thirty_days(
    client: httpx.AsyncClient, database: sa.Engine
) -> None:
    task_id = await planned(client)
    await client.put(f"{TASKS}/{task_id}", json={"name": "New"})
    long_ago = now() - handlers.TASKS_KEPT - timedelta(minutes=1)
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE t_task_logs SET timestamp = :at WHERE task_id = :id AND action = 'create'"
            ),
            {"at": long_ago, "id": task_id},
        )

    await handlers.purge_tasks(database, now)

    assert rows(database, "t_task_logs", task_id) == 1
    assert (await shown(client, task_id))["name"] == "New"


def rows(engine: sa.Engine, table: str, task_id: str) -> int:
    """Return how many rows of a table are the task's."""
    query = f"SELECT count(*) FROM {table} WHERE task_id = :task_id"  # noqa: S608 - names of tables
    with engine.connect() as connection:
        return connection.execute(sa.text(query), {"task_id": task_id}).scalar_one()
