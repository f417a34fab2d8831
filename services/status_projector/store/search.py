"""Finds messages page by page: by whatever people ask for, newest or oldest first.

Each index ends in ``(sent_at, id)``, so a page is read in its order from where the one before it
ended. What has no index of its own (channel, sender, direction, type, status) is narrowed by the
tallies: they know which quarters have such messages, however rare they are.
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from services.status_projector.store.narrowing import TALLIED, Page, Wanted, slots

Row = Mapping[str, Any]

COLUMNS: Final = """id, message_id, conversation_id, channel, sender_id, person, sealed,
    sealed_file_name, message_type, message_direction, file_url, file_type, file_error,
    delivery_status, sequence, sent_at, delivered_at, read_at, failed_at, error_code,
    error_message, pricing, category, tenant_id, case_id, queue_id, contact_id, order_id,
    agent_id, job_id, original_message_id, retried, updated_at"""


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
        values["slots"] = slots(connection, wanted, page)
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
    return bool(wanted.statuses or wanted.equal.keys() & (TALLIED - {"tenant_id"}))
