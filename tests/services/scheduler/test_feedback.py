"""What people say about pushes is kept once for each of them, sealed, listed and summed up."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa

from runtime.kafka.producer import Producer
from runtime.vault import Vault, VaultSettings, forget
from schemas.topics.provider_events import PROVIDER_EVENTS, FeedbackGiven
from services.scheduler.store.feedback import CHANNEL
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually, seconds
from tests.given import NOON
from tests.services.scheduler.schedulers import RunningScheduler
from tests.services.scheduler.tasks import a_task, enter, enter_groups, rows_of
from tests.topic_keys import TOPIC_KEYS

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SOON = seconds(20)
PATH = "/api/feedback"


class Tellers:
    """Tell opinions as the ingester does."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(bootstrap, "ingester-of-tests", TOPIC_KEYS)

    async def tell(self, *given: FeedbackGiven) -> None:
        records = PROVIDER_EVENTS.records(given, source="tests", at=NOON)
        await self._producer.publish(records, within=timedelta(seconds=10))

    async def stop(self) -> None:
        await self._producer.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tellers(clean_topics: str) -> Any:  # noqa: ANN401 - a generator of one
    """Return what tells opinions."""
    telling = Tellers(clean_topics)
    yield telling
    await telling.stop()


@pytest.fixture
def task_id(database: sa.Engine) -> str:
    """Return a task of its own."""
    enter_groups(database)
    task = a_task(at=NOON + timedelta(days=36_500))
    enter(database, task)
    return task.task_id


def an_opinion(
    task_id: str,
    content: str = "讲得很好",
    **what_matters: Any,  # noqa: ANN401 - any field
) -> FeedbackGiven:
    fields: dict[str, Any] = {
        "push_id": str(uuid4()),
        "user_id": f"o{uuid4().hex}",
        "at": NOON,
    } | what_matters
    return FeedbackGiven(task_id=task_id, content=content, **fields)


async def listed(scheduler: RunningScheduler, task_id: str, count: int) -> dict[str, Any]:
    """Return the list once it is as long as expected."""

    async def asked() -> dict[str, Any]:
        answer = (await scheduler.client.get(PATH, params={"taskId": task_id})).json()
        return answer if answer["total"] == count else {}

    return await eventually(asked, within=SOON)


async def test_an_opinion_is_listed_and_stands_nowhere_in_the_clear(
    scheduler: RunningScheduler, tellers: Tellers, database: sa.Engine, task_id: str
) -> None:
    given = an_opinion(task_id, user_id="oZhang")
    await tellers.tell(given)

    answer = await listed(scheduler, task_id, 1)

    (row,) = rows_of(database, "SELECT * FROM t_feedback WHERE task_id = :id", id=task_id)
    assert answer == {
        "feedback": [
            {
                "feedbackId": row.feedback_id,
                "taskId": task_id,
                "userId": "oZhang",
                "content": "讲得很好",
                "timestamp": "2026-03-02T12:00:00.000Z",
            }
        ],
        "total": 1,
    }
    assert "oZhang" not in str(row)
    assert "讲得很好" not in str(row)


async def test_of_several_answers_of_one_person_to_one_push_the_latest_counts(
    scheduler: RunningScheduler, tellers: Tellers, task_id: str
) -> None:
    first = an_opinion(task_id, "太早", at=NOON)
    last = an_opinion(
        task_id,
        "太晚",
        at=NOON + timedelta(minutes=5),
        push_id=first.push_id,
        user_id=first.user_id,
    )
    other = an_opinion(task_id, "很好", push_id=first.push_id)
    another = an_opinion(task_id, "下次再来", user_id=first.user_id)
    await tellers.tell(last, first, last, other, another)

    answer = await listed(scheduler, task_id, 3)

    assert {one["content"] for one in answer["feedback"]} == {"太晚", "很好", "下次再来"}


async def test_opinions_are_found_by_when_they_were_given(
    scheduler: RunningScheduler, tellers: Tellers, task_id: str
) -> None:
    hours = [an_opinion(task_id, f"{n}", at=NOON + timedelta(hours=n)) for n in range(4)]
    await tellers.tell(*hours)
    await listed(scheduler, task_id, 4)

    query = {
        "taskId": task_id,
        "startTime": "2026-03-02T13:00:00Z",
        "endTime": "2026-03-02T14:00:00Z",
    }
    answer = (await scheduler.client.get(PATH, params=query)).json()

    assert ([one["content"] for one in answer["feedback"]], answer["total"]) == (["2", "1"], 2)
    naive = await scheduler.client.get(PATH, params={"startTime": "2026-03-02T13:00:00"})
    assert (naive.status_code, naive.json()["error"][:9]) == (400, "startTime")
    # PostgreSQL knows no such offset.
    far = await scheduler.client.get(PATH, params={"endTime": "2026-03-02T14:00:00+18:35"})
    assert far.status_code == 200


