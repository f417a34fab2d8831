"""What a sending account may do now: its standing, its limits, and what of them is used."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from domain.rates import Slowed


@dataclass(frozen=True, slots=True)
class Sender:
    """A sending account as it stands in the table."""

    sender: str
    daily_limit: int | None
    is_limited: bool
    """Whether a daily limit holds for it at all."""
    messages_per_second: float | None
    """Its own rate, 0 for any; None: its channel's."""
    slowed: Slowed | None
    halted_at: datetime | None
    halted_for: str | None
    probe_at: datetime | None
    held_until: datetime | None
    """Until when its provider has asked to be left alone; may be over."""


def enter(connection: sa.Connection, senders: Collection[str]) -> None:
    """Make senders known that are heard of for the first time."""
    statement = "INSERT INTO senders (sender) SELECT unnest(CAST(:senders AS text[]))"
    connection.execute(sa.text(statement + " ON CONFLICT DO NOTHING"), {"senders": sorted(senders)})


def of(connection: sa.Connection, names: AbstractSet[str]) -> dict[str, Sender]:
    """Return these senders, by name; those that are not known yet are missing."""
    rows = connection.execute(
        sa.text("SELECT * FROM senders WHERE sender = ANY(:names)"), {"names": sorted(names)}
    )
    return {row["sender"]: _sender(row) for row in rows.mappings()}


def known(connection: sa.Connection, names: AbstractSet[str]) -> dict[str, Sender]:
    """Return these senders, by name; those that are heard of for the first time are entered."""
    rows = of(connection, names)
    if new := names - rows.keys():
        # Waits for whoever enters the same one at this moment: a sender that is seen by nobody
        # would have no limits.
        enter(connection, new)
        rows |= of(connection, new)
    return rows


def everyone(connection: sa.Connection) -> list[Sender]:
    """Return all senders, in the order of their names."""
    rows = connection.execute(sa.text("SELECT * FROM senders ORDER BY sender"))
    return [_sender(row) for row in rows.mappings()]


_DUE_PROBES = sa.text(
    """
    SELECT sender FROM senders
    WHERE sender = ANY(:senders) AND halted_at IS NOT NULL AND probe_at <= :now
    FOR UPDATE SKIP LOCKED
    """
)


def lock_probes(connection: sa.Connection, names: Collection[str], *, now: datetime) -> set[str]:
    """Return which of these halted senders may be probed; nobody else may in the meantime."""
    rows = connection.execute(_DUE_PROBES, {"senders": sorted(names), "now": now})
    return {row.sender for row in rows}


_PROBE = sa.text(
    """
    UPDATE senders SET probe_at = :now + GREATEST(:least, probe_pause)
    WHERE sender = ANY(:senders) AND halted_at IS NOT NULL AND probe_at <= :now
    RETURNING sender
    """
).bindparams(sa.bindparam("least", type_=sa.Interval))


def take_probes(
    connection: sa.Connection, names: Collection[str], *, least: timedelta, now: datetime
) -> set[str]:
    """Take the probes of halted senders that are due; return whose were.

    The next is due after the sender's pause, ``least`` at least.
    """
    values = {"senders": sorted(names), "now": now, "least": least}
    return {row.sender for row in connection.execute(_PROBE, values)}


_PUT_OFF = sa.text(
    """
    UPDATE senders s
    SET probe_at = :now + n.pause, probe_pause = n.pause
    FROM (
        SELECT sender, GREATEST(:least, LEAST(2 * probe_pause, GREATEST(:longest, probe_pause)))
            AS pause
        FROM senders
    ) AS n
    WHERE s.sender = n.sender AND s.sender = ANY(:senders) AND s.halted_at IS NOT NULL
    """
).bindparams(sa.bindparam("least", type_=sa.Interval), sa.bindparam("longest", type_=sa.Interval))


def put_off_probes(
    connection: sa.Connection,
    names: Collection[str],
    *,
    least: timedelta,
    longest: timedelta,
    now: datetime,
) -> None:
    """Probe these later, if they are halted still: pauses double, and none gets shorter."""
    values = {"senders": sorted(names), "now": now, "least": least, "longest": longest}
    connection.execute(_PUT_OFF, values)


@dataclass(frozen=True, slots=True)
class Breakage:
    """Why a sender cannot send, and how long it is left alone before the first probe."""

    reason: str
    pause: timedelta


_HALT = sa.text(
    """
    UPDATE senders s
    SET halted_at = :now, halted_for = p.reason,
        probe_at = CAST(:now AS timestamptz) + p.pause, probe_pause = p.pause
    FROM unnest(
        CAST(:senders AS text[]), CAST(:reasons AS text[]), CAST(:pauses AS interval[])
    ) AS p(sender, reason, pause)
    WHERE s.sender = p.sender AND s.halted_at IS NULL
    RETURNING s.sender, s.halted_for
    """
)


