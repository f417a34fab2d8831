"""Halts senders too many of whose messages fail, instead of burning their queues (IM-55).

What counts: each acceptance; each refusal by the provider, and each attempt or doubt given up,
that may be the account's or the provider's fault; and each accepted message that is reported failed
for such a reason. What is the recipient's own, or the content's, counts for nothing; nor does what
we refuse ourselves. Counted in memory and stored each second: a process that dies forgets no more.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from domain.breaker import Breaker, Outcomes, Verdict, learn, may_blame_sender, pause_of
from domain.failures import ErrorCode, Failure, Origin
from domain.ledger import Accept, Reject
from providers.contract import Blamer, Channel
from runtime.clock import Clock
from runtime.postgres import in_thread
from schemas.topics.provider_events import ProviderEvent, StatusReported
from services.dispatcher.facts import failure_of
from services.dispatcher.standing import Changes, tell
from services.dispatcher.store import outcomes, senders
from services.dispatcher.work import Ended

_REACHED: Final = Outcomes(reached=1)
_FAILED: Final = Outcomes(failed=1)
_FAILED_LATE: Final = Outcomes(reached=-1, failed=1)


class SenderBreaker:
    """Counts what becomes of the senders' messages, and halts who fails too often."""

    def __init__(
        self,
        engine: sa.Engine,
        channels: Mapping[str, Channel],
        breaker: Breaker,
        *,
        lasts: timedelta,
        clock: Clock,
    ) -> None:
        """``lasts``: how long a window that does not fill goes on."""
        self._engine = engine
        self._channels = channels
        self._breaker = breaker
        self._lasts = lasts
        self._clock = clock
        self._more: defaultdict[str, Outcomes] = defaultdict(Outcomes)

    @property
    def is_off(self) -> bool:
        """Whether no sender is ever halted by its failures."""
        return self._breaker.after == 0

    def ended(self, ended: Sequence[Ended]) -> None:
        """Count how attempts ended."""
        for one in ended:
            match one.verdict:
                case Accept():
                    self._count(one.work.sender, _REACHED)
                case Reject(failure) if one.work.refusal is None:
                    self.failed(one.work.sender, failure)
                case _:
                    pass

    def failed(self, sender: str, failure: Failure) -> None:
        """Count a message that was not accepted, where the sender may be to blame."""
        if self._may_blame(sender.partition(":")[0], failure):
            self._count(sender, _FAILED)

    async def hear(self, events: Sequence[ProviderEvent]) -> None:
        """Count accepted messages that are reported failed, each once (also when told again)."""
        reports = [one for one in events if isinstance(one, StatusReported)]
        reports = [one for one in reports if not self.is_off and self._speaks_against(one)]
        if not reports:
            return
        now = self._clock()
        for sender in await in_thread(
            self._engine, lambda connection: outcomes.fail(connection, reports, now=now)
        ):
            self._count(sender, _FAILED_LATE)

    async def judge(self) -> bool:
        """Store what has been counted and halt whose window has tripped; never more at once."""
        if not self._more:
            return False
        more, self._more = self._more, defaultdict(Outcomes)
        now = self._clock()
        try:
            halted = await in_thread(self._engine, lambda c: self._enter(c, more, now))
        except BaseException:
            for sender, one in more.items():
                self._more[sender] += one
            raise
        tell(Changes(halted))
        return False

    def _enter(
        self, connection: sa.Connection, more: Mapping[str, Outcomes], now: datetime
    ) -> dict[str, str]:
        # What is heard of a halted sender's earlier messages is old news.
        windows = outcomes.lock(connection, more.keys(), now=now)
        judged = {
            sender: learn(self._breaker, self._lasts, window, more[sender], now)
            for sender, window in windows.items()
        }
        outcomes.store(connection, {sender: one.next for sender, one in judged.items()})
        broken: dict[str, senders.Breakage] = {}
        for sender, one in judged.items():
            if one.verdict is Verdict.TRIPPED:
                reason = f"{one.outcomes.failed} of the last {one.outcomes.known} messages failed"
                pause = pause_of(one.next.trips)
                broken[sender] = senders.Breakage(reason, pause)
        return senders.halt(connection, broken, now=now) if broken else {}

    def _count(self, sender: str, outcome: Outcomes) -> None:
        if not self.is_off:
            self._more[sender] += outcome

    def _speaks_against(self, report: StatusReported) -> bool:
        # A participant's failure is not the message's.
        if report.status != "failed" or report.participant is not None:
            return False
        unknown = Failure(ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER)
        failure = unknown if report.failure is None else failure_of(report.failure)
        return self._may_blame(report.channel, failure)

    def _may_blame(self, channel: str, failure: Failure) -> bool:
        judge = self._channels.get(channel)
        is_of_message = isinstance(judge, Blamer) and judge.is_of_message(failure)
        return may_blame_sender(failure.code) and not is_of_message
