"""People are reminded of pushes and told what became of them; a robot's group hears of failures."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa

from domain.identity import message_id_for_notification
from domain.lifecycle import Status
from domain.tasks import TaskStatus
from runtime.auth import Permission
from schemas.topics.contents import NotificationContent, TextContent
from schemas.topics.send_requests import SendRequested
from services.scheduler.store import tasks as stored
from services.scheduler.store.contents import NOTICES
from services.scheduler.store.notices import Content, Notice, note
from services.scheduler.store.task_rows import Task
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually, seconds
from tests.given import a_send_request
from tests.sealed import VAULT
from tests.services.scheduler.people import enter_people
from tests.services.scheduler.schedulers import (
    Projector,
    RunningScheduler,
    Tail,
    start_scheduler,
    stop_scheduler,
)
from tests.services.scheduler.tasks import a_task, enter, enter_groups, pushes_of, rows_of, said_in

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("schedulers", "people"),
]

SOON = seconds(20)
LIST = "/api/notifications?limit=100"
APP = "wx5a1b2c3d4e5f6072"
TEMPLATES = {
    "reminder": {
        "templateId": "REMINDER",
        "data": {"thing1": "{taskName}", "time2": "{time}", "phrase3": "{state}"},
        "page": "pages/task?id={taskId}",
    },
    "result": {"templateId": "RESULT", "data": {"thing1": "{taskName}", "thing2": "{message}"}},
}
SETTINGS = {
    "WECHAT_APP_ID": APP,
    "NOTICE_TEMPLATES": json.dumps(TEMPLATES),
    "ALERT_ROBOT": "ops",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def schedulers(
    clean_topics: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningScheduler]:
    """Return one of two schedulers that look at the same tables."""
    logs = tmp_path_factory.mktemp("schedulers")
    both = [await start_scheduler(clean_topics, database_url, logs, **SETTINGS) for _ in range(2)]
    yield both[0]
    for each in both:
        await stop_scheduler(each)


@pytest.fixture(scope="module")
def people(database: sa.Engine) -> dict[str, str]:
    """Return the ids of users by their WeChat ids; `bo` has no openid, `eve` is another's."""
    enter_groups(database)
    return enter_people(database)


def planned(at: datetime, *recipients: str, **what_matters: Any) -> Task:  # noqa: ANN401 - any
    """Return a task with these recipients."""
    task = a_task(at=at, **what_matters)
    return replace(task, plan=replace(task.plan, preview_recipients=recipients))


def in_(minutes: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)


def told(database: sa.Engine, task: Task, type_: str = "reminder") -> list[Any]:
    query = "SELECT * FROM t_notifications WHERE task_id = :id AND type = :type ORDER BY created_at"
    return rows_of(database, query, id=task.task_id, type=type_)


async def notices_sent(requests: Tail[SendRequested], task: Task) -> list[SendRequested]:
    return [
        each
        for each in await requests.read()
        if isinstance(each.content, NotificationContent)
        and (each.content.page or "").endswith(task.task_id)
    ]


async def test_whoever_is_named_is_reminded_once_by_any_number_of_schedulers(
    database: sa.Engine,
    requests: Tail[SendRequested],
    people: dict[str, str],
) -> None:
    task, later = planned(in_(30), "ada", zone="Asia/Shanghai"), planned(in_(90), "ada")
    enter(database, task, later)

    await eventually(lambda: notices_sent(requests, task), within=SOON)

    (sent,) = await notices_sent(requests, task)
    assert (sent.channel, sent.sender_id, sent.recipient) == ("wechat", APP, "oAda")
    assert (sent.priority, sent.expires_at) == ("high", task.plan.timing.time)
    assert isinstance(sent.content, NotificationContent)
    local = task.plan.timing.time.astimezone(task.plan.timing.schedule.zone)
    assert sent.content.data == {
        "thing1": task.plan.name,
        "time2": f"{local:%Y-%m-%d %H:%M}",
        "phrase3": "即将推送",
    }
    assert [row.user_id for row in told(database, task)] == [people["ada"]]
    assert told(database, later) == [], "an hour before is early enough"


async def test_a_task_that_is_paused_reminds_of_nothing_and_one_that_is_moved_of_its_new_time(
    database: sa.Engine,
    requests: Tail[SendRequested],
) -> None:
    paused, moved = planned(in_(61), "ada"), planned(in_(120), "ada")
    enter(database, paused, moved)

    with database.begin() as connection:
        locked = stored.lock(connection, VAULT, paused.task_id, None)
        assert locked is not None
        stored.move(connection, locked, TaskStatus.PAUSED, now=datetime.now(UTC))
        connection.execute(
            sa.text("UPDATE t_tasks SET next_at = now() + interval '10 min' WHERE task_id = :id"),
            {"id": moved.task_id},
        )

    await eventually(lambda: notices_sent(requests, moved), within=SOON)
    assert told(database, paused) == []
    assert len(told(database, moved)) == 1


