"""The rows of jobs: waiting, fed to the stream, settled or failed; or skipped or cancelled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

import sqlalchemy as sa

from domain.failures import ErrorCode
from domain.identity import JobId, MessageId
from domain.job_rows import News, RowState
from runtime.copying import Field, copy
from runtime.vault import Keyring, Person, Vault
from schemas.sealed import JOB_ITEMS, JobRow
from services.scheduler.store.jobs import Job

_SEALED_AT_ONCE: Final = 10_000
"""Rows whose people are asked for together."""
_COLUMNS: Final = (
    "job_items (job_id, row, message_id, person, sealed, state, error_code, error_detail)"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is skipped."""

    code: ErrorCode
    detail: str
    """Never holds a phone number or content: it is shown and logged."""


ERASED: Final = Refusal(ErrorCode.UNKNOWN_ERROR, "the recipient was erased")
RECALLED: Final = Refusal(ErrorCode.UNKNOWN_ERROR, "the job was cancelled")
"""Of a row that was in the stream and refused there."""


class NewRow(NamedTuple):
    """One recipient of a new job; a tuple, because there are 100,000 of them."""

    row: int
    message_id: MessageId
    who: JobRow
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A row to feed."""

    row: int
    message_id: MessageId
    who: JobRow | None
    """None: the recipient was erased."""


@dataclass(frozen=True, slots=True)
class Settling:
    """A row of whose message there is news."""

    message_id: MessageId
    job_id: JobId
    state: RowState
    cancelled: bool
    """Whether its job is."""
    recalled: bool
    """Whether it was in the stream, and refused there because its job was cancelled."""


def insert(connection: sa.Connection, vault: Vault, job: Job, new: Iterable[NewRow]) -> None:
    """Store the rows of a new job, each sealed under its recipient's key."""
    left, keys = iter(new), Keyring({})
    while some := list(islice(left, _SEALED_AT_ONCE)):
        people = [vault.person(job.channel, one.who.recipient) for one in some]
        # Who is named often is asked for once.
        if lacking := keys.lacks(people):
            keys = keys.joined(vault.sealing(connection, lacking))
        stored = zip(people, some, strict=True)
        copy(connection, _COLUMNS, (_fields(job.job_id, keys, who, one) for who, one in stored))


def waiting(
    connection: sa.Connection, vault: Vault, job_id: JobId, *, limit: int
) -> list[WaitingRow]:
    """Return the next rows to feed, in their order; the job is locked, so the rows need not be."""
    rows = connection.execute(
        sa.text(
            """
            SELECT row, message_id, person, sealed FROM job_items
            WHERE job_id = :job_id AND state = 'waiting' ORDER BY row LIMIT :limit
            """
        ),
        {"job_id": job_id, "limit": limit},
    ).all()
    keys = vault.keyring(connection, {bytes(row.person) for row in rows if row.person})
    return [WaitingRow(row.row, row.message_id, _who(keys, row)) for row in rows]


def count_in_flight(connection: sa.Connection, job_id: JobId) -> int:
    """Return how many of the job's rows are fed and not settled."""
    return connection.execute(
        sa.text("SELECT count(*) FROM job_items WHERE job_id = :job_id AND state = 'fed'"),
        {"job_id": job_id},
    ).scalar_one()


def mark_fed(connection: sa.Connection, job_id: JobId, rows: Sequence[int]) -> None:
    """Note that waiting rows are fed; one that was settled meanwhile stays settled."""
    connection.execute(
        sa.text(
            """
            UPDATE job_items SET state = 'fed'
            WHERE job_id = :job_id AND row = ANY(:rows) AND state = 'waiting'
            """
        ),
        {"job_id": job_id, "rows": list(rows)},
    )


