"""Pauses, holds and stalls of timed pushes, by a clock that the test moves (IM-16, 18, 56, 60)."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from domain.lifecycle import Status
from domain.misfires import Catching, Misfire
from domain.recurrence import Every
from domain.sending_hours import SendingHours
from domain.tasks import Overlap, PushContent, TaskStatus
from schemas.http.tasks import TaskBody, TaskChange
from schemas.topics.send_requests import SendRequested
from services.scheduler.store import push_results, push_stalls, pushes
from services.scheduler.store.task_rows import Task
from services.scheduler.timed import editing, notices, settling
from services.scheduler.timed.editing import Hand
from services.scheduler.timed.handing import hand_over
from services.scheduler.timed.notice_words import ENGLISH
from tests.callers import EVERYBODY
from tests.eventually import seconds
from tests.given import NOON
from tests.sealed import VAULT
from tests.services.scheduler.planned import told
from tests.services.scheduler.tasks import (
    GROUPS,
    a_task,
    enter,
    enter_groups,
    notices_of,
    pushes_of,
    results_of,
    rows_of,
    task_now,
    told_of,
)
from tests.services.scheduler.test_firing import fire, settle, statuses

pytestmark = pytest.mark.stack

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OFFICE = SendingHours(time(14), time(18))


@pytest.fixture(autouse=True)
def nothing_else(database: sa.Engine) -> None:
    """Let there be groups, and nothing of another test."""
    enter_groups(database)
    with database.begin() as connection:
        for table in (
            "t_push_results",
            "t_pushes",
            "t_task_logs",
            "t_notifications",
            "task_changes_to_tell",
            "push_failures",
            "t_tasks",
        ):
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - the names above


def hand(now: datetime) -> Hand:
    return Hand(EVERYBODY, VAULT, now, "UTC")


def pause(
    database: sa.Engine, task: Task, at: datetime, *, resume_at: datetime | None = None
) -> None:
    with database.begin() as connection:
        editing.pause(connection, task.task_id, hand(at), resume_at=resume_at)


def resume(database: sa.Engine, task: Task, at: datetime, **changes: Any) -> Task:  # noqa: ANN401
    body = TaskBody.model_validate_json(json.dumps(changes)) if changes else None
    with database.begin() as connection:
        return editing.resume(connection, task.task_id, body, hand(at))


def edit(database: sa.Engine, task: Task, at: datetime, **changes: Any) -> None:  # noqa: ANN401
    with database.begin() as connection:
        body = TaskChange.model_validate_json(json.dumps(changes))
        editing.edit(connection, task.task_id, body, hand(at), version=None)


def hand_over_all(database: sa.Engine, at: datetime) -> list[SendRequested]:
    published: list[Any] = []

    def publish(records: Sequence[Any]) -> None:
        published.extend(records)

    with database.begin() as connection:
        hand_over(connection, VAULT, publish, None, now=at, limit=100)
    return published


def with_recipients(task: Task, *names: str, **content: Any) -> Task:  # noqa: ANN401 - any part
    said = PushContent(**content) if content else task.plan.content
    return replace(task, plan=replace(task.plan, preview_recipients=names, content=said))


def test_a_content_that_nobody_confirmed_does_not_go_on_by_itself(database: sa.Engine) -> None:
    task = with_recipients(a_task(at=NOON + DAY), "ada")
    enter(database, task)
    pause(database, task, NOON, resume_at=NOON + HOUR)
    edit(database, task, NOON, content={"text": "Another"})

    fire(database, NOON + HOUR)
    fire(database, NOON + 2 * DAY)

    now = task_now(database, task)
    assert (now.status, now.last_error) == ("paused", "Preview not confirmed")
    assert (now.resume_at, now.next_at, pushes_of(database, task)) == (None, None, [])
    assert told(database, task.task_id)[-1]["reason"] == "Preview not confirmed"
    assert {one.user_id for one in notices_of(database, task)} == {"1", "ada"}
    assert {one["error"] for one in told_of(database, task)} == {ENGLISH.unconfirmed}
    logged = rows_of(database, "SELECT action, user_id FROM t_task_logs ORDER BY timestamp")
    assert tuple(logged[-1]) == ("pause", "system")


def test_a_content_that_cannot_be_sent_any_more_does_not_go_on_by_itself(
    database: sa.Engine,
) -> None:
    task = with_recipients(a_task(at=NOON + DAY), text="Room 2", image="gone.png")
    enter(database, task)
    pause(database, task, NOON, resume_at=NOON + HOUR)

    fire(database, NOON + HOUR)

    now = task_now(database, task)
    reason = "content.image: must be an uploaded picture"
    assert (now.status, now.last_error) == ("paused", reason)
    assert [one["error"] for one in told_of(database, task)] == [f"{ENGLISH.unsendable}: {reason}"]


@pytest.mark.parametrize("hours", [None, OFFICE])
def test_a_one_off_whose_push_was_stopped_asks_for_a_new_time_and_is_never_called_completed(
    database: sa.Engine, hours: SendingHours | None
) -> None:
    task = a_task(at=NOON, hours=hours)
    enter(database, task)
    fire(database, NOON)
    pause(database, task, NOON + MINUTE, resume_at=NOON + 2 * MINUTE)

    fire(database, NOON + 2 * MINUTE)

    now = task_now(database, task)
    assert (now.status, now.last_error) == (
        "paused",
        "its push was stopped: a new time is needed",
    )
    assert [one["error"] for one in told_of(database, task)] == [ENGLISH.needs_a_time]

    again = NOON + DAY + 3 * HOUR
    resume(database, task, NOON + HOUR, schedule={"time": again.isoformat()})
    fire(database, again)

    assert task_now(database, task).status == "running"
    assert results_of(database, pushes_of(database, task)[-1].push_id).keys() == set(GROUPS)


def test_a_one_off_all_of_whose_groups_were_on_their_way_goes_on_and_is_completed(
    database: sa.Engine,
) -> None:
    task = a_task(at=NOON)
    enter(database, task)
    fire(database, NOON)
    assert len(hand_over_all(database, NOON)) == len(GROUPS)
    pause(database, task, NOON + MINUTE, resume_at=NOON + 2 * MINUTE)

    fire(database, NOON + 2 * MINUTE)
    assert task_now(database, task).status == "running"
    settle(database, pushes_of(database, task)[0].push_id)
    fire(database, NOON + 3 * MINUTE)

    assert task_now(database, task).status == "completed"


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_task_that_goes_on_while_groups_are_on_their_way_is_running(
    database: sa.Engine, *, by_hand: bool
) -> None:
    task = a_task(at=NOON, every=Every.DAILY)
    enter(database, task)
    fire(database, NOON)
    hand_over_all(database, NOON)
    resume_at = None if by_hand else NOON + 2 * MINUTE
    pause(database, task, NOON + MINUTE, resume_at=resume_at)

    if by_hand:
        resume(database, task, NOON + 2 * MINUTE, content={"text": "Tomorrow's"})
    else:
        fire(database, NOON + 2 * MINUTE)

    assert task_now(database, task).status == "running"
    with pytest.raises(Exception, match="cannot be edited in its current status"):
        edit(database, task, NOON + 3 * MINUTE, name="x")
    settle(database, pushes_of(database, task)[0].push_id)
    now = task_now(database, task)
    assert (now.status, now.next_at) == ("scheduled", NOON + DAY)


def test_a_push_that_waited_begins_only_within_the_hours_of_then(database: sa.Engine) -> None:
    task = a_task(at=NOON.replace(hour=15), every=Every.DAILY, hours=OFFICE, overlap=Overlap.WAIT)
    enter(database, task)
    fire(database, NOON.replace(hour=15))
    fire(database, NOON.replace(hour=15) + DAY)
    first, _ = pushes_of(database, task)
    night = NOON.replace(hour=22) + DAY
    settle_at(database, first.push_id, night)

    fire(database, night)

    second = pushes_of(database, task)[1]
    opens = NOON.replace(hour=14) + 2 * DAY
    assert (second.status, second.due_at) == ("held", opens)
    fire(database, opens)
    assert statuses(database, task)[1] == "running"


def settle_at(database: sa.Engine, push_id: str, at: datetime) -> None:
    settle(database, push_id)
    with database.begin() as connection:
        connection.execute(
            sa.text("UPDATE t_pushes SET finished_at = :at WHERE push_id = :id"),
            {"at": at, "id": push_id},
        )


def test_what_was_held_for_its_hours_and_is_too_late_by_then_is_missed(
    database: sa.Engine,
) -> None:
    task = a_task(at=NOON, hours=OFFICE)
    enter(database, task)
    fire(database, NOON)

    fire(database, NOON.replace(hour=14) + 16 * MINUTE)

    [push] = pushes_of(database, task)
    now = task_now(database, task)
    assert (push.status, push.reason) == ("skipped", "missed schedule")
    assert (now.status, now.last_error) == ("failed", "missed schedule")


def test_waiting_for_its_turn_makes_nothing_late(database: sa.Engine) -> None:
    task = a_task(
        at=NOON,
        every=Every.DAILY,
        overlap=Overlap.WAIT,
        misfire=Catching(Misfire.ONCE, 10 * MINUTE),
    )
    enter(database, task)
    fire(database, NOON)
    fire(database, NOON + DAY)
    ended = NOON + DAY + 5 * HOUR
    settle_at(database, pushes_of(database, task)[0].push_id, ended)

    fire(database, ended + MINUTE)

    assert statuses(database, task) == ["completed", "running"]


def test_a_draft_sends_nothing_that_waited(database: sa.Engine) -> None:
    task = a_task(at=NOON, hours=OFFICE)
    enter(database, task)
    fire(database, NOON)

    edit(database, task, NOON + HOUR, status="draft")
    fire(database, NOON.replace(hour=14))

    assert (statuses(database, task), task_now(database, task).status) == (["skipped"], "draft")


def test_what_waits_of_a_task_that_is_not_live_never_begins(database: sa.Engine) -> None:
    task = a_task(at=NOON, hours=OFFICE)
    enter(database, task)
    fire(database, NOON)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE t_tasks SET status = 'draft'"))

    fire(database, NOON.replace(hour=14))

    assert statuses(database, task) == ["held"]


def test_a_push_that_waits_is_told_of_and_each_step_after_it(database: sa.Engine) -> None:
    begins, dropped = a_task(at=NOON, hours=OFFICE), a_task(at=NOON, hours=OFFICE)
    enter(database, begins, dropped)
    fire(database, NOON)
    pause(database, dropped, NOON + MINUTE)
    fire(database, NOON.replace(hour=14))

    steps = {
        task.task_id: [
            (one["sequence"], one.get("fromStatus"), one["toStatus"])
            for one in told(database, pushes_of(database, task)[0].push_id)
        ]
        for task in (begins, dropped)
    }

    assert steps == {
        begins.task_id: [(1, None, "held"), (2, "held", "running")],
        dropped.task_id: [(1, None, "held"), (2, "held", "skipped")],
    }


@pytest.mark.parametrize("sent_before", [True, False])
def test_a_pause_is_no_failure(database: sa.Engine, *, sent_before: bool) -> None:
    task = with_recipients(a_task(at=NOON), "ada")
    enter(database, task)
    fire(database, NOON)
    [push] = pushes_of(database, task)
    if sent_before:
        with database.begin() as connection:
            connection.execute(
                sa.text("UPDATE t_push_results SET published_at = now() WHERE group_id = 'math'")
            )
    pause(database, task, NOON + MINUTE)
    if sent_before:
        settle(database, push.push_id, groups=GROUPS[:1])

    with database.begin() as connection:
        notices.tell_results(connection, VAULT, ENGLISH, now=NOON + HOUR, limit=10)

    [push] = pushes_of(database, task)
    said = told_of(database, task)
    if sent_before:
        assert push.status == "completed"
        assert {one["message"] for one in said} == {"Sent to 1 groups"}
    else:
        assert (push.status, push.reason) == ("skipped", "the task was paused")
        assert said == []
    assert rows_of(database, "SELECT * FROM push_failures") == []
    assert (task_now(database, task).status, task_now(database, task).last_error) == (
        "paused",
        None,
    )


def test_a_push_whose_scheduler_died_between_its_last_group_and_its_end_ends(
    database: sa.Engine,
) -> None:
    daily = a_task(at=NOON, every=Every.DAILY)
    enter(database, daily)
    fire(database, NOON)
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM t_groups"))
    # Each group fails here, and what ends the push is another transaction.
    assert hand_over_all(database, NOON) == []
    assert statuses(database, daily) == ["running"]

    with database.begin() as connection:
        assert settling.end_over(connection, now=NOON + MINUTE, limit=10) == 1

    assert statuses(database, daily) == ["failed"]
    fire(database, NOON + DAY)
    assert statuses(database, daily)[1] == "failed"


def test_groups_of_which_nothing_is_heard_are_given_up_for_a_reason(database: sa.Engine) -> None:
    silent, begun = a_task(at=NOON), a_task(at=NOON)
    enter(database, silent, begun)
    fire(database, NOON)
    with database.begin() as connection:
        push_results.mark_published(connection, [pushes_of(database, silent)[0].push_id], now=NOON)

    with database.begin() as connection:
        later = NOON + DAY
        assert settling.give_up(connection, before=NOON, now=later, limit=10) == 0
        # What the broker does not have yet is not given up: it is still to be handed over.
        assert settling.give_up(connection, before=NOON + seconds(1), now=later, limit=10) == 1

    [push] = pushes_of(database, silent)
    assert (push.status, push.reason) == ("failed", "nothing was heard of its message")
    assert task_now(database, silent).last_error == "nothing was heard of its message"
    assert statuses(database, begun) == ["running"]
    settle(database, push.push_id, Status.SENT)
    assert {row.status for row in results_of(database, push.push_id).values()} == {"sent"}


def test_what_is_late_without_a_word_is_counted_as_stalled(database: sa.Engine) -> None:
    task = a_task(at=NOON)
    enter(database, task)
    fire(database, NOON)

    with database.begin() as connection:
        [stalled] = push_stalls.stalled(connection, before=NOON + seconds(1), limit=10)

        assert stalled in pushes.known(connection, [stalled])
    assert task_now(database, task).status == TaskStatus.RUNNING
