"""Idempotency keys and the answers given under them (IM-01)."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

Answer = Mapping[str, Any]
"""The ``data`` of the envelope, as JSON."""


@dataclass(frozen=True, slots=True, order=True)
class KeyName:
    """What makes a key unique."""

    tenant: str
    """Two tenants may choose the same key."""
    call: str
    """Method and path: a key of one call says nothing about another."""
    key: str
    """The caller's ``Idempotency-Key``."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a key."""

    body_hash: bytes
    answer: Answer | None
    """None until the work behind the answer is durable."""


def claim(connection: sa.Connection, hashes: Mapping[KeyName, bytes], *, now: datetime) -> None:
    """Remember the keys that are new; waits for transactions that are just claiming the same."""
    names = sorted(hashes)  # the same order everywhere: no deadlock
    connection.execute(
        sa.text(
            """
            INSERT INTO idempotency_keys (tenant_id, call, key, body_hash, created_at)
            SELECT *, :now FROM unnest(
                CAST(:tenants AS text[]), CAST(:calls AS text[]),
                CAST(:keys AS text[]), CAST(:hashes AS bytea[])
            )
            ON CONFLICT DO NOTHING
            """
        ),
        {"now": now, "hashes": [hashes[name] for name in names], **_columns(names)},
    )


def load(connection: sa.Connection, names: Collection[KeyName]) -> dict[KeyName, Remembered]:
    """Return what is remembered of the keys."""
    rows = connection.execute(
        sa.text(
            """
            SELECT tenant_id, call, key, body_hash, answer FROM idempotency_keys
            WHERE (tenant_id, call, key) IN (SELECT * FROM unnest(
                CAST(:tenants AS text[]), CAST(:calls AS text[]), CAST(:keys AS text[])
            ))
            """
        ),
        _columns(list(names)),
    )
    return {
        KeyName(row.tenant_id, row.call, row.key): Remembered(bytes(row.body_hash), row.answer)
        for row in rows
    }


def answer(connection: sa.Connection, answers: Mapping[KeyName, Answer]) -> None:
    """Store the answers that repetitions get."""
    names = sorted(answers)
    connection.execute(
        sa.text(
            """
            UPDATE idempotency_keys AS known SET answer = CAST(given.answer AS jsonb)
            FROM unnest(
                CAST(:tenants AS text[]), CAST(:calls AS text[]),
                CAST(:keys AS text[]), CAST(:answers AS text[])
            ) AS given (tenant_id, call, key, answer)
            WHERE (known.tenant_id, known.call, known.key)
                = (given.tenant_id, given.call, given.key)
            """
        ),
        {"answers": [json.dumps(answers[name]) for name in names], **_columns(names)},
    )


def forget(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Delete keys first used before then; returns how many (IM-01)."""
    deleted = connection.execute(
        sa.text(
            """
            DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM idempotency_keys WHERE created_at < :before
                ORDER BY created_at LIMIT :limit
            ))
            """
        ),
        {"before": before, "limit": limit},
    )
    return deleted.rowcount


def _columns(names: Sequence[KeyName]) -> dict[str, list[str]]:
    return {
        "tenants": [name.tenant for name in names],
        "calls": [name.call for name in names],
        "keys": [name.key for name in names],
    }
