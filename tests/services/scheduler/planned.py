"""Timed push tasks for tests, as people plan them over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import sqlalchemy as sa

from domain.tasks import TaskStatus

TASKS: Final = "/api/tasks"

TOMORROW: Final = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)


def a_task(**what_matters: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """Return the body of an ordinary draft; fields given lie over its own."""
    body: dict[str, Any] = {
        "name": "周一课程提醒",
        "schedule": {"type": "once", "time": TOMORROW.isoformat()},
        "content": {"text": "Course at six"},
        "groups": ["group-1"],
    }
    return body | what_matters


def recurring(**what_matters: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """Return a schedule that comes every week."""
    schedule = {"type": "recurring", "time": TOMORROW.isoformat(), "recurringInterval": "weekly"}
    return schedule | what_matters


async def planned(client: httpx.AsyncClient, **what_matters: Any) -> str:  # noqa: ANN401 - any field
    """Plan a task; return its id."""
    answer = await client.post(TASKS, json=a_task(**what_matters))
    assert answer.status_code == 201, answer.text
    return answer.json()["taskId"]


async def shown(client: httpx.AsyncClient, task_id: str) -> dict[str, Any]:
    """Return a task as it is shown."""
    answer = await client.get(f"{TASKS}/{task_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def batch(client: httpx.AsyncClient, action: str, *task_ids: str, **updates: Any) -> Any:  # noqa: ANN401 - any field
    """Do it to the tasks; return the answer's body."""
    body: dict[str, Any] = {"taskIds": task_ids, "action": action}
    if updates:
        body["updates"] = updates
    answer = await client.post(f"{TASKS}/batch", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def wrong_fields(answer: httpx.Response) -> set[str]:
    """Return which fields a refusal names."""
    assert answer.status_code == 400, answer.text
    return {problem["field"] for problem in answer.json()["errors"]}


def stands(engine: sa.Engine, task_id: str, status: TaskStatus, **columns: datetime) -> None:
    """Have a task stand somewhere, as firing would have left it."""
    sets = "".join(f", {column} = :{column}" for column in columns)
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"UPDATE t_tasks SET status = :status{sets} WHERE task_id = :task_id"),  # noqa: S608 - names of columns
            {"status": status, "task_id": task_id, **columns},
        )


def told(engine: sa.Engine, task_id: str) -> list[Any]:
    """Return what task-changes is to be told of a task, in order."""
    query = """
        SELECT convert_from(change, 'UTF8')::jsonb FROM task_changes_to_tell
        WHERE subject = :task_id ORDER BY id
    """
    with engine.connect() as connection:
        return list(connection.execute(sa.text(query), {"task_id": task_id}).scalars())
