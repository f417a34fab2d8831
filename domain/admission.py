"""Whether a message may be called for now, waits, or is refused (LM, CF-17, CF-18, IM-14, IM-22).

A `Desk` decides for the messages of one batch, one after the other. What it counts and paces by it
is given, and hands back: whoever stores that in the transaction of the claims has exact limits,
with any number of processes and across their restarts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from operator import attrgetter
from zoneinfo import ZoneInfo

from domain.failures import ErrorCode, Failure, Origin
from domain.rates import NotBefore, Rate, take


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """What a provider lets one sending account do; None where it sets no limit."""

    per_sender: Rate | None = None
    per_pair: Rate | None = None
    """Of one sending account to one recipient."""
    window: timedelta | None = None
    """How long after a person's last message free-form answers are allowed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a sending account may do now."""

    rate: Rate | None = None
    pair_rate: Rate | None = None
    daily_limit: int | None = None
    """Messages admitted a day, or their people (CF-17, WX 12); None: as many as there are."""
    halted_until: datetime | None = None
    """Set while it cannot send: when its next probe may be made."""
    held_until: datetime | None = None
    """Until when its provider has asked to be left alone; may be over."""
    may_probe: bool = False
    """Halted, and the next message is to find out whether it can send again."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """The product's own limits; None where there is none (CF-17, CF-18)."""

    per_case: int | None = None
    """Messages a day to one case."""
    case_interval: timedelta | None = None
    """The least time between two messages to one case."""
    per_recipient: int | None = None
    """Messages a day to one recipient, whoever sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A message at the desk."""

    sender: str
    """`channel:senderId`."""
    recipient: str
    """Of a channel; as a name that is kept with the limits, and that tells nobody who it is."""
    people: Sequence[str] = ()
    """Where the provider counts people and not messages: each of them once, by such a name."""
    case: str | None = None
    """`tenant:case`."""
    urgent: bool = False
    """Somebody waits for it: it fails at once where its sender cannot send."""
    may_wait: bool = False
    """For a used-up limit; else it fails (CF-17)."""
    admitted: bool = False
    """It was called before: a retry is neither counted nor held to an interval again."""
    not_before: datetime | None = None
    """When what else it waits for is over, its recipient's night for one."""
    refusal: Failure | None = None
    """Why it is not sent, whatever the limits say."""


@dataclass(frozen=True, slots=True)
class Go:
    """Call now."""

    probe: bool = False
    """It finds out whether its halted sender can send again."""


class HoldReason(StrEnum):
    """What a message waits for that could be sent otherwise (IM-53)."""

    SENDER_HALTED = "sender_halted"
    QUIET_HOURS = "quiet_hours"
    DAILY_LIMIT = "daily_limit"
    """Of its sender, its recipient or its case."""
    SEND_INTERVAL = "send_interval"
    """Of its case."""
    RATE = "rate"
    """Of its sender, also where the provider asked it for a pause, or of its sender to its
    recipient."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing before then; the failure says why."""

    until: datetime
    failure: Failure
    reason: HoldReason
    sender_is_full: bool = False
    """None of the sender's messages has room, for less than a second or a few."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Never."""

    failure: Failure


Decision = Go | Hold | Refuse

_MOMENT = timedelta(seconds=5)
"""Who waits for less keeps its place in the lane."""
_NO_ROOM = "waits for room"
_HALTED = "the sender cannot send at the moment"
_RESTING = "the provider has asked this sender for a pause"
_LATER = "waits for its time"
_BY_NUMBER = "Daily limit exceeded for this number."
_TOO_MANY = "More people than the daily limit for this number."
_BY_CASE = "Daily limit per case exceeded."
_BY_RECIPIENT = "Daily limit exceeded for this recipient."
_INTERVAL = "Send interval limit."


@dataclass(frozen=True, slots=True)
class _Quota:
    scope: str
    most: int
    said: str
    weight: int = 1
    """How much of it the message uses."""


