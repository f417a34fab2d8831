"""Looks after the sending accounts: tells what waits for each, and alerts whoever can help (IM-54).

Every process looks, and reads what it tells from the tables: so it is right after a restart, and
when another process or `sendtrail senders` has changed it. An alert's message id is derived from
what it is about, so all of them together say it once.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from domain.identity import message_id_for_sender_alert
from runtime import robot_alerts
from runtime.clock import Clock
from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from runtime.robot_alerts import AlertSettings
from schemas.topics.send_requests import SEND_REQUESTS
from services.dispatcher.alert_words import WORDS, What
from services.dispatcher.facts import ACKNOWLEDGED_WITHIN, SOURCE
from services.dispatcher.metrics import (
    DOUBTFUL,
    LANE,
    LATE_MESSAGES,
    OVERDUE,
    SENDERS_HALTED,
    WAITING,
)
from services.dispatcher.store import senders, waiting
from services.dispatcher.store.senders import Sender

log = logging.getLogger(__name__)

LATE: Final = timedelta(minutes=5)
"""What has been due for longer is late, and a pause of that length is worth an alert."""
LATE_LOOKS: Final = 3
"""Looks in a row that find late messages before anybody is told."""
_LONGEST_REASON: Final = 300
_ITSELF: Final = f"{robot_alerts.CHANNEL}:{robot_alerts.ROBOTS}"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something about a sender that somebody has to know, once."""

    sender: str
    what: What
    since: datetime
    """Names it: the same is told once."""
    why: str


@dataclass(frozen=True, slots=True)
class _Seen:
    known: Sequence[Sender]
    due: Mapping[str, datetime]
    late: Mapping[str, int]
    in_doubt: Mapping[str, int]


class Watch:
    """Looks every few seconds."""

    def __init__(
        self,
        engine: sa.Engine,
        producer: Producer,
        settings: AlertSettings,
        queues: Callable[[], Mapping[str, int]],
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._producer = producer
        self._settings = settings
        self._queues = queues
        self._clock = clock
        self._late_looks: dict[str, int] = {}
        self._told: set[tuple[str, What, datetime]] = set()

    async def look(self) -> bool:
        """Set the gauges from the tables, and tell what is new."""
        now = self._clock()
        seen = await in_thread(self._engine, lambda connection: _look(connection, now))
        _show(seen, self._queues(), now)
        self._late_looks = {one: self._late_looks.get(one, 0) + 1 for one in seen.late}
        late = {s: n for s, n in seen.late.items() if self._late_looks[s] >= LATE_LOOKS}
        alerts = [*alerts_of(seen.known, now), *_of_late(late, now)]
        new = [one for one in alerts if (one.sender, one.what, one.since) not in self._told]
        await self._tell(new, now)
        self._told = {(one.sender, one.what, one.since) for one in alerts}
        return False

    async def count(self) -> bool:
        """Count what waits for each sender; reads every waiting message, so not often."""
        now = self._clock()
        counts = await in_thread(self._engine, lambda c: waiting.counts(c, now))
        WAITING.clear()
        for (sender, state), count in counts.items():
            WAITING.labels(sender, state).set(count)
        return False

    async def _tell(self, alerts: Sequence[Alert], now: datetime) -> None:
        for one in alerts:
            if one.what == "late":
                log.warning("messages.late", extra={"sender": one.sender, "count": int(one.why)})
        words = WORDS[self._settings.notice_language]
        requests = [
            robot_alerts.alert(
                message_id_for_sender_alert(one.sender, one.what, one.since),
                words[one.what].format(sender=one.sender, why=one.why[:_LONGEST_REASON]),
                self._settings,
                now,
            )
            for one in alerts
            if self._settings.alert_robot and one.sender != _ITSELF
        ]
        if requests:
            records = SEND_REQUESTS.records(requests, source=SOURCE, at=now)
            await self._producer.publish(records, within=ACKNOWLEDGED_WITHIN)


def alerts_of(known: Sequence[Sender], now: datetime) -> list[Alert]:
    """Return what is to be known of the senders: who is halted, or held for long."""
    found: list[Alert] = []
    for one in known:
        if one.halted_at is not None:
            found.append(Alert(one.sender, "halted", one.halted_at, one.halted_for or "unknown"))
        if one.held_until is not None and one.held_until - now > LATE:
            # Each answer says when anew, a little later or sooner.
            until = (one.held_until + timedelta(seconds=30)).replace(second=0, microsecond=0)
            found.append(Alert(one.sender, "held", until, f"{until:%Y-%m-%d %H:%M} UTC"))
    return found


def _of_late(late: Mapping[str, int], now: datetime) -> list[Alert]:
    # Once an hour for each sender, as long as it lasts.
    hour = now.replace(minute=0, second=0, microsecond=0)
    return [Alert(sender, "late", hour, str(count)) for sender, count in late.items()]


def _look(connection: sa.Connection, now: datetime) -> _Seen:
    known, due = senders.everyone(connection), waiting.due_since(connection, now)
    # That a halted or a held one keeps messages waiting is told of as such.
    resting = {one.sender for one in known if one.halted_at or (one.held_until or now) > now}
    overdue = {sender for sender, since in due.items() if now - since > LATE} - resting
    # Their rate explains it.
    overdue -= waiting.at_their_rates(connection, overdue, now) if overdue else set()
    late = waiting.count_due(connection, overdue, before=now - LATE) if overdue else {}
    return _Seen(known, due, late, waiting.in_doubt(connection))


def _show(seen: _Seen, queued: Mapping[str, int], now: datetime) -> None:
    for gauge in (SENDERS_HALTED, OVERDUE, LANE, DOUBTFUL, LATE_MESSAGES):
        gauge.clear()
    for one in seen.known:
        SENDERS_HALTED.labels(one.sender).set(one.halted_at is not None)
        LATE_MESSAGES.labels(one.sender).set(seen.late.get(one.sender, 0))
    for sender, count in queued.items():
        LANE.labels(sender).set(count)
    for sender, count in seen.in_doubt.items():
        DOUBTFUL.labels(sender).set(count)
    for sender, since in seen.due.items():
        OVERDUE.labels(sender).set(max((now - since).total_seconds(), 0.0))
