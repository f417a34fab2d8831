"""The tallies of messages: moved with their statuses, and checked by counting the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from services.status_projector.tallies import (
    DAY,
    MEASURES,
    QUARTER,
    Group,
    Tallies,
    with_days,
)

KEYS: Final = (
    "span",
    "slot",
    "tenant_id",
    "channel",
    "sender_id",
    "message_direction",
    "message_type",
    "category",
)
_TYPES: Final = ("text", "timestamptz", *["text"] * 6, *["bigint"] * len(MEASURES))

_MOVE: Final = sa.text(
    f"""
    INSERT INTO message_tallies AS t ({", ".join((*KEYS, *MEASURES))})
    SELECT * FROM unnest(
        {", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in zip((*KEYS, *MEASURES), _TYPES, strict=True))}
    )
    ON CONFLICT ({", ".join(KEYS)}) DO UPDATE
    SET {", ".join(f"{name} = t.{name} + EXCLUDED.{name}" for name in MEASURES)}
    """  # noqa: S608, E501 - our own words only
)


def move(connection: sa.Connection, quarters: Tallies, zone: ZoneInfo) -> None:
    """Move the tallies; last of the batch, because everybody moves those of the present quarter.

    In the order of their groups, so that no two projectors wait for each other.
    """
    _add(connection, with_days(quarters, zone))


def _add(connection: sa.Connection, tallies: Tallies) -> None:
    groups = sorted(tallies)
    columns: dict[str, list[Any]] = {
        name: [group[place] for group in groups] for place, name in enumerate(KEYS)
    }
    columns |= {
        name: [tallies[group][place] for group in groups] for place, name in enumerate(MEASURES)
    }
    connection.execute(_MOVE, columns)


_COUNTED: Final = ", ".join(
    [
        *(f"count(*) FILTER (WHERE delivery_status = '{name}') AS {name}" for name in MEASURES[:6]),
        (
            "count(*) FILTER (WHERE delivery_status IN ('sent', 'delivered', 'read')"
            " AND CAST(pricing -> 'pricing' ->> 'billable' AS boolean)) AS billable"
        ),
        *(
            f"count({moment}) FILTER (WHERE {outbound}) AS {name},"
            f" coalesce(sum(greatest(0, floor(1000 * extract(epoch FROM {moment} - sent_at))))"
            f" FILTER (WHERE {outbound}), 0) AS {name}_ms"
            for outbound in ("message_direction = 'outbound'",)
            for name, moment in (("accepted", "accepted_at"), ("arrived", "delivered_at"))
        ),
    ]
)
_SLOT_OF: Final = {
    QUARTER: "date_bin('15 minutes', sent_at, TIMESTAMPTZ '2000-01-01 00:00+00')",
    DAY: "date_trunc('day', sent_at, :zone)",
}


def count_of(span: str) -> str:
    """Return the query for what the tallies of [since, before) must be: it counts the rows."""
    return f"""
    SELECT '{span}' AS span, {_SLOT_OF[span]} AS slot,
           coalesce(tenant_id, '') AS tenant_id, channel, sender_id, message_direction,
           message_type, coalesce(category, '') AS category, {_COUNTED}
    FROM messages WHERE sent_at >= :since AND sent_at < :before GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    """  # noqa: S608 - our own words only


_BESIDE: Final = ", ".join(
    f"coalesce(k.{name}, 0) AS kept_{name}, coalesce(c.{name}, 0) AS {name}" for name in MEASURES
)
_DIFFER: Final = {
    span: sa.text(
        f"""
        WITH counted AS ({count_of(span)}), kept AS (
            SELECT * FROM message_tallies
            WHERE span = '{span}' AND slot >= :since AND slot < :before
        )
        SELECT {", ".join(KEYS)}, {_BESIDE}
        FROM kept k FULL JOIN counted c USING ({", ".join(KEYS)})
        WHERE {" OR ".join(f"coalesce(k.{n}, 0) <> coalesce(c.{n}, 0)" for n in MEASURES)}
        ORDER BY {", ".join(KEYS)}
        """  # noqa: S608 - our own words only
    )
    for span in (QUARTER, DAY)
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A group whose tally is not what counting its messages gives."""

    group: Group
    kept: Mapping[str, int]
    counted: Mapping[str, int]


def differences(
    connection: sa.Connection, since: datetime, before: datetime, zone: ZoneInfo
) -> Sequence[Difference]:
    """Compare the tallies of [since, before), which begin with days there, with counting the rows.

    One statement a span, so that both sides are of the same moment, whatever the projector does
    meanwhile. Tallies outlive the messages that retention drops: ``since`` lies behind those.
    """
    values = {"since": since, "before": before, "zone": zone.key}
    return [
        Difference(
            Group(*(row[name] for name in KEYS)),
            {name: int(row[f"kept_{name}"]) for name in MEASURES},
            {name: int(row[name]) for name in MEASURES},
        )
        for statement in _DIFFER.values()
        for row in connection.execute(statement, values).mappings()
    ]


def put_right(connection: sa.Connection, differing: Sequence[Difference]) -> None:
    """Let tallies say what counting the rows gave, in the same transaction."""
    missing = {
        one.group: [one.counted[name] - one.kept[name] for name in MEASURES] for one in differing
    }
    _add(connection, missing)


_ASTRAY: Final = sa.text(
    """
    SELECT EXISTS (
        SELECT FROM message_tallies
        WHERE span = 'day' AND date_trunc('day', slot, :zone) <> slot
    )
    """
)
_RENEW: Final = f"""
    INSERT INTO message_tallies ({", ".join((*KEYS, *MEASURES))})
    SELECT 'day', date_trunc('day', slot, :zone), {", ".join(KEYS[2:])},
           {", ".join(f"sum({name})" for name in MEASURES)}
    FROM message_tallies WHERE span = 'quarter' GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""  # noqa: S608 - our own words only


def renew_days(connection: sa.Connection, zone: ZoneInfo) -> bool:
    """Count the days anew where they begin on another zone's clock; return whether they did.

    After APP_TIMEZONE was changed. Whoever moves tallies waits for it.
    """
    values = {"zone": zone.key}
    if not connection.execute(_ASTRAY, values).scalar_one():
        return False
    connection.execute(sa.text("LOCK TABLE message_tallies IN EXCLUSIVE MODE"))
    connection.execute(sa.text("DELETE FROM message_tallies WHERE span = 'day'"))
    connection.execute(sa.text(_RENEW), values)
    return True
