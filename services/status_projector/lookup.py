"""What the database has under a batch's names, looked up while nobody can pass unseen.

The locks do three things. Who introduces a name and who parks under it see each other (promise 5).
And names stay unique where no index keeps them so: each month of `messages` has keys of its own, so
two that enter the same name into the same month meet in its index, as one of them is refused and
tried again. Everybody enters into the present month, and locks names *shared* for that. Who enters
into another one, which may be the turn of the month or an old message's first acceptance, locks
the name *exclusively*, and so meets all the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from runtime.vault import Vault
from schemas.tables.partitions import month_of
from services.status_projector.facts import provider_id_of
from services.status_projector.names import Names
from services.status_projector.projection import Parked
from services.status_projector.store import parked, trail
from services.status_projector.store.parked import Locks
from services.status_projector.store.trail import Known

TURN: Final = timedelta(hours=1)
"""A month is not yet everybody's: another's transaction may have begun in the month before, by its
clock. Longer than a transaction lasts and two clocks differ."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database has under a batch's names, and which of them have to be locked."""

    known: dict[str, Known]
    waiting: Sequence[Parked]
    locks: Locks


def look_under_locks(connection: sa.Connection, vault: Vault, names: Names, now: datetime) -> Seen:
    """Look up the names while nobody else can introduce them or park under them.

    All locks are taken in one statement, in one order everywhere: a second one would meet other
    projectors' out of order, and each deadlock costs a second. Which names parked acceptances
    introduce is only certain under the locks, so where more have come meanwhile, all are let go
    and taken anew. This ends: the set only grows, by what others park in these moments.
    """
    seen = _look(connection, vault, names, {}, now)
    locks = seen.locks
    while locks:
        before = connection.begin_nested()
        parked.lock(connection, locks)
        seen = _look(connection, vault, names, seen.known, now)
        if seen.locks <= locks:
            before.commit()
            break
        before.rollback()
        locks |= seen.locks
    return seen


def _look(
    connection: sa.Connection,
    vault: Vault,
    names: Names,
    already: dict[str, Known],
    now: datetime,
) -> Seen:
    """Look for all but what was seen before: a message that is there stays there."""
    accepted = set(names.accepted.values())
    provider_already = {one.provider_id for one in already.values()}
    known = already | trail.known(
        connection,
        (names.asked | names.message_ids | names.beside) - already.keys(),
        (names.provider_ids | accepted) - provider_already,
    )
    provider_known = {one.provider_id for one in known.values() if one.provider_id is not None}
    asked = names.asked - known.keys()
    introduced = accepted | (names.told - provider_known)
    waiting = parked.find(connection, vault, asked, introduced)
    # What waited with both names introduces a provider's id in its turn.
    further = {
        provider_id
        for one in waiting
        if one.message_id is not None and (provider_id := provider_id_of(one.event)) is not None
    } - introduced
    if further:
        found = {one.id for one in waiting}
        more = parked.find(connection, vault, (), further)
        waiting += [one for one in more if one.id not in found]
    missing = (names.message_ids - known.keys() - names.asked) | (
        names.provider_ids - provider_known - accepted
    )
    locks = Locks.of(
        introduced=asked | (accepted - provider_known) | further,
        alone=missing | _not_in_everybodys_month(names, asked | further, known, now),
    )
    return Seen(known, waiting, locks)


def _not_in_everybodys_month(
    names: Names, new: set[str] | frozenset[str], known: Mapping[str, Known], now: datetime
) -> set[str]:
    """Return the names that are introduced to another month than most transactions' present one."""
    everybodys = month_of(now - TURN)
    apart = {
        provider_id
        for message_id, provider_id in names.accepted.items()
        if (one := known.get(message_id)) is not None
        and one.provider_id is None
        and month_of(one.created_at) != everybodys
    }
    if month_of(now) != everybodys:
        apart |= new
        apart |= {
            provider_id for message_id, provider_id in names.accepted.items() if message_id in new
        }
    return apart
