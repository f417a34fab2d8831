"""What becomes of tasks that are due, by a clock that the test moves (IM-15…18, 56; R9, R11)."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta

import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode
from domain.identity import message_id_for_group, push_id_for_occurrence
from domain.lifecycle import Status
from domain.misfires import Catching, Misfire
from domain.recurrence import Every
from domain.sending_hours import SendingHours
from domain.tasks import Overlap, TaskStatus
from schemas.topics.status_changes import ChangeError
from services.scheduler.store import push_results, telling
from services.scheduler.store.task_rows import Task
from services.scheduler.store.waiting import Waiting, look
from services.scheduler.timed import firing, settling
from services.scheduler.timed.notice_words import ENGLISH
from services.scheduler.timed.resuming import resume_due
from tests.eventually import seconds
from tests.given import NOON, a_status_changed
from tests.sealed import VAULT
from tests.services.scheduler.tasks import (
    GROUPS,
    a_task,
    enter,
    enter_groups,
    pushes_of,
    results_of,
    rows_of,
    task_now,
)

pytestmark = pytest.mark.stack

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def groups(database: sa.Engine) -> None:
    """Let there be groups, and no task of another test."""
    enter_groups(database)
    with database.begin() as connection:
        for table in ("t_push_results", "t_pushes", "t_task_logs", "t_tasks"):
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - the names above


def fire(database: sa.Engine, now: datetime, limit: int = 100) -> int:
    """Do what a scheduler does at this time; return how many tasks it fired."""
    with database.begin() as connection:
        if Waiting.TASKS not in look(connection, sends_now=now, now=now):
            return 0
        resume_due(connection, VAULT, ENGLISH, None, now=now, limit=limit)
        firing.begin_held(connection, now=now, limit=limit)
        return firing.fire(connection, now=now, limit=limit)


def settle(
    database: sa.Engine,
    push_id: str,
    to: Status = Status.SENT,
    sequence: int = 3,
    groups: Sequence[str] = GROUPS,
    code: ErrorCode = ErrorCode.UNKNOWN_ERROR,
) -> None:
    """Say that each group's message came to this status."""
    failed = to is Status.FAILED
    error = ChangeError(code=code, message="The group was dissolved") if failed else None
    changes = [
        a_status_changed(
            message_id=message_id_for_group(push_id, group),
            sequence=sequence,
            from_status=Status.SENDING,
            to_status=to,
            job_id=push_id,
            error=error,
        )
        for group in groups
    ]
    with database.begin() as connection:
        settling.settle(connection, settling.news_of(changes), now=NOON)


def statuses(database: sa.Engine, task: Task) -> list[str]:
    return [push.status for push in pushes_of(database, task)]


def test_an_occurrence_becomes_a_push_with_one_message_a_group(database: sa.Engine) -> None:
    task = a_task(at=NOON)
    enter(database, task)

    assert fire(database, NOON - seconds(1)) == 0
    assert fire(database, NOON) == 1

    [push] = pushes_of(database, task)
    assert push.push_id == push_id_for_occurrence(task.task_id, NOON)
    assert (push.status, push.occurrence_time, push.due_at) == ("running", NOON, NOON)
    assert {group: row.message_id for group, row in results_of(database, push.push_id).items()} == {
        group: message_id_for_group(push.push_id, group) for group in GROUPS
    }
    now = task_now(database, task)
    assert (now.status, now.next_at, now.version) == ("running", None, 2)
    assert fire(database, NOON + DAY) == 0


def test_many_schedulers_at_once_give_each_occurrence_one_push(database: sa.Engine) -> None:
    new = [a_task(at=NOON, groups=GROUPS[:1]) for _ in range(60)]
    enter(database, *new)

    with ThreadPoolExecutor(6) as schedulers:
        fired = [schedulers.submit(fire, database, NOON, limit=7) for _ in range(18)]

    assert sum(one.result() for one in fired) == len(new)
    assert [statuses(database, task) for task in new] == [["running"]] * len(new)


def test_the_most_urgent_is_claimed_first(database: sa.Engine) -> None:
    low, high = a_task(at=NOON - MINUTE, priority="low"), a_task(at=NOON, priority="high")
    enter(database, low, high)

    fire(database, NOON, limit=1)

    assert (statuses(database, high), statuses(database, low)) == (["running"], [])


