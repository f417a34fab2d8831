"""What people said about pushes: one answer of each person to each push (NF-06, IM-42).

Who it was and what they said is one envelope under the person's own key: a key that is deleted
takes all of it along.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa

from domain.identity import feedback_id
from runtime.vault import Vault
from schemas.topics.provider_events import FeedbackGiven

PLACE: Final = "t_feedback"
CHANNEL: Final = "wechat"
"""Where the people who answer are known: their ids are those of the mini-program."""


class _Letter(msgspec.Struct, frozen=True, array_like=True):
    user_id: str
    content: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person said about one push."""

    feedback_id: str
    task_id: str
    user_id: str
    content: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """How many groups, and people in them, the pushes of a task came to."""

    pushes: int
    groups: int
    """Different ones."""
    members: int | None
    """People in them; None where of some group nobody has said how many it has."""


def keep(connection: sa.Connection, vault: Vault, given: Sequence[FeedbackGiven]) -> int:
    """Keep the latest answer of each person to each push; returns how many were kept.

    In any order and any number of times the same. Answers about tasks that are gone are dropped.
    """
    latest: dict[str, tuple[bytes, FeedbackGiven]] = {}
    for each in given:
        person = vault.person(CHANNEL, each.user_id)
        name = feedback_id(each.push_id, person)
        if name not in latest or latest[name][1].at <= each.at:
            latest[name] = (person, each)
    ordered = sorted(latest.items())  # no deadlock
    letters = [(p, msgspec.msgpack.encode(_Letter(e.user_id, e.content))) for _, (p, e) in ordered]
    sealed = vault.enclose(connection, letters, place=PLACE)
    kept = connection.execute(
        sa.text(
            """
            INSERT INTO t_feedback (
                feedback_id, task_id, user_id, content, timestamp, push_id, tenant_id
            )
            SELECT id, task_id, person, content, at, push_id, task.tenant_id
            FROM unnest(
                CAST(:ids AS text[]), CAST(:tasks AS text[]), CAST(:people AS text[]),
                CAST(:contents AS text[]), CAST(:times AS timestamptz[]), CAST(:pushes AS text[])
            ) AS given(id, task_id, person, content, at, push_id)
            JOIN t_tasks AS task USING (task_id)
            ON CONFLICT (push_id, user_id) DO UPDATE
            SET content = EXCLUDED.content, timestamp = EXCLUDED.timestamp
            WHERE t_feedback.timestamp <= EXCLUDED.timestamp
            """
        ),
        {
            "ids": [name for name, _ in ordered],
            "tasks": [each.task_id for _, (_, each) in ordered],
            "people": [person.hex() for _, (person, _) in ordered],
            "contents": [b64encode(letter).decode() for letter in sealed],
            "times": [each.at for _, (_, each) in ordered],
            "pushes": [each.push_id for _, (_, each) in ordered],
        },
    )
    return kept.rowcount


def of(  # noqa: PLR0913 - what was asked for is all of these
    connection: sa.Connection,
    vault: Vault,
    *,
    task_id: str | None,
    tenant: str | None,
    since: datetime | None,
    until: datetime | None,
    offset: int = 0,
    limit: int,
) -> tuple[list[Opinion], int]:
    """Return opinions, the latest first, and how many there are; tenant None: everybody's."""
    # In one statement: what comes in between would be counted and not shown.
    query = """
        WITH said AS (
            SELECT feedback_id, timestamp FROM t_feedback JOIN t_tasks AS task USING (task_id)
            WHERE task.deleted_at IS NULL
                AND (CAST(:task_id AS text) IS NULL OR task_id = :task_id)
                AND (CAST(:tenant AS text) IS NULL OR task.tenant_id = :tenant)
                AND (CAST(:since AS timestamptz) IS NULL OR timestamp >= :since)
                AND (CAST(:until AS timestamptz) IS NULL OR timestamp <= :until)
        ), page AS (
            SELECT feedback_id FROM said
            ORDER BY timestamp DESC, feedback_id LIMIT :limit OFFSET :offset
        )
        SELECT counted.total, found.*
        FROM (SELECT count(*) AS total FROM said) AS counted
        LEFT JOIN (page JOIN t_feedback AS found USING (feedback_id)) ON true
        ORDER BY found.timestamp DESC, found.feedback_id
    """
    asked = {
        "task_id": task_id,
        "tenant": tenant,
        "since": since,
        "until": until,
        "offset": offset,
        "limit": limit,
    }
    found = connection.execute(sa.text(query), asked).all()
    total, rows = found[0].total, [row for row in found if row.feedback_id is not None]
    letters = vault.disclose(connection, (b64decode(row.content) for row in rows), place=PLACE)
    opinions = [
        Opinion(row.feedback_id, row.task_id, said.user_id, said.content, row.timestamp)
        for row, letter in zip(rows, letters, strict=True)
        if letter is not None
        for said in [msgspec.msgpack.decode(letter, type=_Letter)]
    ]
    return opinions, total


def people_of(connection: sa.Connection, task_id: str) -> int:
    """Return how many different people answered."""
    query = "SELECT count(DISTINCT user_id) FROM t_feedback WHERE task_id = :task_id"
    return connection.execute(sa.text(query), {"task_id": task_id}).scalar_one()


def reach_of(connection: sa.Connection, task_id: str) -> Reach:
    """Return how far the pushes of a task came."""
    row = connection.execute(
        sa.text(
            """
            WITH reached AS (
                SELECT result.group_id, push_id
                FROM t_pushes JOIN t_push_results AS result USING (push_id)
                WHERE task_id = :task_id AND result.status = 'sent'
            ), sizes AS (
                SELECT DISTINCT reached.group_id, members
                FROM reached LEFT JOIN t_groups USING (group_id)
            )
            SELECT (SELECT count(DISTINCT push_id) FROM reached) AS pushes, count(*) AS groups,
                CASE WHEN bool_and(members IS NOT NULL) THEN sum(members) END AS members
            FROM sizes
            """
        ),
        {"task_id": task_id},
    ).one()
    return Reach(row.pushes, row.groups, None if row.members is None else int(row.members))