@dataclass(slots=True)
class Desk:
    """The limits, with what has been used of them so far."""

    now: datetime
    zone: ZoneInfo
    standings: Mapping[str, Standing]
    """By sender."""
    quotas: Quotas = field(default_factory=Quotas)
    used: dict[str, int] = field(default_factory=dict[str, int])
    """Of today's quotas, by scope."""
    arrivals: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """Of the rates, by scope (domain.rates)."""
    probed: set[str] = field(default_factory=set[str])
    """Halted senders of which a message goes."""

    def decide(self, wish: Wish) -> Decision:
        """Decide on a message; when it may go, what it uses is counted."""
        if wish.refusal is not None:
            return Refuse(wish.refusal)
        standing = self.standings.get(wish.sender, Standing())
        obstacle = (
            self._halted(wish, standing)
            or self._resting(standing)
            or self._early(wish)
            or self._quota_used_up(wish, standing)
            or self._too_fast(wish, standing)
        )
        if obstacle is not None:
            return obstacle
        self._count(wish, standing)
        return Go(probe=standing.may_probe)

    def scopes_of(self, wish: Wish) -> tuple[set[str], set[str]]:
        """Return which counts and which arrivals a decision on it needs."""
        standing = self.standings.get(wish.sender, Standing())
        return (
            {quota.scope for quota in self._quotas_of(wish, standing)},
            set(self._rates_of(wish, standing)),
        )

    def _halted(self, wish: Wish, standing: Standing) -> Hold | Refuse | None:
        if standing.halted_until is None:
            return None
        if standing.may_probe and wish.sender not in self.probed:
            return None
        failure = _failure(ErrorCode.WA_ACCOUNT_ABNORMAL, _HALTED)
        until = max(standing.halted_until, self.now)
        return Refuse(failure) if wish.urgent else Hold(until, failure, HoldReason.SENDER_HALTED)

    def _resting(self, standing: Standing) -> Hold | None:
        until = standing.held_until
        if until is None or until <= self.now:
            return None
        failure = _failure(ErrorCode.NETWORK_ERROR, _RESTING)
        return Hold(until, failure, HoldReason.RATE, sender_is_full=until - self.now < _MOMENT)

    def _early(self, wish: Wish) -> Hold | None:
        if wish.not_before is None or wish.not_before <= self.now:
            return None
        failure = _failure(ErrorCode.UNKNOWN_ERROR, _LATER)
        return Hold(wish.not_before, failure, HoldReason.QUIET_HOURS)

    def _quota_used_up(self, wish: Wish, standing: Standing) -> Hold | Refuse | None:
        for quota in self._quotas_of(wish, standing):
            if self.used.get(quota.scope, 0) + quota.weight > quota.most:
                if quota.weight > max(quota.most, 1):
                    return Refuse(_failure(ErrorCode.DAILY_LIMIT_EXCEEDED, _TOO_MANY))
                failure = _failure(ErrorCode.DAILY_LIMIT_EXCEEDED, quota.said)
                if not wish.may_wait:
                    return Refuse(failure)
                return Hold(next_day(self.now, self.zone), failure, HoldReason.DAILY_LIMIT)
        return None

    def _too_fast(self, wish: Wish, standing: Standing) -> Hold | Refuse | None:
        rates = self._rates_of(wish, standing)
        for scope, rate in rates.items():
            taken = take(rate, self.arrivals.get(scope), self.now)
            if isinstance(taken, NotBefore):
                if scope.startswith("pair:"):
                    taken = self._room_for_all(rates)
                return self._held_back(wish, scope, rate, taken)
        return None

    def _held_back(self, wish: Wish, scope: str, rate: Rate, room: NotBefore) -> Hold | Refuse:
        if scope.startswith("case:"):
            failure = _failure(ErrorCode.SEND_INTERVAL_LIMIT, _INTERVAL)
            held = Hold(room.at, failure, HoldReason.SEND_INTERVAL)
            return held if wish.may_wait else Refuse(failure)
        failure = _failure(ErrorCode.NETWORK_ERROR, _NO_ROOM)
        if not scope.startswith("sender:"):
            return Hold(room.at, failure, HoldReason.RATE)
        # Until half of a burst may go: messages are claimed together rather than one by one.
        until = room.at + rate.interval * (rate.burst // 2)
        return Hold(until, failure, HoldReason.RATE, sender_is_full=True)

    def _room_for_all(self, rates: Mapping[str, Rate]) -> NotBefore:
        """Return when none of the pairs among them holds it back any more."""
        taken = (
            take(rate, self.arrivals.get(scope), self.now)
            for scope, rate in rates.items()
            if scope.startswith("pair:")
        )
        return max((one for one in taken if isinstance(one, NotBefore)), key=attrgetter("at"))

    def _count(self, wish: Wish, standing: Standing) -> None:
        for quota in self._quotas_of(wish, standing):
            self.used[quota.scope] = self.used.get(quota.scope, 0) + quota.weight
        for scope, rate in self._rates_of(wish, standing).items():
            taken = take(rate, self.arrivals.get(scope), self.now)
            assert not isinstance(taken, NotBefore)  # noqa: S101 - `_too_fast` has just looked
            self.arrivals[scope] = taken
        if standing.may_probe:
            self.probed.add(wish.sender)

    def _quotas_of(self, wish: Wish, standing: Standing) -> list[_Quota]:
        if wish.admitted:
            return []
        candidates = [
            (f"sender:{wish.sender}", standing.daily_limit, _BY_NUMBER, len(wish.people) or 1),
            (f"recipient:{wish.recipient}", self.quotas.per_recipient, _BY_RECIPIENT, 1),
        ]
        if wish.case is not None:
            candidates.append((f"case:{wish.case}", self.quotas.per_case, _BY_CASE, 1))
        return [
            _Quota(scope, most, said, weight)
            for scope, most, said, weight in candidates
            if most is not None
        ]

    def _rates_of(self, wish: Wish, standing: Standing) -> dict[str, Rate]:
        # The sender's last: who is held back by another has taken nothing of its room.
        rates: dict[str, Rate] = {}
        interval = self.quotas.case_interval
        if wish.case is not None and interval is not None and not wish.admitted:
            rates[f"case:{wish.case}"] = Rate(1 / interval.total_seconds())
        if standing.pair_rate is not None:
            for person in wish.people or (wish.recipient,):
                rates[f"pair:{wish.sender}:{person}"] = standing.pair_rate
        if standing.rate is not None:
            rates[f"sender:{wish.sender}"] = standing.rate
        return rates


def next_day(now: datetime, zone: ZoneInfo) -> datetime:
    """Return when the next day begins there, in UTC."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(UTC)


def _failure(code: ErrorCode, detail: str) -> Failure:
    return Failure(code, Origin.LOCAL, detail=detail)