def halt(
    connection: sa.Connection, broken: Mapping[str, Breakage], *, now: datetime
) -> dict[str, str]:
    """Halt senders; return those that were not halted already, with their reasons."""
    names = sorted(broken)
    values = {
        "senders": names,
        "reasons": [broken[name].reason for name in names],
        "pauses": [broken[name].pause for name in names],
        "now": now,
    }
    return {row.sender: row.halted_for for row in connection.execute(_HALT, values)}


_HOLD = sa.text(
    """
    UPDATE senders s SET held_until = h.until
    FROM unnest(CAST(:senders AS text[]), CAST(:untils AS timestamptz[])) AS h(sender, until)
    WHERE s.sender = h.sender AND (s.held_until IS NULL OR s.held_until < h.until)
    RETURNING s.sender, s.held_until
    """
)


def hold(connection: sa.Connection, until: Mapping[str, datetime]) -> dict[str, datetime]:
    """Leave senders alone until then, as their providers asked; never for less than before.

    Returns for whom that is longer than before.
    """
    names = sorted(until)
    values = {"senders": names, "untils": [until[name] for name in names]}
    return {row.sender: row.held_until for row in connection.execute(_HOLD, values)}


def of_channels(connection: sa.Connection, channels: Collection[str]) -> list[str]:
    """Return the senders of these channels."""
    rows = connection.execute(
        sa.text("SELECT sender FROM senders WHERE split_part(sender, ':', 1) = ANY(:channels)"),
        {"channels": sorted(channels)},
    )
    return [row.sender for row in rows]


_RESUME = sa.text(
    """
    WITH before AS (
        SELECT sender, probe_at, held_until FROM senders
        WHERE sender = ANY(:senders) AND (halted_at IS NOT NULL OR held_until > :now)
        FOR UPDATE
    ), woken AS (
        UPDATE dispatch_ledger l SET due_at = :now, updated_at = :now
        FROM before b
        WHERE l.sender = b.sender AND l.state = 'waiting' AND l.due_at > :now
          AND l.due_at IN (b.probe_at, b.held_until)
    )
    UPDATE senders s
    SET halted_at = NULL, halted_for = NULL, probe_at = NULL, probe_pause = NULL, held_until = NULL
    FROM before b WHERE s.sender = b.sender
    RETURNING s.sender
    """
)


def resume(connection: sa.Connection, names: Collection[str], *, now: datetime) -> list[str]:
    """Let halted and held senders send again, with what waits for that; return which were."""
    rows = connection.execute(_RESUME, {"senders": sorted(names), "now": now})
    return [row.sender for row in rows]


_RESUME_PROBED = sa.text(
    """
    UPDATE senders s SET halted_at = NULL, halted_for = NULL, probe_at = NULL, probe_pause = NULL
    WHERE sender = ANY(:senders) AND halted_at IS NOT NULL
      AND (sender = ANY(:accepted) OR NOT EXISTS (
          SELECT FROM sender_outcomes o WHERE o.sender = s.sender AND o.trips > 0))
    RETURNING sender
    """
)


def resume_probed(
    connection: sa.Connection, answered: Collection[str], accepted: Collection[str]
) -> list[str]:
    """Let senders send again whose probes were answered; return which were halted.

    One that was halted by its failures sends again only when a message was accepted.
    """
    values = {"senders": sorted(answered), "accepted": sorted(accepted)}
    return [row.sender for row in connection.execute(_RESUME_PROBED, values)]


_SLOW = sa.text(
    """
    UPDATE senders s SET slowed_to = n.part, slowed_at = n.at
    FROM unnest(
        CAST(:senders AS text[]), CAST(:parts AS float[]), CAST(:ats AS timestamptz[])
    ) AS n(sender, part, at)
    WHERE s.sender = n.sender
    """
)


def slow_down(connection: sa.Connection, slowed: Mapping[str, Slowed]) -> None:
    """Enter that providers had no room."""
    names = sorted(slowed)
    values = {
        "senders": names,
        "parts": [slowed[name].to for name in names],
        "ats": [slowed[name].at for name in names],
    }
    connection.execute(_SLOW, values)