async def test_whoever_is_named_after_the_others_were_reminded_is_reminded_too(
    database: sa.Engine, requests: Tail[SendRequested], people: dict[str, str]
) -> None:
    task = planned(in_(40), "ada")
    enter(database, task)
    await eventually(lambda: notices_sent(requests, task), within=SOON)

    with database.begin() as connection:
        locked = stored.lock(connection, VAULT, task.task_id, None)
        assert locked is not None
        plan = replace(locked.plan, preview_recipients=("ada", "bo"))
        edited = replace(locked, plan=plan)
        stored.change(connection, VAULT, locked, edited, by="1", now=datetime.now(UTC))

    def both() -> bool:
        return [row.user_id for row in told(database, task)] == [people["ada"], people["bo"]]

    await eventually(both, within=SOON)
    assert len(await notices_sent(requests, task)) == 1, "nobody is reminded twice"


async def test_what_cannot_be_sent_stands_in_the_list_with_the_reason(
    schedulers: RunningScheduler, database: sa.Engine, people: dict[str, str]
) -> None:
    task = planned(in_(20), "bo")
    enter(database, task)

    def failed() -> bool:
        return [row.status for row in told(database, task)] == ["failed"]

    await eventually(failed, within=SOON)

    headers = signed_in(replace(of_tenant("acme"), user_id=people["bo"]))
    answer = (await schedulers.client.get(LIST, headers=headers)).json()
    (shown,) = [one for one in answer["notifications"] if one["taskId"] == task.task_id]
    assert (shown["type"], shown["deliveryStatus"]) == ("reminder", "failed")
    assert shown["deliveryError"] == "the user has no openid"
    assert shown["readAt"] is None


async def test_the_status_of_a_notice_is_that_of_its_message(
    database: sa.Engine,
    requests: Tail[SendRequested],
    projector: Projector,
) -> None:
    task = planned(in_(20), "ada")
    enter(database, task)
    await eventually(lambda: notices_sent(requests, task), within=SOON)
    (sent,) = await notices_sent(requests, task)

    await projector.say([sent], Status.SENDING, Status.SENT)

    await eventually(lambda: told(database, task)[0].status == "sent", within=SOON)


async def test_what_is_heard_of_a_notice_before_it_counts_as_handed_over_is_not_forgotten(
    database: sa.Engine, projector: Projector, people: dict[str, str]
) -> None:
    task, now = planned(in_(20)), datetime.now(UTC)
    notice = Notice(
        subject=f"result:{task.task_id}",
        user_id=people["ada"],
        type="result",
        task_id=task.task_id,
        content=Content(message="done"),
        due_at=now + timedelta(hours=1),
        tenant_id="acme",
    )
    with database.begin() as connection:
        note(connection, VAULT, [notice], now=now)

    message_id = message_id_for_notification(notice.subject)
    sent = a_send_request(message_id=message_id, channel="wechat")
    await projector.say([sent], Status.SENDING, Status.SENT)

    await eventually(lambda: told(database, task, "result")[0].status == "sent", within=SOON)


async def test_creator_and_recipients_are_told_once_which_groups_failed_and_why(
    database: sa.Engine,
    requests: Tail[SendRequested],
    projector: Projector,
    people: dict[str, str],
) -> None:
    task = replace(planned(in_(0), "ada", groups=["math", "gone"]), creator_id=people["bo"])
    enter(database, task)
    await settled(database, requests, projector, task)

    def both_told() -> bool:
        readers = {row.user_id for row in told(database, task, "result")}
        return readers == {people["ada"], people["bo"]}

    await eventually(both_told, within=SOON)

    content = said_in(database, told(database, task, "result")[0], NOTICES)
    assert content["message"] == "已推送到 1 个群，1 个群失败"  # noqa: RUF001 - Chinese
    assert (content["status"], content["error"]) == ("success", "群聊不存在（1）")  # noqa: RUF001
    assert len(told(database, task, "result")) == 2


async def test_an_occurrence_that_was_missed_is_told_as_a_failure(
    database: sa.Engine, people: dict[str, str]
) -> None:
    task = replace(planned(in_(-60)), creator_id=people["ada"])
    enter(database, task)

    def is_told() -> bool:
        rows = told(database, task, "result")
        errors = [said_in(database, row, NOTICES).get("error") for row in rows]
        return errors == ["missed schedule"]

    await eventually(is_told, within=SOON)


