"""Keeps the results of group sends in step with their messages, and counts them (GS-10, BJ-05).

The rows of their messages are locked, so nobody else moves the same results.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from domain.lifecycle import Evidence
from services.status_projector.group_sends import (
    Member,
    Result,
    ResultStatus,
    members_of,
    of_message,
    result_of,
    task_of,
)
from services.status_projector.projection import Changes
from services.status_projector.store.participants import Place
from services.status_projector.store.people import People

Moves = defaultdict[int, Counter[ResultStatus]]
"""By how much the number of results in each status changes, by group send."""


def follow(
    connection: sa.Connection,
    changes: Changes,
    told: Mapping[Place, Evidence],
    people: People,
    now: datetime,
) -> None:
    """Move the results of the batch's group sends; ``told``: what is new of single customers."""
    moves: Moves = defaultdict(Counter)
    if members := members_of(changes.created.values(), people.of):
        _enter(connection, members, now)
        for member in members:
            moves[member.task_id][ResultStatus.PENDING] += 1
    if told:
        _move_told(connection, told, moves, now)
    messages = {
        trail.message_id: of_message(trail.evidence)
        for trail in changes.touched.values()
        if task_of(trail.job_id) is not None
    }
    if messages:
        _move_others(connection, messages, moves, now)
    if moves:
        _count(connection, moves, now)


_ENTER = sa.text(
    """
    WITH given AS MATERIALIZED (
        SELECT message_id, person, task_id, customer_id,
               nextval(pg_get_serial_sequence('t_group_send_result', 'id')) AS id
        FROM unnest(CAST(:message_ids AS text[]), CAST(:persons AS bytea[]),
                    CAST(:task_ids AS bigint[]), CAST(:customer_ids AS bigint[]))
             AS m(message_id, person, task_id, customer_id)
    ), results AS (
        INSERT INTO t_group_send_result
            (id, task_id, customer_id, status, create_time, update_time)
        SELECT id, task_id, customer_id, 'PENDING', :now, :now FROM given
    )
    INSERT INTO group_send_members (message_id, person, result_id)
    SELECT message_id, person, id FROM given
    """
)


def _enter(connection: sa.Connection, members: Sequence[Member], now: datetime) -> None:
    connection.execute(
        _ENTER,
        {
            "message_ids": [member.message_id for member in members],
            "persons": [member.person for member in members],
            "task_ids": [member.task_id for member in members],
            "customer_ids": [member.customer_id for member in members],
            "now": now,
        },
    )


_MOVE_TOLD = sa.text(
    """
    WITH told AS (
        UPDATE group_send_members m SET reported = true
        FROM unnest(CAST(:message_ids AS text[]), CAST(:persons AS bytea[]),
                    CAST(:statuses AS text[]), CAST(:errors AS text[]))
             AS t(message_id, person, status, error)
        WHERE m.message_id = t.message_id AND m.person = t.person
        RETURNING m.result_id, t.status, t.error
    ), changed AS (
        SELECT r.id, r.task_id, r.status AS before, told.status AS after, told.error
        FROM told JOIN t_group_send_result r ON r.id = told.result_id
        WHERE (r.status, r.error_message) IS DISTINCT FROM (told.status, told.error)
    ), moved AS (
        UPDATE t_group_send_result r
        SET status = changed.after, error_message = changed.error, update_time = :now
        FROM changed WHERE r.id = changed.id
    )
    SELECT task_id, before, after, count(*) AS results FROM changed GROUP BY 1, 2, 3
    """
)


def _move_told(
    connection: sa.Connection, told: Mapping[Place, Evidence], moves: Moves, now: datetime
) -> None:
    results = [result_of(evidence) for evidence in told.values()]
    values = {
        "message_ids": [message_id for message_id, _ in told],
        "persons": [person for _, person in told],
        **_columns(results),
        "now": now,
    }
    _add(moves, connection.execute(_MOVE_TOLD, values))


_MOVE_OTHERS = sa.text(
    """
    WITH changed AS (
        SELECT r.id, r.task_id, r.status AS before, t.status AS after, t.error
        FROM unnest(CAST(:message_ids AS text[]), CAST(:statuses AS text[]),
                    CAST(:errors AS text[])) AS t(message_id, status, error)
        JOIN group_send_members m ON m.message_id = t.message_id AND NOT m.reported
        JOIN t_group_send_result r ON r.id = m.result_id
        WHERE (r.status, r.error_message) IS DISTINCT FROM (t.status, t.error)
    ), moved AS (
        UPDATE t_group_send_result r
        SET status = changed.after, error_message = changed.error, update_time = :now
        FROM changed WHERE r.id = changed.id
    )
    SELECT task_id, before, after, count(*) AS results FROM changed GROUP BY 1, 2, 3
    """
)


def _move_others(
    connection: sa.Connection, messages: Mapping[str, Result], moves: Moves, now: datetime
) -> None:
    """Move the results of customers of whom nothing was told: they are as far as the message."""
    values = {"message_ids": list(messages), **_columns(list(messages.values())), "now": now}
    _add(moves, connection.execute(_MOVE_OTHERS, values))


def _columns(results: Sequence[Result]) -> dict[str, list[str] | list[str | None]]:
    return {
        "statuses": [result.status.value for result in results],
        "errors": [result.error for result in results],
    }


def _add(moves: Moves, rows: sa.CursorResult[tuple[int, str, str, int]]) -> None:
    for row in rows:
        moves[row.task_id][ResultStatus(row.before)] -= row.results
        moves[row.task_id][ResultStatus(row.after)] += row.results


_COUNT = sa.text(
    """
    INSERT INTO group_send_progress AS p
        (task_id, pending, processing, success, failed, updated_at)
    SELECT task_id, pending, processing, success, failed, :now
    FROM unnest(CAST(:tasks AS bigint[]), CAST(:pending AS int[]), CAST(:processing AS int[]),
                CAST(:success AS int[]), CAST(:failed AS int[]))
         AS c(task_id, pending, processing, success, failed)
    ORDER BY task_id
    ON CONFLICT (task_id) DO UPDATE
    SET pending = p.pending + EXCLUDED.pending, processing = p.processing + EXCLUDED.processing,
        success = p.success + EXCLUDED.success, failed = p.failed + EXCLUDED.failed,
        updated_at = :now
    """
)


def _count(connection: sa.Connection, moves: Moves, now: datetime) -> None:
    columns = {status.lower(): [by[status] for by in moves.values()] for status in ResultStatus}
    connection.execute(_COUNT, {"tasks": list(moves), **columns, "now": now})
