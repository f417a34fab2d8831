"""Loads and saves the trails of a batch's messages, a statement each for the whole batch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from domain.failures import Origin
from domain.identity import is_fallback_of
from domain.lifecycle import Evidence, Status
from runtime.copying import copy_columns
from schemas.tables.partitions import month_of
from schemas.topics.contents import type_of
from services.status_projector.projection import Caused, Changes
from services.status_projector.store import files, personal
from services.status_projector.store.failures import failed_at, failures_of
from services.status_projector.store.people import People
from services.status_projector.trails import Priced, Trail


class Known(NamedTuple):
    """A message that the database has."""

    provider_id: str | None
    created_at: datetime
    """Statements that name it look into one partition only."""


_BY_ID = sa.text(
    """
    SELECT message_id, whatsapp_message_id, created_at FROM messages
    WHERE message_id = ANY(:names)
    """
)
_BY_PROVIDER_ID = sa.text(
    """
    SELECT message_id, whatsapp_message_id, created_at FROM messages
    WHERE whatsapp_message_id = ANY(:names)
    """
)


def known(
    connection: sa.Connection, message_ids: Collection[str], provider_ids: Collection[str]
) -> dict[str, Known]:
    """Return the messages with one of these names, of whatever month.

    A provider's id is only looked for where no message of these ids has it: each look goes through
    all months.
    """
    found = _named(connection, _BY_ID, message_ids)
    further = set(provider_ids).difference(one.provider_id for one in found.values())
    return found | _named(connection, _BY_PROVIDER_ID, further)


def _named(
    connection: sa.Connection, statement: sa.TextClause, names: Collection[str]
) -> dict[str, Known]:
    if not names:
        return {}
    rows = connection.execute(statement, {"names": list(names)}).all()
    return {message_id: Known(provider_id, at) for message_id, provider_id, at in rows}


_LOAD = sa.text(
    """
    SELECT message_id, channel, sender_id, message_type, sent_at, sequence, created_at,
           conversation_id, whatsapp_message_id, tenant_id, case_id, queue_id, contact_id,
           order_id, job_id, original_message_id, pricing, started_at, accepted_at, delivered_at,
           read_at, failures
    FROM messages
    WHERE message_id = ANY(:message_ids) AND created_at >= :since AND created_at < :before
    ORDER BY message_id FOR UPDATE
    """
)


def load(connection: sa.Connection, known: Mapping[str, Known]) -> list[Trail]:
    """Lock the messages, in the order of their ids, and return their trails."""
    if not known:
        return []
    within = _within(one.created_at for one in known.values())
    rows = connection.execute(_LOAD, {"message_ids": list(known), **within}).all()
    return [_trail(row) for row in rows]


def create(connection: sa.Connection, changes: Changes, people: People, now: datetime) -> None:
    """Enter new messages as pending."""
    asked = list(changes.created.values())
    persons = [people.of(request.channel, request.recipient) for request in asked]
    sent = [files.sent_with(request.content) for request in asked]
    columns: dict[str, list[Any]] = {
        "message_id": [request.message_id for request in asked],
        "channel": [request.channel for request in asked],
        "sender_id": [request.sender_id for request in asked],
        "person": persons,
        "conversation_id": [changes.touched[one.message_id].conversation_id for one in asked],
        "message_type": [type_of(request.content) for request in asked],
        "sealed": [
            personal.seal(people.keyring, person, request.message_id, personal.of_request(request))
            for person, request in zip(persons, asked, strict=True)
        ],
        "message_direction": ["outbound"] * len(asked),
        "delivery_status": [Status.PENDING] * len(asked),
        "sent_at": [request.requested_at for request in asked],
        "tenant_id": [request.tenant_id for request in asked],
        "case_id": [request.case_id for request in asked],
        "queue_id": [request.queue_id for request in asked],
        "contact_id": [request.contact_id for request in asked],
        "order_id": [request.order_id for request in asked],
        "agent_id": [request.agent_id for request in asked],
        "wa_account_type": [request.wa_account_type for request in asked],
        "wa_account_id": [request.wa_account_id for request in asked],
        "job_id": [request.job_id for request in asked],
        "original_message_id": [request.original_message_id for request in asked],
        "file_url": [file.url for file in sent],
        "file_type": [file.type for file in sent],
        "sealed_file_name": [
            None
            if file.name is None
            else personal.seal_file_name(people.keyring, person, request.message_id, file.name)
            for file, person, request in zip(sent, persons, asked, strict=True)
        ],
        "created_at": [now] * len(asked),
        "updated_at": [now] * len(asked),
    }
    copy_columns(connection, "messages", columns)


_UPDATE = sa.text(
    """
    UPDATE messages m
    SET delivery_status = t.status, sequence = t.sequence, whatsapp_message_id = t.provider_id,
        started_at = t.started_at, accepted_at = t.accepted_at, delivered_at = t.delivered_at,
        read_at = t.read_at, failed_at = t.failed_at, error_code = t.error_code,
        error_message = t.error_message, failures = CAST(t.failures AS jsonb),
        pricing = CAST(t.pricing AS jsonb),
        category = left(CAST(t.pricing AS jsonb) #>> '{pricing,category}', 50), updated_at = :now
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:statuses AS text[]), CAST(:sequences AS int[]),
        CAST(:provider_ids AS text[]), CAST(:started_ats AS timestamptz[]),
        CAST(:accepted_ats AS timestamptz[]), CAST(:delivered_ats AS timestamptz[]),
        CAST(:read_ats AS timestamptz[]), CAST(:failed_ats AS timestamptz[]),
        CAST(:error_codes AS text[]), CAST(:error_messages AS text[]), CAST(:failures AS text[]),
        CAST(:pricings AS text[])
    ) AS t(message_id, status, sequence, provider_id, started_at, accepted_at, delivered_at,
           read_at, failed_at, error_code, error_message, failures, pricing)
    WHERE m.message_id = t.message_id AND m.created_at >= :since AND m.created_at < :before
    """
)


def update(connection: sa.Connection, trails: Sequence[Trail], now: datetime) -> None:
    """Store the new state of messages. Failure columns speak only of messages that failed."""
    failed = [trail.evidence.failed for trail in trails]
    columns: dict[str, list[Any]] = {
        "message_ids": [trail.message_id for trail in trails],
        "statuses": [trail.status for trail in trails],
        "sequences": [trail.sequence for trail in trails],
        "provider_ids": [trail.provider_id for trail in trails],
        "started_ats": [trail.evidence.started_at for trail in trails],
        "accepted_ats": [trail.evidence.sent_at for trail in trails],
        "delivered_ats": [trail.evidence.delivered_at for trail in trails],
        "read_ats": [trail.evidence.read_at for trail in trails],
        "failed_ats": [None if one is None else one.at for one in failed],
        "error_codes": [None if one is None else one.failure.code for one in failed],
        "error_messages": [None if one is None else one.failure.prompt for one in failed],
        "failures": [failures_of(trail.evidence) for trail in trails],
        "pricings": [_pricing(trail.priced) for trail in trails],
    }
    within = _within(trail.created_at for trail in trails)
    connection.execute(_UPDATE, {**columns, **within, "now": now})


_RETRIED = sa.text(
    """
    UPDATE messages SET retried = true, updated_at = :now
    WHERE message_id = ANY(:message_ids) AND created_at >= :since AND created_at < :before
      AND NOT retried
    """
)


def mark_retried(
    connection: sa.Connection, changes: Changes, known: Mapping[str, Known], now: datetime
) -> None:
    """Note of messages, whose rows are locked or new, that they were tried once more (RT-04)."""
    originals = {one: known[one].created_at for one in changes.retried & known.keys()}
    originals |= dict.fromkeys(changes.retried & changes.created.keys(), now)
    if originals:
        values = {"message_ids": list(originals), **_within(originals.values()), "now": now}
        connection.execute(_RETRIED, values)


def add_history(connection: sa.Connection, caused: Sequence[Caused]) -> None:
    """Add a row a transition, with the record that caused it and the one that will be published."""
    columns: dict[str, list[Any]] = {
        "message_id": [one.change.message_id for one in caused],
        "sequence": [one.change.sequence for one in caused],
        "recorded_at": [one.change.recorded_at for one in caused],
        "from_status": [one.change.from_status for one in caused],
        "to_status": [one.change.to_status for one in caused],
        "updated_at": [one.change.updated_at for one in caused],
        "source": [one.change.source for one in caused],
        "source_topic": [one.trigger.topic for one in caused],
        "source_partition": [one.trigger.partition for one in caused],
        "source_offset": [one.trigger.offset for one in caused],
        "change": [msgspec.json.encode(one.change) for one in caused],
    }
    copy_columns(connection, "message_status_history", columns)


def _trail(row: Sequence[Any]) -> Trail:
    """Return a row of _LOAD as a trail; by position, which is twice as quick as by name."""
    message_id, channel, sender_id, message_type, sent_at, sequence, created_at = row[:7]
    conversation_id, provider_id, tenant_id, case_id, queue_id, contact_id, order_id = row[7:14]
    job_id, original_message_id, pricing, *evidence = row[14:]
    return Trail(
        message_id=message_id,
        channel=channel,
        sender_id=sender_id,
        message_type=message_type,
        sent_at=sent_at,
        evidence=_evidence(*evidence),
        sequence=sequence,
        created_at=created_at,
        conversation_id=conversation_id,
        provider_id=provider_id,
        tenant_id=tenant_id,
        case_id=case_id,
        queue_id=queue_id,
        contact_id=contact_id,
        order_id=order_id,
        job_id=job_id,
        is_fallback=is_fallback_of(message_id, original_message_id),
        priced=None if pricing is None else msgspec.convert(pricing, Priced),
    )


def _evidence(
    started_at: datetime | None,
    sent_at: datetime | None,
    delivered_at: datetime | None,
    read_at: datetime | None,
    failures: dict[str, Any] | None,
) -> Evidence:
    if failures is None:
        return Evidence(started_at, sent_at, delivered_at, read_at)
    return Evidence(
        started_at,
        sent_at,
        delivered_at,
        read_at,
        refused=failed_at(failures.get("refused"), Origin.PROVIDER),
        inferred=failed_at(failures.get("inferred"), Origin.LOCAL),
    )


def _pricing(priced: Priced | None) -> str | None:
    return None if priced is None else msgspec.json.encode(priced).decode()


def _within(moments: Iterable[datetime]) -> dict[str, datetime]:
    """Return the months in which messages were entered: the server passes over the others.

    Whole months: of moments after its last look at the table the server expects next to no rows,
    and compares each of thousands with each row of the batch.
    """
    known = set(moments)
    first, after = month_of(min(known)), month_of(max(known), 1)
    return {"since": _midnight(first), "before": _midnight(after)}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
