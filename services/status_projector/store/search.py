"""Finds messages page by page: by whatever people ask for, newest or oldest first.

Each index ends in ``(sent_at, id)``, so a page is read in its order from where the one before it
ended. What has no index of its own (channel, sender, direction, type, status) is narrowed by the
tallies: they know which quarters have such messages, however rare they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from runtime.vault import Person
from services.status_projector.cursors import Cursor
from services.status_projector.tallies import slot_of

Row = Mapping[str, Any]

COLUMNS: Final = """id, message_id, conversation_id, channel, sender_id, person, sealed,
    sealed_file_name, message_type, message_direction, file_url, file_type, file_error,
    delivery_status, sequence, sent_at, delivered_at, read_at, failed_at, error_code,
    error_message, pricing, category, tenant_id, case_id, queue_id, contact_id, order_id,
    agent_id, job_id, original_message_id, retried, updated_at"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which messages; what is None does not matter."""

    people: Sequence[Person] | None = None
    """One of these: who it is on each channel that is asked for."""
    statuses: Sequence[str] | None = None
    since: datetime | None = None
    before: datetime | None = None
    equal: Mapping[str, str] = field(default_factory=dict[str, str])
    """By column."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of them, in which order."""

    limit: int
    newest_first: bool
    behind: Cursor[int] | None = None
    """Only what follows this row in the order."""


STATUSES: Final = ("pending", "sending", "sent", "delivered", "read", "failed")
_TALLIED: Final = frozenset(
    {"tenant_id", "channel", "sender_id", "message_direction", "message_type"}
)
_SELECTIVE: Final = frozenset(
    {
        "agent_id",
        "case_id",
        "contact_id",
        "conversation_id",
        "error_code",
        "job_id",
        "message_id",
        "order_id",
    }
)
"""With an index of its own: nothing has to be narrowed."""


def find(connection: sa.Connection, wanted: Wanted, page: Page) -> list[Row]:
    """Return a page of the messages that are wanted, in the order of sent_at."""
    conditions, values = _conditions(wanted, page)
    order = "DESC" if page.newest_first else "ASC"
    ordered = f"ORDER BY sent_at {order}, id {order} LIMIT :limit"
    values["limit"] = page.limit
    if _needs_narrowing(wanted):
        values["slots"] = _slots(connection, wanted, page)
        conditions += ["sent_at >= s.slot", "sent_at < s.slot + INTERVAL '15 minutes'"]
        inner = f"SELECT {COLUMNS} FROM messages WHERE {' AND '.join(conditions)} {ordered}"  # noqa: S608 - our own words only
        statement = (
            "SELECT m.* FROM unnest(CAST(:slots AS timestamptz[])) AS s(slot)"  # noqa: S608 - the same
            f" CROSS JOIN LATERAL ({inner}) AS m {ordered}"
        )
    else:
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = f"SELECT {COLUMNS} FROM messages{where} {ordered}"  # noqa: S608 - the same
    return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]


def _conditions(wanted: Wanted, page: Page) -> tuple[list[str], dict[str, Any]]:
    conditions = [f"{column} = :{column}" for column in wanted.equal]
    values: dict[str, Any] = dict(wanted.equal)
    if wanted.people is not None:
        # One at a time where it is one: only then its index gives the order.
        one = len(wanted.people) == 1
        conditions.append("person = :person" if one else "person = ANY(:person)")
        values["person"] = wanted.people[0] if one else list(wanted.people)
    if wanted.statuses is not None:
        conditions.append("delivery_status = ANY(:statuses)")
        values["statuses"] = list(wanted.statuses)
    for name, sign in (("since", ">="), ("before", "<")):
        if (moment := getattr(wanted, name)) is not None:
            conditions.append(f"sent_at {sign} :{name}")
            values[name] = moment
    if page.behind is not None:
        sign = "<" if page.newest_first else ">"
        conditions.append(f"(sent_at, id) {sign} (:behind_at, :behind_id)")
        values |= {"behind_at": page.behind.at, "behind_id": page.behind.id}
    return conditions, values


def _needs_narrowing(wanted: Wanted) -> bool:
    if wanted.people is not None or wanted.equal.keys() & _SELECTIVE:
        return False
    # By tenant alone there is an index.
    return bool(wanted.statuses or wanted.equal.keys() & (_TALLIED - {"tenant_id"}))


def _slots(connection: sa.Connection, wanted: Wanted, page: Page) -> list[datetime]:
    """Return the quarters, in the page's order, that together fill it."""
    conditions = ["span = 'quarter'"]
    conditions += [f"{column} = :{column}" for column in wanted.equal if column in _TALLIED]
    values: dict[str, Any] = dict(wanted.equal)
    bounds = [
        ("since", ">=", wanted.since and slot_of(wanted.since)),
        ("before", "<", wanted.before),
        ("behind", "<=" if page.newest_first else ">=", page.behind and slot_of(page.behind.at)),
    ]
    for name, sign, moment in bounds:
        if moment is not None:
            conditions.append(f"slot {sign} :{name}")
            values[name] = moment
    counted = " + ".join(wanted.statuses or STATUSES)
    order = "DESC" if page.newest_first else "ASC"
    statement = f"""
        SELECT slot, sum({counted}) AS found FROM message_tallies
        WHERE {" AND ".join(conditions)}
        GROUP BY slot HAVING sum({counted}) > 0 ORDER BY slot {order} LIMIT :limit
    """  # noqa: S608 - our own words only
    # Of the quarters at the edges perhaps no message belongs to the page.
    edges = [moment for moment in (wanted.since, wanted.before) if moment is not None]
    edges += [] if page.behind is None else [page.behind.at]
    open_ends = {slot_of(moment) for moment in edges}
    values["limit"] = page.limit + len(open_ends)
    slots: list[datetime] = []
    room = page.limit
    for slot, found in connection.execute(sa.text(statement), values):
        if room <= 0:
            break
        slots.append(slot)
        room -= 0 if slot in open_ends else int(found)
    return slots
