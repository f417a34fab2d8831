"""What people are shown of a message that no projector has seen yet: its request, if that (IM-53).

Its status is `pending`, shown as `sending`, as it is where only the status is asked for.
"""

from typing import Any

import msgspec

from domain.lifecycle import Status
from runtime.vault import Vault
from schemas.http.explain import Asked, Cost, Explanation, Shown
from schemas.http.messages import File, MessageDetail, Price
from schemas.topics.contents import type_of
from schemas.topics.send_requests import SendRequested
from schemas.topics.topic import traceparent
from services.status_projector.prices import Prices
from services.status_projector.showing import public
from services.status_projector.store import files, personal
from services.status_projector.store.accepted import Accepted

_NOT_YET = "accepted, and not handed over yet"
_ON_ITS_WAY = "accepted and handed over; no projector has seen it yet"


def detail(accepted: Accepted, vault: Vault, prices: Prices) -> MessageDetail:
    """Return one message with what is known of it."""
    request = accepted.request
    said = None if request is None else personal.of_request(request)
    fields: dict[str, Any] = dict.fromkeys(MessageDetail.model_fields) | _context(accepted)
    fields["price"] = Price(
        amount=None, currency=prices.currency, billable=None, model=None, kind=None
    )
    if request is not None and said is not None:
        fields |= {
            "conversation_id": vault.conversation_id(
                request.channel, request.sender_id, request.recipient
            ),
            "channel": request.channel,
            "sender_id": request.sender_id,
            "recipient": said.recipient,
            "type": type_of(request.content),
            "text": said.words,
            "file": _file(request),
            "content": None if said.content is None else msgspec.json.decode(said.content),
        }
    return MessageDetail.model_validate(fields)


def explanation(accepted: Accepted, prices: Prices) -> Explanation:
    """Return everything that is known of it."""
    request = accepted.request
    said = None if request is None else personal.of_request(request)
    message_id = accepted.message_id
    return Explanation(
        message_id=message_id,
        channel=None if request is None else request.channel,
        sender_id=None if request is None else request.sender_id,
        direction="outbound",
        message_type=None if request is None else type_of(request.content),
        status=Status.PENDING,
        rule=_ON_ITS_WAY if request is None else _NOT_YET,
        provider_message_id=None,
        trace_id=traceparent(message_id, message_id).split("-")[1],
        asked=_asked(accepted),
        shown=Shown(
            recipient=None if said is None else said.recipient,
            text=None if said is None else said.words,
        ),
        dispatch=None,
        steps=[],
        participants={},
        unheard_since=None,
        cost=Cost(amount=None, currency=prices.currency, category=None, billable=None, model=None),
        links=[],
        trouble=None,
    )


def _context(accepted: Accepted) -> dict[str, Any]:
    request = accepted.request
    names = ("contact_id", "order_id", "case_id", "queue_id", "agent_id", "job_id")
    return {
        "message_id": accepted.message_id,
        "direction": "outbound",
        "status": public(Status.PENDING),
        "sequence": 0,
        "sent_at": accepted.sent_at,
        "due_at": accepted.due_at,
        "retried": False,
        "original_message_id": None if request is None else request.original_message_id,
        "tenant_id": accepted.tenant_id,
        **{name: None if request is None else getattr(request, name) for name in names},
    }


def _file(request: SendRequested) -> File | None:
    url, kind, name = files.sent_with(request.content)
    link: str | None = getattr(request.content, "link", None)
    if url is None and link is None:
        return None
    return File(url=url or link, name=name, type=kind, error=None)


def _asked(accepted: Accepted) -> Asked:
    request = accepted.request
    names = ("agent_id", "contact_id", "order_id", "case_id", "job_id", "priority", "expires_at")
    given = {name: None if request is None else getattr(request, name) for name in names}
    return Asked(
        sent_at=accepted.sent_at,
        due_at=accepted.due_at,
        published_by=None,
        published_at=None,
        tenant_id=accepted.tenant_id,
        job_row=None,
        **given,
    )
