"""Halts senders of which a callback says that they cannot send (IM-55, WA 3, WA 10).

Some providers take a message first and say afterwards that the account is locked or has not paid;
and they tell of bans by notices. The breaker would see it after a window of failures only.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from domain.failures import FailureClass
from providers.failure_classes import class_of
from providers.first_pauses import first_pause
from providers.whatsapp.account_notices import Stopped, stopped_by
from runtime.clock import Clock
from runtime.postgres import in_thread
from schemas.topics.provider_events import NoticeReceived, ProviderEvent, StatusReported
from services.dispatcher.facts import failure_of
from services.dispatcher.standing import Changes, reason_for, tell
from services.dispatcher.store import senders
from services.dispatcher.store.senders import Breakage

log = logging.getLogger(__name__)

RECENT: Final = timedelta(minutes=10)
"""What happened before says nothing of now: callbacks may come days late (WA 7.4)."""
PAUSE: Final = timedelta(minutes=15)
"""The least before a probe: that one is accepted proves little of who fails afterwards."""
_WHATSAPP: Final = "whatsapp"


class Reported:
    """Hears what providers say of our accounts."""

    def __init__(
        self,
        engine: sa.Engine,
        business_account: str | None,
        clock: Clock,
        *,
        probe_within: timedelta,
    ) -> None:
        """``business_account``: the one whose numbers send, None: any.

        ``probe_within``: the longest pause before a first probe.
        """
        self._engine = engine
        self._business_account = business_account
        self._clock = clock
        self._probe_within = probe_within

    async def hear(self, events: Sequence[ProviderEvent]) -> None:
        """Halt whom they speak of, committed."""
        now = self._clock()
        broken = {
            f"{one.channel}:{one.sender_id}": breakage
            for one in events
            if isinstance(one, StatusReported) and (breakage := breakage_of(one, now))
        }
        notices = [one for one in events if isinstance(one, NoticeReceived)]
        stops = [stop for one in notices if (stop := self._stop_of(one, now))]
        if broken or stops:
            tell(
                Changes(await in_thread(self._engine, lambda c: self._halt(c, broken, stops, now)))
            )

    def _halt(
        self,
        connection: sa.Connection,
        broken: Mapping[str, Breakage],
        stops: Sequence[Stopped],
        now: datetime,
    ) -> dict[str, str]:
        numbers = senders.of_channels(connection, [_WHATSAPP]) if stops else []
        for stop in stops:
            # Which of several numbers it is, a number as people write it does not tell.
            if stop.is_account or len(numbers) == 1:
                broken = {number: Breakage(stop.reason, PAUSE) for number in numbers} | {**broken}
        sooner = {
            sender: Breakage(one.reason, min(one.pause, self._probe_within))
            for sender, one in broken.items()
        }
        return senders.halt(connection, sooner, now=now) if sooner else {}

    def _stop_of(self, notice: NoticeReceived, now: datetime) -> Stopped | None:
        """Return what a notice stops of our numbers."""
        if notice.channel != _WHATSAPP or not _is_recent(notice.occurred_at or now, now):
            return None
        stopped = stopped_by(notice.kind, notice.content)
        if stopped is None:
            return None
        is_ours = self._business_account in {None, notice.account_id}
        log.error("account.reported", extra={"reason": stopped.reason, "is_ours": is_ours})
        return stopped if is_ours else None


def breakage_of(report: StatusReported, now: datetime) -> Breakage | None:
    """Return why the sender of a message that is reported failed cannot send others either."""
    if report.status != "failed" or report.failure is None or report.sender_id is None:
        return None
    code = report.failure.provider_code
    if code is None or not _is_recent(report.occurred_at, now):
        return None
    if class_of(report.channel, code) is not FailureClass.SENDER_BROKEN:
        return None
    reason = reason_for(failure_of(report.failure))
    return Breakage(reason, max(first_pause(report.channel, code), PAUSE))


def _is_recent(at: datetime, now: datetime) -> bool:
    return now - at < RECENT
