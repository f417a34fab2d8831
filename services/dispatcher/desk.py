"""Decides in the claims' own transaction which messages may be called now (domain/admission.py).

Whatever a decision rests on is read, and whatever it uses up is stored, in the transaction that
enters the claim: so limits are exact with any number of dispatchers, and survive all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import Final

import sqlalchemy as sa

from domain.admission import (
    ChannelLimits,
    Desk,
    Go,
    Hold,
    Quotas,
    Refuse,
    Standing,
    Wish,
)
from domain.failures import ErrorCode, Failure, Origin
from domain.ledger import EntryState, Tries
from domain.rates import PRESUMED, evenly, part_of, slower
from providers.contract import Channel
from runtime.vault import Vault
from schemas.topics.send_requests import SEND_REQUESTS
from services.dispatcher import fallbacks
from services.dispatcher.screening import Screened, Screening
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.standing import PROBE_EVERY
from services.dispatcher.store import crowds, doubts, ledger, senders
from services.dispatcher.store.opening import Due
from services.dispatcher.work import Asked, Claimed, Held, message_of

SWEEP_LIMIT: Final = 500
TOLD_FROM: Final = timedelta(seconds=5)
"""Who waits for less is not told of: it would be over when it is read."""
_HALTED: Final = Failure(
    ErrorCode.WA_ACCOUNT_ABNORMAL, Origin.LOCAL, detail="the sender could not send for too long"
)
_AHEAD: Final = 0.2
"""Seconds of a sender's rate that are looked at together: more could not go now."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What became of requests from the stream; those that are named nowhere were known before."""

    ours: Mapping[str, Claimed]
    """To be called or refused now, by message id."""
    put_back: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """Not entered: their senders have no room before then."""
    held: Sequence[Held] = ()
    """Entered as waiting, for longer than a moment."""


@dataclass(frozen=True, slots=True)
class DueClaims:
    """What became of waiting messages that were due."""

    ours: Sequence[Claimed]
    accepted: Sequence[tuple[Claimed, str]]
    """Those of ours that a provider is known to have, with its ids."""
    full: Mapping[str, datetime]
    """Senders without room, until then."""
    more: frozenset[str]
    """Senders of whom more may be due."""
    held: Sequence[Held]
    """Which wait for longer than another moment."""