def test_a_clock_that_jumps_back_and_forth_repeats_nothing_and_loses_nothing(
    database: sa.Engine,
) -> None:
    daily = a_task(at=NOON, every=Every.DAILY, misfire=Catching(Misfire.ALL), overlap=Overlap.ALLOW)
    enter(database, daily)
    steps = random.Random(9)  # noqa: S311 - no secret
    now, end = NOON, NOON + 10 * DAY

    while now < end:
        fire(database, now)
        fire(database, now + steps.choice([-2, 2]) * timedelta(hours=1))
        now += timedelta(hours=3)

    served = [push.occurrence_time for push in pushes_of(database, daily)]
    assert len(served) >= (end - NOON) // DAY
    assert served == [NOON + number * DAY for number in range(len(served))]
    assert set(statuses(database, daily)) == {"running"}


@pytest.mark.parametrize(
    ("misfire", "expected"),
    [
        (Catching(Misfire.SKIP), ["skipped", "skipped", "skipped"]),
        (Catching(Misfire.ONCE), ["skipped", "skipped", "running"]),
        (Catching(Misfire.ALL), ["running", "held", "held"]),
        (Catching(Misfire.ALL, 2 * DAY), ["skipped", "running", "held"]),
    ],
)
def test_what_was_missed_becomes_what_the_task_says(
    database: sa.Engine, misfire: Catching, expected: list[str]
) -> None:
    task = a_task(at=NOON, every=Every.DAILY, misfire=misfire)
    enter(database, task)

    fire(database, NOON + 2 * DAY + 30 * MINUTE)

    assert statuses(database, task) == expected
    skipped = {push.reason for push in pushes_of(database, task) if push.status == "skipped"}
    assert skipped <= {"missed schedule"}
    assert task_now(database, task).next_at == NOON + 3 * DAY


@pytest.mark.parametrize(
    ("late", "expected"),
    [(14 * MINUTE, ("running", None)), (30 * MINUTE, ("failed", "missed schedule"))],
)
def test_a_one_off_that_is_too_late_fails(
    database: sa.Engine, late: timedelta, expected: tuple[str, str | None]
) -> None:
    task = a_task(at=NOON)
    enter(database, task)

    fire(database, NOON + late)

    now = task_now(database, task)
    assert (now.status, now.last_error) == expected


def test_late_ones_that_are_all_wanted_come_one_after_another(database: sa.Engine) -> None:
    task = a_task(at=NOON, every=Every.DAILY, misfire=Catching(Misfire.ALL))
    enter(database, task)
    now = NOON + DAY + MINUTE
    fire(database, now)
    first, second = pushes_of(database, task)

    fire(database, now)
    assert statuses(database, task) == ["running", "held"]
    settle(database, first.push_id)
    fire(database, now)

    assert statuses(database, task) == ["completed", "running"]
    assert results_of(database, second.push_id).keys() == set(GROUPS)


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [(Overlap.SKIP, "skipped"), (Overlap.WAIT, "held"), (Overlap.ALLOW, "running")],
)
def test_an_occurrence_while_the_push_before_is_under_way_does_as_the_task_says(
    database: sa.Engine, overlap: Overlap, expected: str
) -> None:
    task = a_task(at=NOON, every=Every.DAILY, overlap=overlap)
    enter(database, task)
    fire(database, NOON)

    fire(database, NOON + DAY)

    assert statuses(database, task) == ["running", expected]
    assert task_now(database, task).next_at == NOON + 2 * DAY


def test_outside_of_its_hours_a_push_is_held_and_not_dropped(database: sa.Engine) -> None:
    office = SendingHours(time(14), time(18))
    task = a_task(at=NOON, hours=office)
    enter(database, task)

    fire(database, NOON)

    [push] = pushes_of(database, task)
    opens = NOON.replace(hour=14)
    assert (push.status, push.due_at, task_now(database, task).status) == (
        "held",
        opens,
        "scheduled",
    )
    fire(database, opens - seconds(1))
    assert statuses(database, task) == ["held"]
    fire(database, opens)
    assert statuses(database, task) == ["running"]
    assert task_now(database, task).status == "running"


def test_a_paused_task_goes_on_by_itself_with_its_next_occurrence(database: sa.Engine) -> None:
    task = a_task(at=NOON, every=Every.DAILY, status=TaskStatus.PAUSED)
    enter(database, task)
    with database.begin() as connection:
        connection.execute(
            sa.text("UPDATE t_tasks SET resume_at = :at"), {"at": NOON + DAY + MINUTE}
        )

    fire(database, NOON + DAY)
    assert task_now(database, task).status == "paused"
    fire(database, NOON + DAY + MINUTE)

    now = task_now(database, task)
    assert (now.status, now.next_at, now.resume_at) == ("scheduled", NOON + 2 * DAY, None)
    logged = rows_of(database, "SELECT action, user_id FROM t_task_logs ORDER BY timestamp")
    assert tuple(logged[-1]) == ("resume", "system")