def lock_counts(connection: sa.Connection, scopes: Collection[str], day: date) -> dict[str, int]:
    """Return what is used of the day's quotas, locked until the transaction ends."""
    if not scopes:
        return {}
    values = {"scopes": sorted(scopes), "day": day}
    connection.execute(
        sa.text(
            """
            INSERT INTO send_counts (scope, day, used)
            SELECT unnest(CAST(:scopes AS text[])), :day, 0 ON CONFLICT DO NOTHING
            """
        ),
        values,
    )
    rows = connection.execute(
        sa.text(
            """
            SELECT scope, used FROM send_counts
            WHERE scope = ANY(:scopes) AND day = :day ORDER BY scope FOR UPDATE
            """
        ),
        values,
    )
    return {row.scope: row.used for row in rows}


def set_counts(connection: sa.Connection, used: Mapping[str, int], day: date) -> None:
    """Store what is used of locked quotas."""
    statement = sa.text(
        """
        UPDATE send_counts c SET used = n.used
        FROM unnest(CAST(:scopes AS text[]), CAST(:used AS integer[])) AS n(scope, used)
        WHERE c.scope = n.scope AND c.day = :day
        """
    )
    values = {"scopes": list(used), "used": list(used.values()), "day": day}
    connection.execute(statement, values)


def lock_arrivals(
    connection: sa.Connection, scopes: Collection[str], now: datetime
) -> dict[str, datetime]:
    """Return the rates' next arrivals, locked until the transaction ends."""
    if not scopes:
        return {}
    values = {"scopes": sorted(scopes), "now": now}
    connection.execute(
        sa.text(
            """
            INSERT INTO send_arrivals (scope, next_at)
            SELECT unnest(CAST(:scopes AS text[])), :now ON CONFLICT DO NOTHING
            """
        ),
        values,
    )
    rows = connection.execute(
        sa.text(
            """
            SELECT scope, next_at FROM send_arrivals
            WHERE scope = ANY(:scopes) ORDER BY scope FOR UPDATE
            """
        ),
        values,
    )
    return {row.scope: row.next_at for row in rows}


def set_arrivals(connection: sa.Connection, arrivals: Mapping[str, datetime]) -> None:
    """Store the next arrivals of locked rates."""
    statement = sa.text(
        """
        UPDATE send_arrivals a SET next_at = n.at
        FROM unnest(CAST(:scopes AS text[]), CAST(:ats AS timestamptz[])) AS n(scope, at)
        WHERE a.scope = n.scope
        """
    )
    connection.execute(statement, {"scopes": list(arrivals), "ats": list(arrivals.values())})


def used_today(connection: sa.Connection, names: Iterable[str], day: date) -> dict[str, int]:
    """Return how many messages of these senders were admitted that day (LM-02)."""
    scopes = {f"sender:{name}": name for name in names}
    rows = connection.execute(
        sa.text("SELECT scope, used FROM send_counts WHERE scope = ANY(:scopes) AND day = :day"),
        {"scopes": list(scopes), "day": day},
    )
    return {scopes[row.scope]: row.used for row in rows}


def forget(connection: sa.Connection, *, before: date, arrived_before: datetime) -> None:
    """Drop counts of past days, and rates that nobody has used for long."""
    connection.execute(sa.text("DELETE FROM send_counts WHERE day < :day"), {"day": before})
    connection.execute(
        sa.text(
            """
            DELETE FROM send_arrivals WHERE scope IN (
                SELECT scope FROM send_arrivals WHERE next_at < :before
                LIMIT 10000 FOR UPDATE SKIP LOCKED)
            """
        ),
        {"before": arrived_before},
    )


def limit(connection: sa.Connection, sender: str, daily: int | None) -> None:
    """Give a sender a daily limit of its own; None: none at all (CF-17)."""
    connection.execute(
        sa.text(
            """
            INSERT INTO senders (sender, daily_limit, is_limited) VALUES (:sender, :daily, :has)
            ON CONFLICT (sender) DO UPDATE
            SET daily_limit = excluded.daily_limit, is_limited = excluded.is_limited
            """
        ),
        {"sender": sender, "daily": daily, "has": daily is not None},
    )


def pace(connection: sa.Connection, sender: str, per_second: float | None) -> None:
    """Give a sender a rate of its own, 0 for any; None: its channel's again."""
    connection.execute(
        sa.text("UPDATE senders SET messages_per_second = :rate WHERE sender = :sender"),
        {"sender": sender, "rate": per_second},
    )


def _sender(row: sa.RowMapping) -> Sender:
    slowed_at = row["slowed_at"]
    return Sender(
        row["sender"],
        row["daily_limit"],
        row["is_limited"],
        row["messages_per_second"],
        None if slowed_at is None else Slowed(row["slowed_to"], slowed_at),
        row["halted_at"],
        row["halted_for"],
        row["probe_at"],
        row["held_until"],
    )
