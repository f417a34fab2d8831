"""Says what speaks against a message, whatever the limits are: before anything is counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.admission import Wish
from domain.consent import refusal as refusal_of
from domain.failures import ErrorCode, Failure, Origin
from domain.recipients import InvalidRecipient
from domain.windows import closed, is_open
from providers.contract import Channel
from runtime.vault import Vault
from schemas.topics.send_requests import SendRequested
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.store import jobs, people
from services.dispatcher.store.people import Pair, People
from services.dispatcher.work import message_of, sender_of


@dataclass(frozen=True, slots=True)
class Screened:
    """A request with all that is known of it."""

    wish: Wish
    recipient: str
    """As the channel spells it."""
    is_unwanted: bool
    """It is refused because nobody wants it any more; then nothing is sent instead either."""


class Screening:
    """Looks at requests, with what is known of their jobs and recipients."""

    def __init__(
        self, settings: DispatcherSettings, channels: Mapping[str, Channel], vault: Vault
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._channels = channels

    def screen(
        self,
        connection: sa.Connection,
        requests: Sequence[SendRequested],
        now: datetime,
        *,
        admitted: Sequence[bool] | None = None,
    ) -> list[Screened]:
        """Return the wishes of these requests, with what speaks against each."""
        job_ids = {request.job_id for request in requests if request.job_id is not None}
        cancelled = jobs.cancelled(connection, sorted(job_ids))
        spelled = [self._spelled(request) for request in requests]
        pairs = [
            Pair(request.channel, request.sender_id, recipient)
            for request, (recipient, _) in zip(requests, spelled, strict=True)
        ]
        known = people.facts(connection, self._vault, pairs)
        screened: list[Screened] = []
        flags = admitted or [False] * len(requests)
        for request, (recipient, misspelled), pair, was_admitted in zip(
            requests, spelled, pairs, flags, strict=True
        ):
            unwanted = self._unwanted(
                request, pair, known, now, is_cancelled=request.job_id in cancelled
            )
            refusal = unwanted or misspelled or self._impossible(request, pair, known, now)
            wish = Wish(
                sender=sender_of(request),
                recipient=self._vault.person(request.channel, recipient).hex(),
                case=_case_of(request),
                urgent=request.priority == "high",
                may_wait=request.when_limited == "wait",
                admitted=was_admitted,
                not_before=self._not_before(request, recipient, now),
                refusal=refusal,
            )
            screened.append(Screened(wish, recipient, is_unwanted=unwanted is not None))
        return screened

    def _spelled(self, request: SendRequested) -> tuple[str, Failure | None]:
        """Return the recipient in the channel's spelling, or as it is and why it has none."""
        channel = self._channels.get(request.channel)
        if channel is None:
            return request.recipient, _ours(f"no channel {request.channel} is set up")
        try:
            return channel.address(request.recipient), None
        except InvalidRecipient as error:
            failure = Failure(ErrorCode.INVALID_RECIPIENT, Origin.LOCAL, detail=str(error))
            return request.recipient, failure

    def _unwanted(
        self,
        request: SendRequested,
        pair: Pair,
        known: People,
        now: datetime,
        *,
        is_cancelled: bool,
    ) -> Failure | None:
        """Return why nobody wants it any more, in whatever form (IM-21, IM-23)."""
        if request.expires_at is not None and request.expires_at <= now:
            return _ours("expired before it was sent")
        if is_cancelled:
            return _ours("the job was cancelled")
        return refusal_of(known.opt_outs.get(pair), is_marketing=False)

    def _impossible(
        self, request: SendRequested, pair: Pair, known: People, now: datetime
    ) -> Failure | None:
        """Return why it cannot be sent as it is (IM-26); its fallback may."""
        channel = self._channels[request.channel]
        problem = channel.problem(message_of(request, pair.recipient))
        window = channel.limits.window
        if problem is not None or window is None or not channel.is_free_form(request.content):
            return problem
        return None if is_open(known.last_inbound.get(pair), window, now) else closed(window)

    def _not_before(self, request: SendRequested, recipient: str, now: datetime) -> datetime | None:
        """Return when the recipient's night is over; who waits for an answer may be woken."""
        if request.priority == "high" or request.reply_to is not None:
            return None
        return self._settings.nights.held_until(recipient, now)


def _case_of(request: SendRequested) -> str | None:
    return None if request.case_id is None else f"{request.tenant_id or ''}:{request.case_id}"


def _ours(detail: str) -> Failure:
    return Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail=detail)
