"""Who is found to want no offers: WhatsApp refuses them with a code of its own (WA 10, IM-21).

The switch itself is told in a notice as well, but a notice can be lost, and an older one was.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from domain.consent import Reason, Scope, Statement, Wish
from domain.ledger import Reject
from providers.whatsapp.failures import STOPPED_OFFERS
from schemas.topics.provider_events import ProviderEvent, StatusReported
from services.dispatcher.store.people import Pair
from services.dispatcher.work import Ended


def in_answers(ended: Iterable[Ended]) -> Mapping[tuple[Pair, Scope], Statement]:
    """Return what the answers to calls say of people."""
    return {
        (_pair(one), Scope.MARKETING): Statement(
            Wish.OPT_OUT, Scope.MARKETING, Reason.REPLY, one.at
        )
        for one in ended
        if one.work.request.channel == "whatsapp"
        and isinstance(one.verdict, Reject)
        and one.verdict.failure.provider_code == STOPPED_OFFERS
    }


def in_reports(events: Iterable[ProviderEvent]) -> Mapping[str, datetime]:
    """Return of which messages it was reported afterwards, and when; by our ids."""
    return {
        event.message_id: event.occurred_at
        for event in events
        if isinstance(event, StatusReported)
        and event.channel == "whatsapp"
        and event.message_id is not None
        and event.failure is not None
        and event.failure.provider_code == STOPPED_OFFERS
    }


def _pair(one: Ended) -> Pair:
    request = one.work.request
    return Pair(request.channel, request.sender_id, one.work.message.recipient)
