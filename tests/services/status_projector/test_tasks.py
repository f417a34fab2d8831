"""Tasks, pushes and group sends as `task-changes` and messages tell of them (TP-14, GS-10)."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.topics.task_changes import (
    GroupSendChanged,
    GroupSendStatus,
    JobChanged,
    JobStatus,
    PushChanged,
    PushStatus,
    TaskChanged,
    TaskStatus,
)
from tests.given import NOON
from tests.services.status_projector.facts import Life, Projector, Record
from tests.services.status_projector.group_sends import GroupSend

pytestmark = pytest.mark.stack


def a_task_changed(task: str, sequence: int, status: TaskStatus) -> TaskChanged:
    return TaskChanged(
        task_id=task,
        to_status=status,
        sequence=sequence,
        name=f"name {sequence}",
        updated_at=NOON + timedelta(seconds=sequence),
    )


STEPS = (TaskStatus.DRAFT, TaskStatus.SCHEDULED, TaskStatus.PAUSED, TaskStatus.SCHEDULED)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_comes_twice_or_late_a_task_is_where_its_last_change_left_it(
    projector: Projector, engine: sa.Engine, data: st.DataObject
) -> None:
    task = str(uuid4())
    changes = [a_task_changed(task, number, status) for number, status in enumerate(STEPS, start=1)]
    repeated = changes + data.draw(st.lists(st.sampled_from(changes), max_size=4))
    order = data.draw(st.permutations(repeated))
    cut = data.draw(st.integers(0, len(order)))

    for batch in (order[:cut], order[cut:]):
        projector.apply([projector.heard(change) for change in batch])

    (state,) = rows(engine, "SELECT * FROM task_states WHERE task_id = :id", task)
    assert (state["status"], state["sequence"], state["name"]) == ("scheduled", 4, "name 4")
    assert history(engine, "task", task) == [
        (1, "draft"),
        (2, "scheduled"),
        (3, "paused"),
        (4, "scheduled"),
    ]


def test_a_push_belongs_to_its_task_and_says_why_it_was_skipped(
    projector: Projector, engine: sa.Engine
) -> None:
    push = str(uuid4())
    change = PushChanged(
        push_id=push,
        task_id="task-1",
        to_status=PushStatus.SKIPPED,
        sequence=1,
        occurrence_at=NOON,
        due_at=NOON,
        groups=12,
        reason="another run was under way",
        updated_at=NOON,
        tenant_id="acme",
    )

    projector.apply([projector.heard(change)])

    (state,) = rows(engine, "SELECT * FROM push_states WHERE push_id = :id", push)
    assert (state["task_id"], state["tenant_id"], state["status"], state["groups"]) == (
        "task-1",
        "acme",
        "skipped",
        12,
    )
    assert state["reason"] == "another run was under way"
    assert history(engine, "push", push) == [(1, "skipped")]


def test_a_job_has_a_history_too_but_for_changes_from_before_they_were_numbered(
    projector: Projector, engine: sa.Engine
) -> None:
    job = str(uuid4())
    steps = [(None, JobStatus.PENDING), (2, JobStatus.RUNNING), (3, JobStatus.PAUSED)]
    changes = [
        JobChanged(job_id=job, to_status=status, sequence=number, total=3, updated_at=NOON)
        for number, status in steps
    ]

    projector.apply([projector.heard(change) for change in changes])

    assert history(engine, "job", job) == [(2, "running"), (3, "paused")]


def test_each_customer_of_a_group_send_has_a_result_that_follows_the_message(
    projector: Projector, engine: sa.Engine
) -> None:
    send = GroupSend()

    projector.apply([projector.heard(send.request())])
    at_first = results(engine, send)
    projector.apply([projector.heard(send.life.started()), projector.heard(send.accepted())])
    under_way = results(engine, send)
    projector.apply([projector.heard(send.result(1, "sent")), projector.heard(send.reported())])
    confirmed = results(engine, send)
    projector.apply([projector.heard(send.result(2, "failed"))])
    projector.apply([projector.heard(send.result(2, "failed"))])
    at_last = results(engine, send)

    assert at_first == {10_000: "PENDING", 10_001: "PENDING", 10_002: "PENDING"}
    assert under_way == {10_000: "PROCESSING", 10_001: "PROCESSING", 10_002: "PROCESSING"}
    assert confirmed == {10_000: "PROCESSING", 10_001: "SUCCESS", 10_002: "PROCESSING"}
    assert at_last == {10_000: "PROCESSING", 10_001: "SUCCESS", 10_002: "FAILED"}
    assert counted(engine, send) == {"pending": 0, "processing": 1, "success": 1, "failed": 1}
    (failed,) = rows(
        engine,
        "SELECT * FROM t_group_send_result WHERE task_id = :id AND status = 'FAILED'",
        send.id,
    )
    assert failed["error_message"] == "Recipient phone number is invalid."
    assert set(failed) == {
        "id",
        "task_id",
        "customer_id",
        "status",
        "error_message",
        "create_time",
        "update_time",
    }


def test_a_message_that_fails_as_a_whole_fails_those_of_whom_nothing_was_told(
    projector: Projector, engine: sa.Engine
) -> None:
    send = GroupSend()
    projector.apply([projector.heard(send.request()), projector.heard(send.result(0, "sent"))])

    projector.apply([projector.heard(send.life.started()), projector.heard(send.life.rejected())])

    assert results(engine, send) == {10_000: "SUCCESS", 10_001: "FAILED", 10_002: "FAILED"}
    assert counted(engine, send) == {"pending": 0, "processing": 0, "success": 1, "failed": 2}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_in_any_order_the_results_and_their_counters_end_alike(
    projector: Projector, engine: sa.Engine, data: st.DataObject
) -> None:
    send = GroupSend()
    said: list[Record] = [
        send.request(),
        send.life.started(),
        send.accepted(),
        send.reported(),
        send.result(0, "sent"),
        send.result(1, "failed"),
        send.result(1, "delivered", 4),
    ]
    order = data.draw(st.permutations(said + data.draw(st.lists(st.sampled_from(said[1:])))))

    for batch in cut_up(data, order):
        projector.apply([projector.heard(record) for record in batch])

    assert results(engine, send) == {10_000: "SUCCESS", 10_001: "SUCCESS", 10_002: "PROCESSING"}
    assert counted(engine, send) == {"pending": 0, "processing": 1, "success": 2, "failed": 0}


def test_no_address_of_a_customer_stands_beside_the_results(
    projector: Projector, engine: sa.Engine
) -> None:
    send = GroupSend()

    projector.apply([projector.heard(send.request())])

    members = rows(
        engine, "SELECT * FROM group_send_members WHERE message_id = :id", send.life.message_id
    )
    assert len(members) == 3
    assert not any(
        target.encode() in bytes(row["person"]) for row in members for target in send.targets
    )


def test_an_ordinary_message_of_a_job_has_no_results(
    projector: Projector, engine: sa.Engine
) -> None:
    life = Life()

    projector.apply([projector.heard(life.request(job_id="9001")), projector.heard(life.started())])

    assert rows(engine, "SELECT * FROM t_group_send_result WHERE task_id = :id", 9_001) == []


def test_a_group_send_says_where_it_stands(projector: Projector, engine: sa.Engine) -> None:
    send = GroupSend()
    steps = (GroupSendStatus.PENDING, GroupSendStatus.PROCESSING, GroupSendStatus.PARTIAL_SUCCESS)
    changes = [
        GroupSendChanged(
            group_send_id=send.id, to_status=status, sequence=number, targets=3, updated_at=NOON
        )
        for number, status in enumerate(steps, start=1)
    ]

    projector.apply([projector.heard(change) for change in changes])

    (state,) = rows(engine, "SELECT * FROM group_send_states WHERE task_id = :id", send.id)
    assert (state["status"], state["targets"]) == ("PARTIAL_SUCCESS", 3)
    assert history(engine, "group_send", str(send.id))[-1] == (3, "PARTIAL_SUCCESS")


def cut_up(data: st.DataObject, order: Sequence[Record]) -> list[Sequence[Record]]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    return [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True) if a < b]


def results(engine: sa.Engine, send: GroupSend) -> dict[int, str]:
    found = rows(
        engine, "SELECT * FROM t_group_send_result WHERE task_id = :id ORDER BY 3", send.id
    )
    kept = {status.lower(): number for status, number in counted(engine, send).items()}
    assert +Counter(row["status"].lower() for row in found) == +Counter(kept)
    return {row["customer_id"]: row["status"] for row in found}


def counted(engine: sa.Engine, send: GroupSend) -> dict[str, int]:
    (found,) = rows(
        engine,
        "SELECT pending, processing, success, failed FROM group_send_progress WHERE task_id = :id",
        send.id,
    )
    return found


def history(engine: sa.Engine, kind: str, of: str) -> list[tuple[int, str]]:
    query = "SELECT * FROM task_status_history WHERE id = :id ORDER BY sequence"
    found = rows(engine, query, of)
    assert {row["kind"] for row in found} == {kind}
    return [(row["sequence"], row["to_status"]) for row in found]


def rows(engine: sa.Engine, query: str, of: str | int) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(sa.text(query), {"id": of}).mappings()
        return [dict(row) for row in found]
