"""Applies a batch in one database transaction: load, project, save, move the offsets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from schemas.topics.provider_events import SendAccepted, StatusReported
from schemas.topics.send_requests import SendRequested
from services.status_projector.projection import (
    Aside,
    Caused,
    Changes,
    Heard,
    Parked,
    Trail,
    project,
)
from services.status_projector.store import aside, beside, offsets, parked, participants, trail
from services.status_projector.store.offsets import Place


@dataclass(frozen=True, slots=True)
class Names:
    """The ids that a batch speaks of."""

    asked: frozenset[str]
    """Message ids of its requests: introduced here."""
    accepted: Mapping[str, str]
    """Provider's ids by message id, from its acceptances: introduced here."""
    message_ids: frozenset[str]
    """All message ids of its events."""
    provider_ids: frozenset[str]
    """All provider's ids of its callbacks."""


def apply(
    connection: sa.Connection, batch: Sequence[Heard], epochs: Mapping[Place, int], now: datetime
) -> list[Caused]:
    """Apply what is not applied yet and return what it caused.

    Raises `Fenced` when one of the partitions has a newer owner; nothing is written then.
    """
    fresh, ends = _unapplied(connection, batch, epochs)
    changes = _project(connection, fresh, now) if fresh else Changes()
    _save(connection, changes, now)
    offsets.advance(connection, ends)
    return changes.caused


def pass_over(connection: sa.Connection, heard: Heard, epochs: Mapping[Place, int]) -> None:
    """Move past one record without applying it: it is in the DLQ."""
    _, ends = _unapplied(connection, [heard], epochs)
    offsets.advance(connection, ends)


def names_of(batch: Sequence[Heard]) -> Names:
    """Collect the ids that a batch speaks of."""
    asked: set[str] = set()
    accepted: dict[str, str] = {}
    message_ids: set[str] = set()
    provider_ids: set[str] = set()
    for heard in batch:
        value = heard.value
        if isinstance(value, SendRequested):
            asked.add(value.message_id)
        elif not isinstance(value, Aside):
            if value.message_id is not None:
                message_ids.add(value.message_id)
            if isinstance(value, StatusReported):
                provider_ids.add(value.provider_message_id)
            elif isinstance(value, SendAccepted):
                accepted[value.message_id] = value.provider_message_id
    return Names(frozenset(asked), accepted, frozenset(message_ids), frozenset(provider_ids))


def _unapplied(
    connection: sa.Connection, batch: Sequence[Heard], epochs: Mapping[Place, int]
) -> tuple[list[Heard], dict[Place, int]]:
    starts = offsets.lock(connection, {_place(h): epochs.get(_place(h)) for h in batch})
    fresh = [heard for heard in batch if heard.trigger.offset >= starts[_place(heard)]]
    ends = dict(starts)
    for heard in batch:
        ends[_place(heard)] = max(ends[_place(heard)], heard.trigger.offset + 1)
    return fresh, ends


def _project(connection: sa.Connection, batch: Sequence[Heard], now: datetime) -> Changes:
    seen = _look_under_locks(connection, names_of(batch))
    waiting_for = {one.message_id for one in seen.waiting if one.message_id is not None}
    stored: list[Trail] = trail.load(connection, set(seen.known) | waiting_for)
    return project(stored, seen.waiting, batch, now)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the database has under a batch's names, and which of them have to be locked."""

    known: Mapping[str, str | None]
    waiting: Sequence[Parked]
    locks: parked.Locks


def _look_under_locks(connection: sa.Connection, names: Names) -> _Seen:
    """Look up the names while nobody else can introduce them or park under them.

    All locks are taken in one statement, in one order everywhere: a second one would meet other
    projectors' out of order, and each deadlock costs a second. Which names parked acceptances
    introduce is only certain under the locks, so where more have come meanwhile, all are let go
    and taken anew. This ends: the set only grows, by what others park in these moments.
    """
    seen = _look(connection, names)
    locks = seen.locks
    while locks:
        before = connection.begin_nested()
        parked.lock(connection, locks)
        seen = _look(connection, names)
        if seen.locks <= locks:
            before.commit()
            break
        before.rollback()
        locks |= seen.locks
    return seen


def _look(connection: sa.Connection, names: Names) -> _Seen:
    accepted = set(names.accepted.values())
    known = trail.known(connection, names.asked | names.message_ids, names.provider_ids | accepted)
    asked = names.asked - known.keys()
    waiting = parked.find(connection, asked, accepted)
    # A parked acceptance introduces a provider's id in its turn.
    further = {
        one.event.provider_message_id for one in waiting if isinstance(one.event, SendAccepted)
    } - accepted
    if further:
        found = {one.id for one in waiting}
        waiting += [one for one in parked.find(connection, (), further) if one.id not in found]
    provider_known = {one for one in known.values() if one is not None}
    locks = parked.Locks.of(
        introduced=asked | (accepted - provider_known) | further,
        missing=(names.message_ids - known.keys() - names.asked)
        | (names.provider_ids - provider_known - accepted),
    )
    return _Seen(known, waiting, locks)


def _save(connection: sa.Connection, changes: Changes, now: datetime) -> None:
    if changes.created:
        trail.create(connection, list(changes.created.values()), now)
    touched = [one for one in changes.touched.values() if _has_learnt(one, changes.created)]
    if touched:
        trail.update(connection, touched, now)
    if changes.caused:
        trail.add_history(connection, changes.caused)
    if changes.noted:
        beside.note(connection, changes.noted, now)
    if changes.participants:
        participants.learn(connection, changes.participants, now)
    if changes.aside:
        aside.keep(connection, changes.aside, now)
    if changes.unparked:
        parked.drop(connection, list(changes.unparked))
    if changes.to_park:
        parked.park(connection, list(changes.to_park.values()), now)
    if changes.jobs:
        trail.count_jobs(connection, changes.jobs, now)
    beside.watch(connection, changes)


def _has_learnt(one: Trail, created: Collection[str]) -> bool:
    return one.message_id not in created or one.sequence > 0 or one.provider_id is not None


def _place(heard: Heard) -> Place:
    return heard.trigger.topic, heard.trigger.partition
