"""Applies a batch in one database transaction: load, project, save, move the offsets."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from runtime.vault import Vault
from services.status_projector.heard import Heard
from services.status_projector.lookup import look_under_locks
from services.status_projector.names import names_of
from services.status_projector.projection import Caused, Changes, project
from services.status_projector.store import (
    beside,
    conversations,
    counters,
    files,
    group_sends,
    inbound,
    notices,
    offsets,
    parked,
    participants,
    tallies,
    tasks,
    trail,
)
from services.status_projector.store.offsets import Place
from services.status_projector.store.people import People, people_of
from services.status_projector.store.trail import Known
from services.status_projector.tallies import Group, add_inbound, moves
from services.status_projector.trails import Trail


def apply(
    connection: sa.Connection,
    vault: Vault,
    batch: Sequence[Heard],
    epochs: Mapping[Place, int],
    now: datetime,
    zone: ZoneInfo,
) -> list[Caused]:
    """Apply what is not applied yet and return what it caused; days are those of the zone.

    Raises `Fenced` when one of the partitions has a newer owner; nothing is written then.
    """
    fresh, ends = _unapplied(connection, batch, epochs)
    caused: list[Caused] = []
    if fresh:
        seen = look_under_locks(connection, vault, names_of(fresh), now)
        stored = trail.load(connection, seen.known)
        changes = project(stored, seen.waiting, fresh, now, vault.conversation_id)
        received = _save(connection, vault, seen.known, changes, now)
        _tally(connection, stored, changes, received, zone)
        caused = changes.caused
    offsets.advance(connection, ends)
    return caused


def pass_over(connection: sa.Connection, heard: Heard, epochs: Mapping[Place, int]) -> None:
    """Move past one record without applying it: it is in the DLQ."""
    _, ends = _unapplied(connection, [heard], epochs)
    offsets.advance(connection, ends)


def _unapplied(
    connection: sa.Connection, batch: Sequence[Heard], epochs: Mapping[Place, int]
) -> tuple[list[Heard], dict[Place, int]]:
    places = [(heard.trigger.topic, heard.trigger.partition) for heard in batch]
    starts = offsets.lock(connection, {place: epochs.get(place) for place in set(places)})
    fresh: list[Heard] = []
    ends = dict(starts)
    for heard, place in zip(batch, places, strict=True):
        offset = heard.trigger.offset
        if offset >= starts[place]:
            fresh.append(heard)
        if offset >= ends[place]:
            ends[place] = offset + 1
    return fresh, ends


def _save(
    connection: sa.Connection,
    vault: Vault,
    known: Mapping[str, Known],
    changes: Changes,
    now: datetime,
) -> list[Group]:
    """Write the changes. The order of the tables is that of their locks, the same everywhere.

    Returns how each message that came in is counted.
    """
    changes.received = {
        message_id: event
        for message_id, event in changes.received.items()
        if message_id not in known
    }
    people = people_of(connection, vault, changes, now)
    received = _save_messages(connection, known, changes, people, now)
    _save_beside(connection, changes, people, now)
    if changes.jobs:
        counters.count_jobs(connection, changes.jobs, now)
    beside.watch(connection, changes)
    return received


def _save_messages(
    connection: sa.Connection,
    known: Mapping[str, Known],
    changes: Changes,
    people: People,
    now: datetime,
) -> list[Group]:
    if changes.created:
        trail.create(connection, changes, people, now)
    touched = [one for one in changes.touched.values() if _has_learnt(one, changes.created)]
    if touched:
        trail.update(connection, touched, now)
    if changes.retried:
        trail.mark_retried(connection, changes, known, now)
    if changes.caused:
        trail.add_history(connection, changes.caused)
    if changes.noted:
        beside.note(connection, changes.noted, now)
    told = participants.learn(connection, changes.participants, people, now)
    group_sends.follow(connection, changes, told, people, now)
    if moved := conversations.moves(changes, people):
        links = conversations.move(connection, moved, now)
        if changes.received:
            return inbound.receive(connection, changes.received, links, people, now)
    return []


def _tally(
    connection: sa.Connection,
    stored: Sequence[Trail],
    changes: Changes,
    received: Sequence[Group],
    zone: ZoneInfo,
) -> None:
    quarters = moves(stored, changes.touched)
    for group in received:
        add_inbound(quarters, group)
    if quarters:
        tallies.move(connection, quarters, zone)


def _save_beside(
    connection: sa.Connection, changes: Changes, people: People, now: datetime
) -> None:
    if changes.files:
        files.attach(connection, changes.files, people.vault, now)
    if changes.notices:
        notices.keep(connection, changes.notices, people, now)
    if changes.tasks:
        tasks.hear(connection, changes.tasks, now)
    if changes.unparked:
        parked.drop(connection, list(changes.unparked))
    if changes.to_park:
        parked.park(connection, list(changes.to_park.values()), people, now)


def _has_learnt(one: Trail, created: Collection[str]) -> bool:
    return one.message_id not in created or one.sequence > 0 or one.provider_id is not None