@pytest.mark.parametrize("to", [Status.SENT, Status.FAILED])
def test_a_push_ends_with_its_last_group_and_the_task_with_it(
    database: sa.Engine, to: Status
) -> None:
    once, daily = a_task(at=NOON), a_task(at=NOON, every=Every.DAILY)
    last = a_task(at=NOON, every=Every.DAILY, until=NOON + MINUTE)
    enter(database, once, daily, last)
    fire(database, NOON)

    for task in (once, daily, last):
        settle(database, pushes_of(database, task)[0].push_id, to)
        settle(database, pushes_of(database, task)[0].push_id, to)

    ended = "failed" if to is Status.FAILED else "completed"
    error = "The group was dissolved" if to is Status.FAILED else None
    assert [statuses(database, task) for task in (once, daily, last)] == [[ended]] * 3
    assert [task_now(database, task).status for task in (once, daily, last)] == [
        ended,
        "scheduled",
        "completed",
    ]
    assert {task_now(database, task).last_error for task in (once, daily, last)} == {error}
    assert [task_now(database, task).version for task in (once, daily, last)] == [3] * 3


def test_a_group_has_its_own_reason_its_time_and_its_attempts(database: sa.Engine) -> None:
    task = a_task(at=NOON)
    enter(database, task)
    fire(database, NOON)
    [push] = pushes_of(database, task)
    with database.begin() as connection:
        connection.execute(
            sa.text(
                """
                INSERT INTO dispatch_ledger
                    (message_id, state, conversation, sender, attempt, throttled, broken,
                     owner, claimed_at, updated_at)
                SELECT message_id, 'accepted', 'c', 's', 5, 1, 1, 'o', now(), now()
                FROM t_push_results
                WHERE push_id = :push
                """
            ),
            {"push": push.push_id},
        )

    settle(database, push.push_id, groups=["math"])
    settle(
        database, push.push_id, Status.FAILED, groups=["chess"], code=ErrorCode.INVALID_RECIPIENT
    )

    rows = results_of(database, push.push_id)
    assert (rows["math"].status, rows["math"].attempts) == ("sent", 3)
    assert rows["math"].delivered_at is not None
    assert (rows["chess"].error, rows["chess"].delivered_at) == ("群聊不存在", None)


def test_older_news_of_a_group_changes_nothing(database: sa.Engine) -> None:
    task = a_task(at=NOON)
    enter(database, task)
    fire(database, NOON)
    [push] = pushes_of(database, task)

    settle(database, push.push_id, Status.DELIVERED, sequence=4)
    settle(database, push.push_id, Status.FAILED, sequence=3)

    assert {row.status for row in results_of(database, push.push_id).values()} == {"sent"}


def test_a_group_that_there_is_not_fails_and_the_others_are_sent_to(database: sa.Engine) -> None:
    task, nowhere = a_task(at=NOON, groups=["math", "gone"]), a_task(at=NOON, groups=["gone"])
    enter(database, task, nowhere)

    fire(database, NOON)

    [push] = pushes_of(database, task)
    rows = results_of(database, push.push_id)
    assert (rows["gone"].status, rows["gone"].error) == ("failed", "群聊不存在")
    assert rows["math"].status == "pending"
    now = task_now(database, nowhere)
    assert (statuses(database, nowhere), now.status, now.last_error) == (
        ["failed"],
        "failed",
        "群聊不存在",
    )


def test_a_stopped_push_sends_no_group_that_was_not_published(database: sa.Engine) -> None:
    task = a_task(at=NOON)
    enter(database, task)
    fire(database, NOON)
    [push] = pushes_of(database, task)

    with database.begin() as connection:
        settling.stop(connection, task.task_id, "paused", now=NOON)
        assert push_results.claim_unpublished(connection, VAULT, limit=10) == []

    assert {row.status for row in results_of(database, push.push_id).values()} == {"cancelled"}
    [push] = pushes_of(database, task)
    assert (push.status, push.reason) == ("skipped", "paused")


def test_what_is_noted_for_others_is_numbered_without_gaps(database: sa.Engine) -> None:
    task = a_task(at=NOON)
    enter(database, task)
    fire(database, NOON)
    [push] = pushes_of(database, task)
    settle(database, push.push_id)

    with database.begin() as connection:
        notes = [one.change for one in telling.take(connection, limit=10_000)]

    of_task = [one for one in notes if getattr(one, "task_id", None) == task.task_id]
    said = [
        (type(one).__name__, one.sequence, one.from_status, one.to_status)
        for one in of_task  # type: ignore[union-attr]
    ]
    assert said == [
        ("TaskChanged", 1, None, "scheduled"),
        ("PushChanged", 1, None, "running"),
        ("TaskChanged", 2, "scheduled", "running"),
        ("PushChanged", 2, "running", "completed"),
        ("TaskChanged", 3, "running", "completed"),
    ]