def skip(connection: sa.Connection, job_id: JobId, refusals: Mapping[int, Refusal]) -> int:
    """Note that waiting rows are skipped, each with its reason; returns how many."""
    skipped = connection.execute(
        sa.text(
            """
            UPDATE job_items AS item
            SET state = 'skipped', error_code = refused.code, error_detail = refused.detail
            FROM unnest(
                CAST(:rows AS integer[]), CAST(:codes AS text[]), CAST(:details AS text[])
            ) AS refused (row, code, detail)
            WHERE item.job_id = :job_id AND item.row = refused.row AND item.state = 'waiting'
            """
        ),
        {
            "job_id": job_id,
            "rows": list(refusals),
            "codes": [refusal.code.value for refusal in refusals.values()],
            "details": [refusal.detail for refusal in refusals.values()],
        },
    )
    return skipped.rowcount


def lock_settling(
    connection: sa.Connection, news: Mapping[MessageId, Sequence[News]]
) -> list[Settling]:
    """Return the rows to which the messages' news may mean something, locked.

    The conditions leave out the many that it cannot: each message has up to three changes.
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT item.message_id, item.job_id, item.state, job.status = 'cancelled' AS cancelled,
                item.state = 'cancelled' AND item.error_code IS NOT NULL AS recalled
            FROM job_items AS item JOIN jobs AS job USING (job_id)
            WHERE item.message_id = ANY(:ids) AND (
                item.state IN ('waiting', 'fed', 'cancelled')
                OR (item.state = 'settled' AND item.message_id = ANY(:failed))
                OR (item.state = 'failed' AND item.message_id = ANY(:recovered))
            )
            ORDER BY item.message_id FOR UPDATE OF item
            """
        ),
        {
            "ids": list(news),
            "failed": [one for one, what in news.items() if News.FAILED in what],
            "recovered": [one for one, what in news.items() if News.RECOVERED in what],
        },
    )
    return [
        Settling(row.message_id, row.job_id, RowState(row.state), row.cancelled, row.recalled)
        for row in rows
    ]


def settle(connection: sa.Connection, states: Mapping[MessageId, RowState]) -> None:
    """Give locked rows their states. A cancelled one that was in the stream says so."""
    connection.execute(
        sa.text(
            """
            UPDATE job_items AS item SET state = given.state,
                error_code = CASE given.state WHEN 'cancelled' THEN CAST(:code AS text) END,
                error_detail = CASE given.state WHEN 'cancelled' THEN CAST(:detail AS text) END
            FROM unnest(CAST(:ids AS text[]), CAST(:states AS text[])) AS given (message_id, state)
            WHERE item.message_id = given.message_id
            """
        ),
        {
            "ids": list(states),
            "states": list(states.values()),
            "code": RECALLED.code,
            "detail": RECALLED.detail,
        },
    )


def skip_waiting(connection: sa.Connection, job_id: JobId, refusal: Refusal) -> int:
    """Skip all waiting rows of the locked job for one reason; returns how many."""
    skipped = connection.execute(
        sa.text(
            """
            UPDATE job_items SET state = 'skipped', error_code = :code, error_detail = :detail
            WHERE job_id = :job_id AND state = 'waiting'
            """
        ),
        {"job_id": job_id, "code": refusal.code, "detail": refusal.detail},
    )
    return skipped.rowcount


def cancel_waiting(connection: sa.Connection, job_id: JobId) -> int:
    """Cancel the waiting rows of the locked job; returns how many."""
    cancelled = connection.execute(
        sa.text(
            """
            UPDATE job_items SET state = 'cancelled'
            WHERE job_id = :job_id AND state = 'waiting'
            """
        ),
        {"job_id": job_id},
    )
    return cancelled.rowcount


def _fields(job_id: JobId, keys: Keyring, person: Person, new: NewRow) -> tuple[Field, ...]:
    sealed = keys.seal(person, new.who.packed(), place=JOB_ITEMS)
    named = job_id.encode(), new.row, new.message_id.encode(), person, sealed
    if new.refusal is None:
        return (*named, b"waiting", None, None)
    return (*named, b"skipped", new.refusal.code.encode(), new.refusal.detail.encode())


def _who(keys: Keyring, row: sa.Row[tuple[object, ...]]) -> JobRow | None:
    if row.person is None:
        return None
    plain = keys.open(bytes(row.person), bytes(row.sealed), place=JOB_ITEMS)
    return None if plain is None else JobRow.unpacked(plain)