async def test_an_alert_sums_failures_up_and_is_not_repeated_within_the_minute(
    database: sa.Engine,
    requests: Tail[SendRequested],
) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE push_failures SET told_at = NULL"))
    failing = [planned(in_(0), groups=["gone"]) for _ in range(20)]
    enter(database, *failing)

    def all_noted() -> bool:
        query = "SELECT count(*) AS n FROM push_failures WHERE task_id = ANY(:ids)"
        ids = [task.task_id for task in failing]
        return rows_of(database, query, ids=ids)[0].n == len(failing)

    await eventually(all_noted, within=SOON)

    async def alerted() -> list[SendRequested]:
        return [one for one in await requests.read() if one.recipient == "robot:ops"]

    alerts = await eventually(alerted, within=SOON)
    assert len(alerts) == 1
    assert (alerts[0].channel, alerts[0].sender_id) == ("wecom", "robots")
    assert isinstance(alerts[0].content, TextContent)
    assert alerts[0].content.body.startswith("定时推送失败")


async def test_somebody_may_be_told_something(
    schedulers: RunningScheduler, database: sa.Engine, people: dict[str, str]
) -> None:
    task = planned(in_(600))
    enter(database, task)
    body = {
        "userId": people["ada"],
        "type": "result",
        "taskId": task.task_id,
        "content": {"message": "Please look", "status": "failed", "error": "群聊不存在"},
    }

    key = {"Idempotency-Key": str(uuid4())}
    answer = await schedulers.client.post("/api/notifications", json=body, headers=key)
    again = await schedulers.client.post("/api/notifications", json=body, headers=key)
    other = body | {"type": "reminder"}
    another = await schedulers.client.post("/api/notifications", json=other, headers=key)

    assert (answer.status_code, answer.json()) == (200, {"message": "Notification sent"})
    assert (again.json(), another.status_code) == (answer.json(), 409)
    assert [row.user_id for row in told(database, task, "result")] == [people["ada"]]
    headers = signed_in(replace(of_tenant("acme"), user_id=people["ada"]))
    mine = (await schedulers.client.get(LIST, headers=headers)).json()
    (shown,) = [one for one in mine["notifications"] if one["taskId"] == task.task_id]
    assert shown["content"] == body["content"]

    read = f"/api/notifications/{shown['notificationId']}/read"
    stranger = signed_in(replace(of_tenant("acme"), user_id="999"))
    assert (await schedulers.client.post(read, headers=stranger)).status_code == 404
    assert (await schedulers.client.post(read, headers=headers)).status_code == 200
    after = (await schedulers.client.get(LIST, headers=headers)).json()
    assert after["unread"] == mine["unread"] - 1
    assert after["notifications"][-1]["readAt"] is not None, "unread ones stand first"


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "advert"},
        {"userId": "nobody"},
        {"userId": 7},
        {"taskId": str(uuid4())},
        {"content": {}},
        {"content": {"message": "x", "status": "late"}},
        {"content": {"message": "a\x00b"}},
        {"surprise": 1},
    ],
)
async def test_a_notification_that_is_none_is_refused(
    schedulers: RunningScheduler, database: sa.Engine, people: dict[str, str], wrong: dict[str, Any]
) -> None:
    task = planned(in_(600))
    enter(database, task)
    body = {
        "userId": people["ada"],
        "type": "result",
        "taskId": task.task_id,
        "content": {"message": "x"},
    } | wrong

    answer = await schedulers.client.post("/api/notifications", json=body)

    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid notification"})


async def test_telling_somebody_something_is_a_permission_of_its_own(
    schedulers: RunningScheduler,
) -> None:
    editor = signed_in(of_tenant("acme", Permission.TASKS_EDIT))

    answer = await schedulers.client.post("/api/notifications", json={}, headers=editor)

    assert answer.status_code == 403


async def test_nobody_tells_users_of_another_tenant(
    schedulers: RunningScheduler, database: sa.Engine, people: dict[str, str]
) -> None:
    task = replace(planned(in_(30), "eve"), tenant_id="acme")
    enter(database, task)
    body = {
        "userId": people["eve"],
        "type": "result",
        "taskId": task.task_id,
        "content": {"message": "x"},
    }

    answer = await schedulers.client.post(
        "/api/notifications", json=body, headers=signed_in(of_tenant("acme"))
    )

    assert answer.status_code == 400
    await eventually(lambda: told(database, task), within=SOON)
    assert people["eve"] not in {row.user_id for row in told(database, task)}


async def settled(
    database: sa.Engine, requests: Tail[SendRequested], projector: Projector, task: Task
) -> None:
    """Return once the task's push is over."""

    async def is_over() -> bool:
        pushes = pushes_of(database, task)
        ids = {push.push_id for push in pushes}
        await projector.say_sent(one for one in await requests.read() if one.job_id in ids)
        return bool(pushes) and all(push.finished_at is not None for push in pushes)

    await eventually(is_over, within=SOON)
