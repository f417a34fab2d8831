"""Body and answer of ``/api/whatsapp/orders/{orderId}/status`` (WA-15, IM-47)."""

from typing import Annotated

import msgspec

from schemas.http.envelope import Shape
from schemas.topics.records import Command, ContextId, SenderIdField
from schemas.topics.send_requests import Recipient

Status = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class OrderStatus(Command, frozen=True, kw_only=True, rename="camel"):
    """An order has another status: tell its customer."""

    status: Status
    """`received`, `in_progress`, `completed`, `ready_for_pickup`, or any other word."""
    whatsapp_number: Recipient | None = None
    """The customer's. Customers without one are skipped."""
    order_number: ContextId | None = None
    """What the customer knows the order by; without it the order's id."""
    contact_id: ContextId | None = None
    sender_id: SenderIdField | None = None
    """The sending account at the provider; without it the configured one."""
    tenant_id: ContextId | None = None


class CustomerTold(Shape):
    """What came of it."""

    success: bool = True
    message: str
    message_id: str | None = None
    """Null where the customer was skipped."""
