"""Says what speaks against a message, whatever the limits are: before anything is counted."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from domain.admission import Wish
from domain.consent import refusal as refusal_of
from domain.consent import refusal_of_all
from domain.failures import ErrorCode, Failure, Origin
from domain.recipients import InvalidRecipient
from domain.windows import closed, is_open
from providers.contract import Advertiser, Channel, Headcounter, Message, Multicaster
from runtime.vault import Vault
from schemas.topics.send_requests import SendRequested
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.store import jobs, people
from services.dispatcher.store.people import Pair, People
from services.dispatcher.work import message_of, sender_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Screened:
    """A request with all that is known of it."""

    wish: Wish
    message: Message
    """What may be sent: to the recipient as the channel spells it, without who is refused."""
    refused: Mapping[str, Failure]
    """Those of several participants who may not be written to."""
    is_unwanted: bool
    """It is refused because nobody wants it any more; then nothing is sent instead either."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A request as its channel reads it."""

    message: Message
    participants: Sequence[str] = ()
    """Where it is for several."""
    is_marketing: bool = False
    problem: Failure | None = None
    """Why the channel cannot read it."""

    def people(self, request: SendRequested) -> list[Pair]:
        """Return whom it is for."""
        names = self.participants or (self.message.recipient,)
        return [Pair(request.channel, request.sender_id, name) for name in names]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What speaks against a request."""

    message: Message
    refusal: Failure | None = None
    is_unwanted: bool = False
    refused: Mapping[str, Failure] = field(default_factory=dict[str, Failure])
    not_before: datetime | None = None
    counted: Sequence[str] = ()
    """The people whom limits count it for, where that is not its recipient."""


class Screening:
    """Looks at requests, with what is known of their jobs and recipients."""

    def __init__(
        self, settings: DispatcherSettings, channels: Mapping[str, Channel], vault: Vault
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._channels = channels
        self._multicasters = {n: one for n, one in channels.items() if isinstance(one, Multicaster)}
        self._headcounters = {n: one for n, one in channels.items() if isinstance(one, Headcounter)}
        self._advertisers = {n: one for n, one in channels.items() if isinstance(one, Advertiser)}

    def screen(
        self,
        connection: sa.Connection,
        requests: Sequence[SendRequested],
        now: datetime,
        *,
        admitted: Sequence[bool] | None = None,
    ) -> list[Screened]:
        """Return the wishes of these requests, with what speaks against each.

        A channel that breaks over a request refuses it; the others of the batch go on.
        """
        job_ids = {request.job_id for request in requests if request.job_id is not None}
        cancelled = jobs.cancelled(connection, sorted(job_ids))
        reads = [self._read(request) for request in requests]
        pairs = [
            pair
            for request, read in zip(requests, reads, strict=True)
            for pair in read.people(request)
        ]
        known = people.facts(connection, self._vault, pairs)
        screened: list[Screened] = []
        flags = admitted or [False] * len(requests)
        for request, read, was_admitted in zip(requests, reads, flags, strict=True):
            why = None if request.job_id is None else cancelled.get(request.job_id)
            verdict = self._verdict(request, read, known, now, recalled=why)
            wish = Wish(
                sender=sender_of(request),
                recipient=self._vault.person(request.channel, read.message.recipient).hex(),
                people=self._names(request.channel, verdict.counted),
                case=_case_of(request),
                urgent=request.priority == "high",
                may_wait=request.when_limited == "wait",
                admitted=was_admitted,
                not_before=verdict.not_before,
                refusal=verdict.refusal,
            )
            screened.append(
                Screened(wish, verdict.message, verdict.refused, is_unwanted=verdict.is_unwanted)
            )
        return screened

    def _read(self, request: SendRequested) -> _Read:
        """Return the request in the channel's spelling, or as it is and why it has none."""
        as_it_is = message_of(request, request.recipient)
        channel = self._channels.get(request.channel)
        if channel is None:
            problem = _ours(f"no channel {request.channel} is set up")
            return _Read(as_it_is, problem=problem)
        try:
            message = message_of(request, channel.address(request.recipient))
            return _Read(
                message,
                self._participants(request, message),
                is_marketing=self._is_marketing(request),
            )
        except InvalidRecipient as error:
            failure = Failure(ErrorCode.INVALID_RECIPIENT, Origin.LOCAL, detail=str(error))
            return _Read(as_it_is, problem=failure)
        except Exception:  # another package's channel may raise anything
            log.exception("screening.failed", extra={"message_id": request.message_id})
            return _Read(as_it_is, problem=_unreadable(request))

    def _verdict(
        self,
        request: SendRequested,
        read: _Read,
        known: People,
        now: datetime,
        *,
        recalled: str | None,
    ) -> _Verdict:
        refused = _refused(request, read, known)
        unwanted = _unwanted(request, read, refused, now, recalled=recalled)
        refusal = unwanted or read.problem
        if refusal is not None:
            return _Verdict(read.message, refusal, is_unwanted=unwanted is not None)
        try:
            message = read.message
            if refused:
                message = self._multicasters[request.channel].without(message, refused.keys())
            return _Verdict(
                message,
                self._impossible(request, message, known, now),
                refused=refused,
                not_before=self._not_before(request, message.recipient, now),
                counted=self._counted(request, message),
            )
        except Exception:
            log.exception("screening.failed", extra={"message_id": request.message_id})
            return _Verdict(read.message, _unreadable(request))

    def _participants(self, request: SendRequested, message: Message) -> Sequence[str]:
        multicaster = self._multicasters.get(request.channel)
        return () if multicaster is None else multicaster.participants(message)

    def _counted(self, request: SendRequested, message: Message) -> Sequence[str]:
        headcounter = self._headcounters.get(request.channel)
        return () if headcounter is None else headcounter.counted(message)

    def _names(self, channel: str, people: Sequence[str]) -> Sequence[str]:
        """Return them as they are kept with the limits."""
        return [self._vault.person(channel, one).hex() for one in people]

    def _is_marketing(self, request: SendRequested) -> bool:
        advertiser = self._advertisers.get(request.channel)
        return advertiser is not None and advertiser.is_marketing(request.content)

    def _impossible(
        self, request: SendRequested, message: Message, known: People, now: datetime
    ) -> Failure | None:
        """Return why it cannot be sent as it is (IM-26); its fallback may."""
        channel = self._channels[request.channel]
        problem = channel.problem(message)
        window = channel.limits.window
        if problem is not None or window is None or not channel.is_free_form(message.content):
            return problem
        pair = Pair(request.channel, request.sender_id, message.recipient)
        return None if is_open(known.last_inbound.get(pair), window, now) else closed(window)

    def _not_before(self, request: SendRequested, recipient: str, now: datetime) -> datetime | None:
        """Return when the recipient's night is over; who waits for an answer may be woken."""
        if request.priority == "high" or request.reply_to is not None:
            return None
        return self._settings.nights.held_until(recipient, now)


def _unwanted(
    request: SendRequested,
    read: _Read,
    refused: Mapping[str, Failure],
    now: datetime,
    *,
    recalled: str | None,
) -> Failure | None:
    """Return why nobody wants it any more, in whatever form (IM-18, IM-21, IM-23)."""
    if request.expires_at is not None and request.expires_at <= now:
        return _ours("expired before it was sent")
    if recalled is not None:
        return _ours(recalled)
    return refusal_of_all(refused, count=len(read.participants) or 1)


def _refused(request: SendRequested, read: _Read, known: People) -> dict[str, Failure]:
    """Return whom of its people it may not go to, and why (IM-21)."""
    failures = {
        pair.recipient: refusal_of(known.opt_outs.get(pair), is_marketing=read.is_marketing)
        for pair in read.people(request)
    }
    return {name: failure for name, failure in failures.items() if failure is not None}


def _unreadable(request: SendRequested) -> Failure:
    return _ours(f"channel {request.channel} could not read the message")


def _case_of(request: SendRequested) -> str | None:
    return None if request.case_id is None else f"{request.tenant_id or ''}:{request.case_id}"


def _ours(detail: str) -> Failure:
    return Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail=detail)
