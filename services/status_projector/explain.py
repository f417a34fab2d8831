"""Explains a message: what is stored of it, put into order and into words (IM-53)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from domain.advice import advice
from domain.explaining import Effect, Said, overruling, rule_of, why_unmoved
from domain.failures import ErrorCode, Origin
from domain.identity import MessageId, message_id_for_fallback
from domain.lifecycle import Source, Status
from providers.failure_classes import class_of
from runtime.vault import Vault
from schemas.http.explain import (
    Asked,
    Cost,
    Dispatch,
    Explanation,
    Link,
    Shown,
    Step,
    Trouble,
)
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.topic import traceparent
from services.status_projector import unprojected
from services.status_projector.noted import REQUESTED
from services.status_projector.prices import Prices
from services.status_projector.showing import price_of
from services.status_projector.store.accepted import accepted
from services.status_projector.store.explaining import Known, Row, known_of
from services.status_projector.store.personal import unseal

_NUL: Final = "\x00"
_SAID: Final = {
    "send.started": Said.STARTED,
    "send.accepted": Said.SENT,
    "send.rejected/provider": Said.REFUSED,
    "send.rejected/local": Said.INFERRED,
    "status.reported/sent": Said.SENT,
    "status.reported/delivered": Said.DELIVERED,
    "status.reported/read": Said.READ,
    "status.reported/failed": Said.REFUSED,
}


def explain(
    connection: sa.Connection,
    vault: Vault,
    message_id: str,
    prices: Prices,
    *,
    tenant_id: str | None,
) -> Explanation | None:
    """Return everything that is known of a message; None where this tenant has no such one."""
    if _NUL in message_id:
        return None
    fallback_id = message_id_for_fallback(MessageId(message_id))
    known = known_of(connection, message_id, fallback_id, tenant_id=tenant_id)
    if known is None:
        waiting = accepted(connection, vault, message_id, tenant_id)
        return None if waiting is None else unprojected.explanation(waiting, prices)
    message = known.message
    status = Status(message["delivery_status"])
    failure = _failure(message)
    return Explanation(
        message_id=message_id,
        channel=message["channel"],
        sender_id=message["sender_id"],
        direction=message["message_direction"],
        message_type=message["message_type"],
        status=status,
        rule=_rule(message, status, failure),
        provider_message_id=message["whatsapp_message_id"],
        trace_id=_trace_id(known),
        asked=_asked(known),
        shown=_shown(connection, vault, message),
        dispatch=None if known.ledger is None else _dispatch(known),
        steps=list(_steps(known)),
        participants=dict(known.participants),
        unheard_since=None if known.unheard is None else known.unheard["accepted_at"],
        cost=_cost(message, prices),
        links=list(_links(known)),
        trouble=None if failure is None else _trouble(message["channel"], *failure),
    )


def _rule(message: Row, status: Status, failure: tuple[Origin, Row] | None) -> str:
    if message["message_direction"] == "inbound":
        return "somebody wrote it to us"
    return rule_of(status, provider_said=failure is not None and failure[0] is Origin.PROVIDER)


def _request(known: Known) -> Row | None:
    return next((fact for fact in known.facts if fact["kind"] == REQUESTED), None)


def _trace_id(known: Known) -> str:
    request, message_id = _request(known), known.message["message_id"]
    kept = None if request is None else request["traceparent"]
    parent: str = kept or traceparent(message_id, message_id)
    # Others may write anything into that header.
    return parent.split("-")[1] if parent.count("-") == 3 else parent  # noqa: PLR2004 - W3C's form


def _asked(known: Known) -> Asked:
    message, request = known.message, _request(known) or {}
    return Asked(
        sent_at=message["sent_at"],
        published_by=request.get("source"),
        published_at=request.get("heard_at"),
        priority=request.get("priority"),
        expires_at=request.get("until"),
        tenant_id=message["tenant_id"],
        agent_id=message["agent_id"],
        contact_id=message["contact_id"],
        order_id=message["order_id"],
        case_id=message["case_id"],
        job_id=message["job_id"],
        job_row=None if known.job_item is None else known.job_item["row"],
    )


def _shown(connection: sa.Connection, vault: Vault, message: Row) -> Shown:
    if message["sealed"] is None:
        return Shown(recipient=None, text=None)
    person = bytes(message["person"])
    keyring = vault.keyring(connection, [person])
    personal = unseal(keyring, person, message["message_id"], bytes(message["sealed"]))
    if personal is None:
        return Shown(recipient=None, text=None)
    return Shown(recipient=personal.recipient, text=personal.words)


def _dispatch(known: Known) -> Dispatch:
    ledger = known.ledger or {}
    return Dispatch(
        state=ledger["state"],
        attempts=ledger["attempt"],
        without_room=ledger["throttled"],
        owner=ledger["owner"],
        claimed_at=ledger["claimed_at"],
        due_at=ledger["due_at"],
        waits_for=_waits_for(ledger, known.facts) if ledger["state"] == "waiting" else None,
    )


def _waits_for(ledger: Row, facts: Sequence[Row]) -> str:
    if ledger["halted_at"] is not None:
        return f"its sender cannot send: {ledger['halted_for']}"
    if ledger["is_behind_another"]:
        return "an earlier message of its conversation is not finished"
    told = [fact for fact in facts if fact["kind"] == "send.deferred"]
    if told:
        return told[-1]["detail"] or told[-1]["error_code"]
    return ledger["error_code"] or "room of its sender"


def _steps(known: Known) -> Iterator[Step]:
    """Put facts and transitions into the order in which they were applied.

    A fact's number is that of the transition before it, or of the one that it is.
    """
    moved = {f["sequence"]: f for f in known.facts if f["effect"] == Effect.MOVED}
    beside = [fact for fact in known.facts if fact["effect"] != Effect.MOVED]
    status, refused = Status.PENDING, False
    history = {row["sequence"]: row for row in known.history}
    for number in sorted({0, *history, *(fact["sequence"] for fact in beside)}):
        if (row := history.get(number)) is not None:
            yield (step := _transition(row, moved.get(number)))
            status = Status(row["to_status"])
            refused = status is Status.FAILED and step.source != Source.MANUAL
        for fact in beside:
            if fact["sequence"] == number:
                yield _beside(fact, status, refused=refused)


def _transition(row: Row, fact: Row | None) -> Step:
    change = STATUS_CHANGES.decode(bytes(row["change"]))
    heard_at = row["recorded_at"] if fact is None else fact["heard_at"]
    to_status, error = Status(row["to_status"]), change.error
    return Step(
        heard_at=heard_at,
        occurred_at=row["updated_at"],
        lag_ms=_milliseconds(row["updated_at"], heard_at),
        kind="status.changed" if fact is None else fact["kind"],
        effect=Effect.MOVED,
        why=overruling(to_status)
        if change.overruled is not None
        else rule_of(to_status, provider_said=row["source"] != Source.MANUAL),
        from_status=row["from_status"],
        to_status=to_status,
        source=row["source"],
        attempt=None if fact is None else fact["attempt"],
        error_code=None if error is None else error.code,
        provider_code=None if error is None else error.provider_code,
        detail=None if fact is None else fact["detail"],
        parked_ms=_parked(fact),
    )


def _beside(fact: Row, status: Status, *, refused: bool) -> Step:
    return Step(
        heard_at=fact["heard_at"],
        occurred_at=fact["occurred_at"],
        lag_ms=_milliseconds(fact["occurred_at"], fact["heard_at"]),
        kind=fact["kind"],
        effect=fact["effect"],
        why=_why(fact, status, refused=refused),
        attempt=fact["attempt"],
        until=fact["until"],
        error_code=fact["error_code"],
        provider_code=fact["provider_code"],
        detail=fact["detail"],
        parked_ms=_parked(fact),
    )


def _why(fact: Row, status: Status, *, refused: bool) -> str:
    kind, effect = fact["kind"], Effect(fact["effect"])
    if kind == REQUESTED:
        repeated = "the same request again is the same message"
        return (
            repeated if effect is Effect.NOTHING else rule_of(Status.PENDING, provider_said=False)
        )
    if kind == "send.deferred":
        return "nothing was sent; the next attempt is when the wait ends"
    if effect is Effect.TOLD:
        return "the provider has taken a task; that anybody got it is told by its results"
    return why_unmoved(_SAID[kind], effect, status, provider_refused=refused)


def _parked(fact: Row | None) -> int | None:
    if fact is None or fact["parked_at"] is None:
        return None
    return _milliseconds(fact["parked_at"], fact["recorded_at"])


def _milliseconds(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() * 1_000)


def _cost(message: Row, prices: Prices) -> Cost | None:
    if message["message_direction"] == "inbound":
        return None
    told: dict[str, Any] | None = message["pricing"]
    said: dict[str, Any] = {} if told is None else told["pricing"]
    return Cost(
        amount=price_of(message, prices),
        currency=prices.currency,
        category=said.get("category"),
        billable=said.get("billable"),
        model=said.get("model"),
    )


def _links(known: Known) -> Iterator[Link]:
    for relation, row in (("original", known.original), ("fallback", known.fallback)):
        if row is not None:
            yield Link(
                message_id=row["message_id"], relation=relation, status=row["delivery_status"]
            )


def _failure(message: Row) -> tuple[Origin, Row] | None:
    """Return the failure that counts: the provider's before ours, as in `Evidence.failed`."""
    if message["delivery_status"] != Status.FAILED:
        return None
    heard: dict[str, Row] = message["failures"] or {}
    for name, origin in (("refused", Origin.PROVIDER), ("inferred", Origin.LOCAL)):
        if name in heard:
            return origin, heard[name]
    return None


def _trouble(channel: str, origin: Origin, failure: Row) -> Trouble:
    code, provider_code = ErrorCode(failure["code"]), failure.get("providerCode")
    failure_class = None if provider_code is None else class_of(channel, provider_code)
    return Trouble(
        error_code=code,
        origin=origin,
        provider_code=provider_code,
        detail=failure.get("detail"),
        failure_class=failure_class,
        advice=advice(code, origin, failure_class),
    )
