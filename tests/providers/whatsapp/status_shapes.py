"""Each shape of a status as Meta writes it, with what it becomes (fact sheet, chapter 8)."""

from datetime import UTC, datetime

from domain.failures import ErrorCode, Origin
from schemas.topics.provider_events import Conversation, FailureReason, Pricing, ProviderError
from tests.providers.whatsapp.bodies import Part
from tests.providers.whatsapp.shapes import AUTHOR, GROUP_ID, USER_ID, Shape

_HEALTHY = "This message was not delivered to maintain healthy ecosystem engagement."
_DETAILS = (
    "In order to maintain a healthy ecosystem engagement, the message failed to be delivered."
)
_TOO_MANY = {
    "code": 131049,
    "title": _HEALTHY,
    "message": _HEALTHY,
    "error_data": {"details": _DETAILS},
    "href": "/documentation/business-messaging/whatsapp/support/error-codes",
}
_CONVERSATION = {
    "id": "72b14d6bd5407799e66f64d1b338e567",
    "expiration_timestamp": "1750116480",
    "origin": {"type": "marketing"},
}
_OLD_PRICING = {"billable": True, "pricing_model": "CBP", "category": "service"}
_IN_A_GROUP = {"recipient_id": GROUP_ID, "recipient_type": "group"}

STATUSES: dict[str, Shape] = {
    "sent, priced per message": Shape(
        {
            "status": "sent",
            "pricing": {
                "billable": True,
                "pricing_model": "PMP",
                "type": "regular",
                "category": "authentication-international",
            },
        },
        {
            "status": "sent",
            "pricing": Pricing(
                model="PMP", kind="regular", category="authentication-international", billable=True
            ),
        },
    ),
    "sent, with a conversation": Shape(
        {"status": "sent", "conversation": _CONVERSATION, "pricing": _OLD_PRICING},
        {
            "status": "sent",
            "pricing": Pricing(model="CBP", category="service", billable=True),
            "conversation": Conversation(
                id="72b14d6bd5407799e66f64d1b338e567",
                origin="marketing",
                expires_at=datetime(2025, 6, 16, 23, 28, tzinfo=UTC),
            ),
        },
    ),
    "delivered, with a conversation that tells no end": Shape(
        {"conversation": {"id": "7270", "origin": {"type": "service"}}, "pricing": _OLD_PRICING},
        {
            "pricing": Pricing(model="CBP", category="service", billable=True),
            "conversation": Conversation(id="7270", origin="service"),
        },
    ),
    "delivered, free within a window": Shape(
        {"pricing": {"pricing_model": "PMP", "type": "free_customer_service"}},
        {"pricing": Pricing(model="PMP", kind="free_customer_service")},
    ),
    "read, without a price": Shape({"status": "read", "pricing": None}, {"status": "read"}),
    "delivered, with our id": Shape(
        {"biz_opaque_callback_data": "msg_17", "pricing": None}, {"message_id": "msg_17"}
    ),
    "delivered to somebody who hides the number": Shape(
        {"recipient_id": None, "recipient_user_id": USER_ID, "pricing": None}, {}
    ),
    "failed": Shape(
        {"status": "failed", "errors": [_TOO_MANY], "pricing": None},
        {
            "status": "failed",
            "failure": FailureReason(
                code=ErrorCode.UNKNOWN_ERROR,
                origin=Origin.PROVIDER,
                provider_code="131049",
                detail=_DETAILS,
            ),
            "errors": (ProviderError(code="131049", title=_HEALTHY, detail=_DETAILS),),
        },
    ),
    "failed, for two reasons": Shape(
        {
            "status": "failed",
            "errors": [{"code": 131026, "title": "Message undeliverable"}, _TOO_MANY],
            "pricing": None,
        },
        {
            "status": "failed",
            "failure": FailureReason(
                code=ErrorCode.INVALID_RECIPIENT,
                origin=Origin.PROVIDER,
                provider_code="131026",
                detail="Message undeliverable",
            ),
            "errors": (
                ProviderError(code="131026", title="Message undeliverable"),
                ProviderError(code="131049", title=_HEALTHY, detail=_DETAILS),
            ),
        },
    ),
    "sent to a group": Shape(
        {**_IN_A_GROUP, "status": "sent", "pricing": None}, {"status": "sent"}
    ),
    "delivered to a member of a group": Shape(
        {
            **_IN_A_GROUP,
            "recipient_participant_id": AUTHOR,
            "conversation": {"id": "7270", "pricing": _OLD_PRICING},
            "pricing": None,
        },
        {
            "participant": AUTHOR,
            "conversation": Conversation(id="7270"),
            "pricing": Pricing(model="CBP", category="service", billable=True),
        },
    ),
    "read by a member of a group, as one page spells it": Shape(
        {**_IN_A_GROUP, "status": "read", "participant_recipient_id": AUTHOR, "pricing": None},
        {"status": "read", "participant": AUTHOR},
    ),
    "read by a member of a group who hides the number": Shape(
        {
            **_IN_A_GROUP,
            "status": "read",
            "recipient_participant_user_id": USER_ID,
            "pricing": None,
        },
        {"status": "read", "participant": USER_ID},
    ),
    "delivered, as older versions write it": Shape({"type": "message", "pricing": None}, {}),
}
"""On a status that was delivered, of which nothing else is known."""

OTHER_STATUSES: dict[str, Part] = {
    "status.played": {"status": "played"},
    "status.deleted": {"status": "deleted"},
    "status.warning": {"status": "warning"},
    "status.teleported": {"status": "teleported", "to": {"planet": "Mars"}},
    "status.Delivered": {"status": "Delivered"},
    "status.payment.captured": {
        "type": "payment",
        "status": "captured",
        "payment": {"reference_id": "order-17", "amount": {"value": 21000, "offset": 100}},
    },
    "status.payment.failed": {"type": "payment", "status": "failed"},
}
"""By the kind of notice that they become."""
