"""Whether sessions and keys are still good, asked of the database at most every two seconds.

A process remembers whom it has seen lately. When one of them comes again and what is remembered is
old, one statement asks for all of them: what it costs does not grow with the calls, and a session
that was ended, a user who was disabled and a role that was changed are known everywhere within
`FRESH` (ADR 9). While PostgreSQL is away, what was good a minute ago stays good.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final

import sqlalchemy as sa

from runtime.callers import Caller
from runtime.errors import DatabaseAway
from runtime.postgres import in_thread

FRESH: Final = timedelta(seconds=2)
"""How long an answer is believed without asking again."""
GRACE: Final = timedelta(minutes=1)
"""The same while there is nobody to ask."""
ACTIVE: Final = timedelta(seconds=30)
"""Who came since is asked for together with the others; whoever did not is forgotten."""
ANSWERS_WITHIN: Final = timedelta(seconds=2)
"""A database that is frozen is as good as away."""
AWAY_FOR: Final = timedelta(seconds=1)
"""How long it is not asked again then."""

_HOLDERS = sa.text(
    """
    SELECT c.reference, u.user_id, u.tenant_id, r.permissions
    FROM credentials c JOIN users u USING (user_id) JOIN roles r USING (role_id)
        LEFT JOIN tenants t ON t.tenant_id = u.tenant_id
    WHERE c.reference = ANY(:references) AND c.revoked_at IS NULL
        AND (c.expires_at IS NULL OR c.expires_at > now())
        AND (c.version IS NULL OR c.version = u.version)
        AND u.disabled_at IS NULL AND r.disabled_at IS NULL AND t.disabled_at IS NULL
    """
)


@dataclass(slots=True)
class _Entry:
    holder: Caller | None
    asked_at: float
    used_at: float


class Roll:
    """The credentials that this process has seen lately, and whose they are."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._entries: dict[str, _Entry] = {}
        self._wanted: set[str] = set()
        self._asking: asyncio.Task[None] | None = None
        self._away_until = 0.0

    async def holder(self, reference: str) -> Caller | None:
        """Return whose credential it is; None when it is not good, or not any more.

        Raises `DatabaseAway` where nobody can say.
        """
        began = monotonic()
        oldest = began - FRESH.total_seconds()
        while (entry := self._entries.get(reference)) is None or entry.asked_at < oldest:
            if monotonic() < self._away_until:
                if entry is None or entry.asked_at < began - GRACE.total_seconds():
                    raise DatabaseAway("sessions cannot be looked up")
                break
            self._wanted.add(reference)
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask(), name="credentials")
            # Shared: a caller who hangs up must not take the answer from the others.
            await asyncio.shield(self._asking)
        entry.used_at = began
        return entry.holder

    async def _ask(self) -> None:
        asked_at = monotonic()
        lately = asked_at - ACTIVE.total_seconds()
        active = {
            reference: entry.used_at
            for reference, entry in self._entries.items()
            if entry.holder is not None and entry.used_at > lately
        }
        wanted, self._wanted = self._wanted, set()
        used_at = active | dict.fromkeys(wanted, asked_at)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN.total_seconds()):
                found = await in_thread(self._engine, lambda c: _holders(c, used_at.keys()))
        except (DatabaseAway, TimeoutError):
            self._away_until = monotonic() + AWAY_FOR.total_seconds()
        else:
            self._entries = {
                reference: _Entry(found.get(reference), asked_at, used)
                for reference, used in used_at.items()
            }
        finally:
            self._asking = None


def _holders(connection: sa.Connection, references: Collection[str]) -> dict[str, Caller]:
    rows = connection.execute(_HOLDERS, {"references": list(references)})
    return {
        row.reference: Caller(
            str(row.user_id), row.tenant_id, frozenset(row.permissions), row.reference
        )
        for row in rows
    }