async def test_another_tenant_sees_neither_opinions_nor_the_report(
    scheduler: RunningScheduler, tellers: Tellers, task_id: str
) -> None:
    await tellers.tell(an_opinion(task_id))
    await listed(scheduler, task_id, 1)
    stranger = signed_in(of_tenant("acme"))

    seen = await scheduler.client.get(PATH, params={"taskId": task_id}, headers=stranger)
    report = await scheduler.client.get(
        f"{PATH}/report", params={"taskId": task_id}, headers=stranger
    )

    assert seen.json() == {"feedback": [], "total": 0}
    assert (report.status_code, report.json()) == (404, {"error": "Task not found"})


async def test_whoever_is_forgotten_has_said_nothing(
    scheduler: RunningScheduler, tellers: Tellers, database: sa.Engine, task_id: str
) -> None:
    given = an_opinion(task_id)
    await tellers.tell(given, an_opinion(task_id, "很好"))
    await listed(scheduler, task_id, 2)

    with database.begin() as connection:
        vault = Vault(VaultSettings())  # type: ignore[call-arg] - from the environment
        assert forget(connection, vault.person(CHANNEL, given.user_id))

    answer = (await scheduler.client.get(PATH, params={"taskId": task_id})).json()
    assert [one["content"] for one in answer["feedback"]] == ["很好"]


async def test_an_opinion_about_a_task_that_is_gone_stops_nothing(
    scheduler: RunningScheduler, tellers: Tellers, task_id: str
) -> None:
    await tellers.tell(an_opinion(str(uuid4())), an_opinion(task_id))

    await listed(scheduler, task_id, 1)


async def test_a_report_says_how_many_answered_and_what_they_speak_of(
    scheduler: RunningScheduler, tellers: Tellers, database: sa.Engine, task_id: str
) -> None:
    push_id = str(uuid4())
    a_push_to(database, task_id, push_id, sent=["math", "physics"], failed=["chess"])
    said = ("价格太贵", "价格不清楚", "=cmd|'/c calc'!A1 价格", "the price is not good")
    await tellers.tell(*(an_opinion(task_id, each, push_id=push_id) for each in said))
    await listed(scheduler, task_id, 4)
    asked = {"taskId": task_id, "top": "2"}

    by_group = (await scheduler.client.get(f"{PATH}/report", params=asked)).json()
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE t_groups SET members = 20"))
    report = (await scheduler.client.get(f"{PATH}/report", params=asked)).json()
    table = await scheduler.client.get(f"{PATH}/report", params={**asked, "format": "csv"})

    assert (by_group["interactionRate"], by_group["ratePer"]) == (2.0, "group")
    assert (report["pushes"], report["groupsReached"], report["recipientsReached"]) == (1, 2, 40)
    assert (report["feedbackUsers"], report["feedbackCount"]) == (4, 4)
    assert (report["interactionRate"], report["ratePer"]) == (0.1, "recipient")
    assert next((one["opinion"], one["count"]) for one in report["opinions"]) == ("价格", 3)
    assert len(report["opinions"]) == 2
    assert set(report["opinions"][0]["examples"]) <= set(said)
    assert table.content.startswith("\N{ZERO WIDTH NO-BREAK SPACE}".encode())
    assert ",'=cmd|" in table.text


def a_push_to(
    database: sa.Engine, task_id: str, push_id: str, *, sent: list[str], failed: list[str]
) -> None:
    """Enter a push that is over."""
    with database.begin() as connection:
        connection.execute(
            sa.text(
                """
                INSERT INTO t_pushes (push_id, task_id, due_at, status, priority, content,
                    finished_at, notified_at)
                VALUES (:push_id, :task_id, :now, 'completed', 'medium', '{}', :now, :now)
                """
            ),
            {"push_id": push_id, "task_id": task_id, "now": datetime.now(UTC)},
        )
        connection.execute(
            sa.text(
                """
                INSERT INTO t_push_results (push_id, group_id, message_id, status)
                SELECT :push_id, id, 'msg_' || md5(:push_id || id),
                    CASE WHEN id = ANY(:sent) THEN 'sent' ELSE 'failed' END
                FROM unnest(CAST(:groups AS text[])) AS id
                """
            ),
            {"push_id": push_id, "sent": sent, "groups": [*sent, *failed]},
        )
