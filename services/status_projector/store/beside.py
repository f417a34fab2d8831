"""Keeps what explains a message beside its trail, and which sends nobody has called back about."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.lifecycle import Status
from domain.staleness import CALLED_BACK, step_of
from runtime.copying import copy_columns
from schemas.topics.send_requests import SendRequested
from schemas.topics.topic import header
from services.status_projector.noted import Noted
from services.status_projector.projection import Changes
from services.status_projector.trails import Trail


def note(connection: sa.Connection, facts: Sequence[Noted], now: datetime) -> None:
    """Append facts, in the order in which they were applied."""
    failures = [fact.failure for fact in facts]
    requests = [_request(fact) for fact in facts]
    columns: dict[str, list[Any]] = {
        "message_id": [fact.message_id for fact in facts],
        "recorded_at": [now] * len(facts),
        "sequence": [fact.sequence for fact in facts],
        "kind": [fact.kind for fact in facts],
        "effect": [fact.effect for fact in facts],
        "occurred_at": [fact.occurred_at for fact in facts],
        "heard_at": [fact.heard_at(now) for fact in facts],
        "parked_at": [fact.said.parked_at for fact in facts],
        "attempt": [fact.attempt for fact in facts],
        "until": [fact.until for fact in facts],
        "error_code": [None if one is None else one.code for one in failures],
        "provider_code": [None if one is None else one.provider_code for one in failures],
        "detail": [None if one is None else one.detail for one in failures],
        "source": [_header(fact, "ce_source") for fact in facts],
        "priority": [None if one is None else one.priority for one in requests],
        "traceparent": [_header(fact, "traceparent") for fact in facts],
    }
    copy_columns(connection, "message_facts", columns)


def _request(fact: Noted) -> SendRequested | None:
    return fact.said.value if isinstance(fact.said.value, SendRequested) else None


def _header(fact: Noted, name: str) -> str | None:
    if _request(fact) is None:
        return None
    said = header(fact.said.headers, name)
    # What somebody else's record says: PostgreSQL keeps no NUL in a text.
    return None if said is None else said.replace("\x00", "")


_EXPECT = sa.text(
    """
    INSERT INTO unheard_sends (message_id, sender, tenant_id, accepted_at)
    SELECT * FROM unnest(CAST(:message_ids AS text[]), CAST(:senders AS text[]),
                         CAST(:tenants AS text[]), CAST(:accepted_ats AS timestamptz[]))
    ON CONFLICT (message_id) DO NOTHING
    """
)
_HEARD = sa.text(
    """
    DELETE FROM unheard_sends WHERE message_id IN (
        SELECT message_id FROM unheard_sends WHERE message_id = ANY(:message_ids)
        ORDER BY message_id FOR UPDATE)
    """
)
_COUNT = sa.text(
    """
    INSERT INTO sends_by_time AS s (sender, began_at, accepted)
    SELECT sender, began_at, accepted
    FROM unnest(CAST(:senders AS text[]), CAST(:began_ats AS timestamptz[]),
                CAST(:accepted AS int[])) AS n(sender, began_at, accepted)
    ORDER BY sender, began_at
    ON CONFLICT (sender, began_at) DO UPDATE SET accepted = s.accepted + EXCLUDED.accepted
    """
)


def watch(connection: sa.Connection, changes: Changes) -> None:
    """Expect callbacks about what was sent, and forget those that came (IM-54)."""
    sent = [
        (changes.touched[caused.change.message_id], caused.change.updated_at)
        for caused in changes.caused
        if caused.change.to_status is Status.SENT and caused.change.channel in CALLED_BACK
    ]
    unheard = [(trail, at) for trail, at in sent if trail.message_id not in changes.called_back]
    if heard := changes.called_back - {trail.message_id for trail, _ in sent}:
        connection.execute(_HEARD, {"message_ids": list(heard)})
    if unheard:
        _expect(connection, unheard)
    if sent:
        _count(connection, sent)


def _expect(connection: sa.Connection, unheard: Sequence[tuple[Trail, datetime]]) -> None:
    connection.execute(
        _EXPECT,
        {
            "message_ids": [trail.message_id for trail, _ in unheard],
            "senders": [_sender(trail) for trail, _ in unheard],
            "tenants": [trail.tenant_id for trail, _ in unheard],
            "accepted_ats": [at for _, at in unheard],
        },
    )


def _count(connection: sa.Connection, sent: Sequence[tuple[Trail, datetime]]) -> None:
    counts = Counter((_sender(trail), step_of(at)) for trail, at in sent)
    connection.execute(
        _COUNT,
        {
            "senders": [sender for sender, _ in counts],
            "began_ats": [began_at for _, began_at in counts],
            "accepted": list(counts.values()),
        },
    )


def _sender(trail: Trail) -> str:
    return f"{trail.channel}:{trail.sender_id}"
