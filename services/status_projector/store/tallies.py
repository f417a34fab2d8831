"""The tallies of messages: moved with their statuses, and checked by counting the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from services.status_projector.tallies import MEASURES, Group, Tallies

KEYS: Final = (
    "slot",
    "tenant_id",
    "channel",
    "sender_id",
    "message_direction",
    "message_type",
    "category",
)
_TYPES: Final = ("timestamptz", *["text"] * 6, *["bigint"] * len(MEASURES))

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


def move(connection: sa.Connection, tallies: Tallies) -> None:
    """Move the tallies; last of the batch, because everybody moves those of the present quarter.

    In the order of their groups, so that no two projectors wait for each other.
    """
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
COUNT: Final = f"""
    SELECT date_bin('15 minutes', sent_at, TIMESTAMPTZ '2000-01-01 00:00+00') AS slot,
           coalesce(tenant_id, '') AS tenant_id, channel, sender_id, message_direction,
           message_type, coalesce(category, '') AS category, {_COUNTED}
    FROM messages WHERE sent_at >= :since AND sent_at < :before GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608 - our own words only
"""What the tallies of [since, before) must be, by counting the rows."""

_DIFFER: Final = sa.text(
    f"""
    WITH counted AS ({COUNT}
    ), kept AS (
        SELECT * FROM message_tallies WHERE slot >= :since AND slot < :before
    )
    SELECT {", ".join(KEYS)},
           {", ".join(f"coalesce(k.{n}, 0) AS kept_{n}, coalesce(c.{n}, 0) AS {n}" for n in MEASURES)}
    FROM kept k FULL JOIN counted c USING ({", ".join(KEYS)})
    WHERE {" OR ".join(f"coalesce(k.{n}, 0) <> coalesce(c.{n}, 0)" for n in MEASURES)}
    ORDER BY {", ".join(KEYS)}
    """  # noqa: S608, E501 - our own words only
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A group whose tally is not what counting its messages gives."""

    group: Group
    kept: Mapping[str, int]
    counted: Mapping[str, int]


def differences(
    connection: sa.Connection, since: datetime, before: datetime
) -> Sequence[Difference]:
    """Compare the tallies of [since, before), which begin at quarters, with counting the rows.

    One statement, so that both sides are of the same moment, whatever the projector does meanwhile.
    Tallies outlive the messages that retention has dropped: ``since`` lies behind those.
    """
    rows = connection.execute(_DIFFER, {"since": since, "before": before}).mappings()
    return [
        Difference(
            Group(*(row[name] for name in KEYS)),
            {name: int(row[f"kept_{name}"]) for name in MEASURES},
            {name: int(row[name]) for name in MEASURES},
        )
        for row in rows
    ]