class Admission:
    """Claims messages, as far as the limits let them through."""

    def __init__(
        self,
        settings: DispatcherSettings,
        channels: Mapping[str, Channel],
        keeps: ledger.Keeps,
        vault: Vault,
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._channels = channels
        self._keeps = keeps
        self._screening = Screening(settings, channels, vault)
        self._quotas = Quotas(
            per_case=settings.case_daily_limit,
            case_interval=settings.case_send_interval,
            per_recipient=settings.recipient_daily_limit,
        )

    def claim(
        self, connection: sa.Connection, asked: Sequence[Asked], *, owner: str, now: datetime
    ) -> Claims:
        """Enter requests from the stream; claim those that may be called or must be refused.

        One behind an unfinished message of its conversation waits. Claims of ours from before are
        returned as well: when the answer to a commit was lost, they are what it committed.
        """
        by_id = {one.message_id: one for one in asked}
        before = ledger.known(connection, list(by_id))
        ours = self._ours(connection, by_id, before, owner, now)
        new = [one for message_id, one in by_id.items() if message_id not in before]
        if not new:
            return Claims(ours)
        return self._enter(connection, new, ours, owner=owner, now=now)

    def put_down(
        self, connection: sa.Connection, asked: Sequence[Asked], *, owner: str, now: datetime
    ) -> Mapping[str, Claimed]:
        """Enter requests as waiting, due at once: their lane has no room for them.

        Returns the claims of ours from before, as `claim` does.
        """
        by_id = {one.message_id: one for one in asked}
        before = ledger.known(connection, list(by_id))
        new = [one for message_id, one in by_id.items() if message_id not in before]
        if new:
            senders.known(connection, {one.sender for one in new})
            fallbacks.note(connection, self._vault, new, now=now)
            entries = [ledger.Entry(one, due_at=now) for one in new]
            ledger.enter(connection, self._vault, entries, self._keeps, owner=owner, now=now)
        return self._ours(connection, by_id, before, owner, now)

    def claim_due(
        self, connection: sa.Connection, rooms: Mapping[str, int], *, owner: str, now: datetime
    ) -> DueClaims:
        """Claim waiting messages whose time has come."""
        due, crowded = ledger.lock_due(connection, self._vault, rooms, now=now)
        requests = [SEND_REQUESTS.decode(one.request) for one in due]
        # Whoever was called was counted then, whatever came of it.
        admitted = [one.attempt > 0 for one in due]
        screened = self._screening.screen(connection, requests, now, admitted=admitted)
        desk = self._open_desk(connection, [one.wish for one in screened], now)
        ours: list[Claimed] = []
        postponed: dict[str, datetime] = {}
        held: list[Held] = []
        full: dict[str, datetime] = {}
        for one, request, seen in zip(due, requests, screened, strict=True):
            decision = desk.decide(seen.wish)
            urgent = request.priority == "high"
            tries = Tries(one.attempt + 1, one.throttled, one.broken, urgent=urgent)
            match decision:
                case Hold(until, sender_is_full=True):
                    full[one.sender] = until
                case Hold(until):
                    postponed[one.message_id] = until
                    held.append(Held(one.message_id, tries.attempt, decision, now))
                case Go(probe):
                    tries = replace(tries, probing=probe)
                    ours.append(
                        Claimed(
                            request,
                            one.request,
                            tries,
                            now,
                            owner,
                            seen.message,
                            refused=seen.refused,
                        )
                    )
                case Refuse(failure):
                    ours.append(
                        Claimed(request, one.request, tries, now, owner, seen.message, failure)
                    )
        fallbacks.drop(connection, _unwanted(due, screened))
        ledger.take(connection, ours, owner=owner, now=now)
        if postponed:
            ledger.postpone(connection, postponed, now=now)
        if crowded:
            crowds.pass_over(connection, crowded, now=now)
        self._close_desk(connection, desk)
        sent = doubts.evidence(connection, [one.request.message_id for one in ours])
        return DueClaims(
            [one for one in ours if one.request.message_id not in sent],
            [(one, sent[one.request.message_id]) for one in ours if one.request.message_id in sent],
            full,
            _where_more_may_be(due, rooms),
            _worth_telling(held),
        )

    def claim_halted(
        self, connection: sa.Connection, *, before: datetime, owner: str, now: datetime
    ) -> list[Claimed]:
        """Claim what has waited for its halted sender since before then, to refuse it."""
        due = ledger.lock_halted(connection, self._vault, before=before, limit=SWEEP_LIMIT, now=now)
        works: list[Claimed] = []
        for one in due:
            request = SEND_REQUESTS.decode(one.request)
            tries = Tries(one.attempt + 1, one.throttled, one.broken)
            message = message_of(request, request.recipient)
            works.append(Claimed(request, one.request, tries, now, owner, message, _HALTED))
        ledger.take(connection, works, owner=owner, now=now)
        return works

    def rooms(
        self, known: Iterable[senders.Sender], free: Mapping[str, int], now: datetime
    ) -> dict[str, int]:
        """Return how many due messages of each sender may be looked at now.

        ``free``: the free places in the lanes. Of a halted one it is a single probe.
        """
        rooms: dict[str, int] = {}
        for one in known:
            room = free.get(one.sender, 0)
            if one.held_until is not None and one.held_until > now:
                continue
            if one.halted_at is not None:
                room = min(room, int(one.probe_at is not None and one.probe_at <= now))
            rate = self._standing(one, now).rate
            if rate is not None:
                room = min(room, max(rate.burst, ceil(rate.per_second * _AHEAD)))
            if room > 0:
                rooms[one.sender] = room
        return rooms

    def _enter(
        self,
        connection: sa.Connection,
        new: Sequence[Asked],
        ours: dict[str, Claimed],
        *,
        owner: str,
        now: datetime,
    ) -> Claims:
        blocked = ledger.blocked(connection, [one.conversation for one in new])
        screened = self._screening.screen(connection, [one.request for one in new], now)
        desk = self._open_desk(connection, [one.wish for one in screened], now)
        entries: list[ledger.Entry] = []
        claimed: dict[str, Claimed] = {}
        put_back: dict[str, datetime] = {}
        held: list[Held] = []
        for one, seen in zip(new, screened, strict=True):
            decision = desk.decide(seen.wish) if one.conversation not in blocked else None
            tries = Tries(1, urgent=one.is_urgent)
            work = Claimed(
                one.request,
                one.raw,
                tries,
                now,
                owner,
                seen.message,
                refused=seen.refused,
                done=one.done,
            )
            match decision:
                case None:
                    entries.append(ledger.Entry(one, due_at=now))
                case Go(probe):
                    claimed[one.request.message_id] = replace(
                        work, tries=replace(tries, probing=probe)
                    )
                    entries.append(ledger.Entry(one))
                case Refuse(failure):
                    claimed[one.request.message_id] = replace(work, refusal=failure)
                    entries.append(ledger.Entry(one, refused=failure))
                case Hold(until, sender_is_full=True):
                    put_back[one.request.message_id] = until
                case Hold(until):
                    entries.append(ledger.Entry(one, due_at=until))
                    held.append(Held(one.message_id, tries.attempt, decision, now))
        fallbacks.note(connection, self._vault, new, now=now)
        fallbacks.drop(connection, _unwanted(new, screened))
        entered = ledger.enter(connection, self._vault, entries, self._keeps, owner=owner, now=now)
        self._close_desk(connection, desk)
        return Claims(
            ours | {key: work for key, work in claimed.items() if key in entered},
            put_back,
            _worth_telling(held),
        )

    def _ours(
        self,
        connection: sa.Connection,
        asked: Mapping[str, Asked],
        before: Mapping[str, ledger.Known],
        owner: str,
        now: datetime,
    ) -> dict[str, Claimed]:
        again = [
            (asked[message_id], entry)
            for message_id, entry in before.items()
            if entry.state is EntryState.CLAIMED and entry.owner == owner
        ]
        if not again:
            return {}
        screened = self._screening.screen(connection, [one.request for one, _ in again], now)
        return {
            one.message_id: Claimed(
                one.request,
                one.raw,
                Tries(1, urgent=one.is_urgent),
                entry.claimed_at,
                entry.owner,
                seen.message,
                entry.refusal or seen.wish.refusal,
                seen.refused,
                one.done,
            )
            for (one, entry), seen in zip(again, screened, strict=True)
        }

    def _open_desk(self, connection: sa.Connection, wishes: Sequence[Wish], now: datetime) -> Desk:
        names = {wish.sender for wish in wishes}
        rows = senders.known(connection, names)
        halted = [
            row.sender
            for row in rows.values()
            if row.halted_at is not None and (row.held_until is None or row.held_until <= now)
        ]
        probes = senders.lock_probes(connection, halted, now=now) if halted else set[str]()
        standings = {
            name: replace(self._standing(row, now), may_probe=name in probes)
            for name, row in rows.items()
        }
        desk = Desk(now, self._settings.zone, standings, self._quotas)
        wanted = [desk.scopes_of(wish) for wish in wishes if wish.refusal is None]
        counts = {scope for scopes, _ in wanted for scope in scopes}
        rates = {scope for _, scopes in wanted for scope in scopes}
        desk.used = senders.lock_counts(connection, counts, self._day(now))
        desk.arrivals = senders.lock_arrivals(connection, rates, now)
        return desk

    def _close_desk(self, connection: sa.Connection, desk: Desk) -> None:
        if desk.probed:
            # Only those that are made: one that its message's own limits held back is still due.
            senders.take_probes(connection, desk.probed, least=PROBE_EVERY, now=desk.now)
        if desk.used:
            senders.set_counts(connection, desk.used, self._day(desk.now))
        if desk.arrivals:
            senders.set_arrivals(connection, desk.arrivals)

    def _standing(self, row: senders.Sender, now: datetime) -> Standing:
        channel = self._channels.get(row.sender.partition(":")[0])
        limits = ChannelLimits() if channel is None else channel.limits
        rate = (
            limits.per_sender
            if row.messages_per_second is None
            else evenly(row.messages_per_second)
        )
        part = part_of(row.slowed, now)
        if rate is None and part < 1:
            rate = PRESUMED
        if rate is not None:
            rate = slower(rate, part)
        own = row.daily_limit if row.daily_limit is not None else self._settings.sender_daily_limit
        return Standing(
            rate=rate,
            pair_rate=limits.per_pair,
            daily_limit=own if row.is_limited else None,
            halted_until=None if row.halted_at is None else row.probe_at,
            held_until=row.held_until,
        )

    def _day(self, now: datetime) -> date:
        return now.astimezone(self._settings.zone).date()


def _worth_telling(held: Sequence[Held]) -> list[Held]:
    return [one for one in held if one.hold.until - one.at >= TOLD_FROM]


def _unwanted(entries: Sequence[Due | Asked], screened: Sequence[Screened]) -> list[str]:
    pairs = zip(entries, screened, strict=True)
    return [entry.message_id for entry, seen in pairs if seen.is_unwanted]


def _where_more_may_be(due: Sequence[Due], rooms: Mapping[str, int]) -> frozenset[str]:
    found: dict[str, int] = dict.fromkeys(rooms, 0)
    for one in due:
        found[one.sender] += 1
    return frozenset(sender for sender, room in rooms.items() if found[sender] >= room)
