"""Forgets one person, everywhere, and says what was forgotten (SE-03, IM-33, IM-46).

Everything in the database is one transaction; the files follow, and their rows after them. Whoever
dies in between is finished by asking again: a second time finds what is left, or nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runtime import audit
from runtime.audit import Action
from runtime.callers import Caller
from runtime.clock import Clock
from runtime.media import MediaStore
from runtime.postgres import transaction
from runtime.vault import Person, Vault
from services.administration.store import erasure


@dataclass(frozen=True, slots=True)
class Report:
    """What an erasure came to. Nothing in it says whose it was."""

    erasure: int
    ended_at: datetime
    counts: Mapping[str, int]
    """Rows by table, and `files`; those of which there were any."""


class Eraser:
    """Forgets people."""

    def __init__(self, engine: sa.Engine, vault: Vault, media: MediaStore, clock: Clock) -> None:
        self._engine = engine
        self._vault = vault
        self._media = media
        self._clock = clock

    def erase(self, channel: str, address: str, caller: Caller) -> Report:
        """Forget whoever has this address there; they are not written to any more. Blocks.

        Raises `TryAgainLater`: what is done stays done, and asking again does the rest.
        """
        person = self._vault.person(channel, address)
        with transaction(self._engine) as connection:
            number = erasure.begin(
                connection, person, channel, asked_by=caller.user_id, now=self._clock()
            )
        with transaction(self._engine) as connection:
            now = self._clock()
            counts = erasure.forget_everywhere(connection, person, channel, address, now=now)
        counts["files"] = self._forget_files(person)
        counts = {what: count for what, count in counts.items() if count}
        now = self._clock()
        with transaction(self._engine) as connection:
            erasure.end(connection, number, counts, now=now)
            audit.note(connection, caller, Action.PERSON_ERASE, f"erasure {number}")
        return Report(number, now, counts)

    def _forget_files(self, person: Person) -> int:
        with transaction(self._engine) as connection:
            files = erasure.files_of(connection, person)
        for key in files.values():
            self._media.delete(key)
        with transaction(self._engine) as connection:
            erasure.forget_files(connection, list(files))
        return len(files)
