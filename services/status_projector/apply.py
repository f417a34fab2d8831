"""Applies a batch in one database transaction: load, project, save, move the offsets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runtime.errors import Fenced
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
from services.status_projector.store import aside, offsets, parked, trail
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
    places = sorted({_place(heard) for heard in batch})
    held = offsets.lock(connection, places)
    for place in places:
        if place not in held or held[place][1] != epochs.get(place):
            raise Fenced(f"{place[0]}/{place[1]} has a newer owner")
    fresh = [heard for heard in batch if heard.trigger.offset >= held[_place(heard)][0]]
    ends = {place: held[place][0] for place in places}
    for heard in batch:
        ends[_place(heard)] = max(ends[_place(heard)], heard.trigger.offset + 1)
    return fresh, ends


def _project(connection: sa.Connection, batch: Sequence[Heard], now: datetime) -> Changes:
    names = names_of(batch)
    wanted = names.asked | names.message_ids
    known = trail.known(connection, wanted, names.provider_ids | set(names.accepted.values()))
    _lock_names(connection, names, known)
    # Looked up again under the locks: what another projector committed meanwhile is seen now.
    known = trail.known(connection, wanted, names.provider_ids | set(names.accepted.values()))
    waiting = _parked(connection, names, known)
    spoken_of = set(known) | {one.message_id for one in waiting if one.message_id is not None}
    stored: list[Trail] = trail.load(connection, spoken_of)
    return project(stored, waiting, batch, now)


def _lock_names(connection: sa.Connection, names: Names, known: Mapping[str, str | None]) -> None:
    here = set(known) | names.asked
    provider_known = {one for one in known.values() if one is not None}
    provider_here = provider_known | set(names.accepted.values())
    parked.lock_ids(
        connection,
        introduced=(names.asked - set(known)) | set(names.accepted.values()) - provider_known,
        missing=(names.message_ids - here) | (names.provider_ids - provider_here),
    )


def _parked(
    connection: sa.Connection, names: Names, known: Mapping[str, str | None]
) -> list[Parked]:
    introduced = names.asked - set(known)
    provider_ids = set(names.accepted.values())
    waiting = parked.find(connection, introduced, provider_ids)
    # A parked acceptance introduces a provider's id in its turn.
    further = {
        one.event.provider_message_id for one in waiting if isinstance(one.event, SendAccepted)
    } - provider_ids
    if further:
        parked.lock_ids(connection, introduced=further, missing=())
        found = {one.id for one in waiting}
        waiting += [one for one in parked.find(connection, (), further) if one.id not in found]
    return waiting


def _save(connection: sa.Connection, changes: Changes, now: datetime) -> None:
    if changes.created:
        trail.create(connection, list(changes.created.values()), now)
    touched = [one for one in changes.touched.values() if _has_learnt(one, changes.created)]
    if touched:
        trail.update(connection, touched, now)
    if changes.caused:
        trail.add_history(connection, changes.caused)
    if changes.aside:
        aside.keep(connection, changes.aside, now)
    if changes.unparked:
        parked.drop(connection, list(changes.unparked))
    if changes.to_park:
        parked.park(connection, list(changes.to_park.values()), now)
    if changes.jobs:
        trail.count_jobs(connection, changes.jobs, now)


def _has_learnt(one: Trail, created: Collection[str]) -> bool:
    return one.message_id not in created or one.sequence > 0 or one.provider_id is not None


def _place(heard: Heard) -> Place:
    return heard.trigger.topic, heard.trigger.partition
