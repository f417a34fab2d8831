"""What is stored of a message, and the public record of a step in its life."""

from datetime import datetime

import msgspec

from domain.lifecycle import Evidence, Source, Status
from schemas.topics.provider_events import Pricing
from schemas.topics.status_changes import ChangeError, StatusChanged


class Priced(msgspec.Struct, frozen=True, gc=False):
    """What a provider said that a message costs, and when."""

    at: datetime
    pricing: Pricing

    @property
    def rank(self) -> tuple[datetime, bytes]:
        """The lowest wins, so that the order in which callbacks come does not matter."""
        return self.at, msgspec.json.encode(self.pricing)


class Trail(msgspec.Struct, frozen=True, gc=False):
    """What is stored of one outbound message, as far as transitions need it.

    A struct for its cheap copies: each event makes one or two.
    """

    message_id: str
    channel: str
    sender_id: str
    message_type: str
    sent_at: datetime
    evidence: Evidence
    sequence: int
    created_at: datetime
    """When it was entered: its partition."""
    conversation_id: str
    provider_id: str | None = None
    tenant_id: str | None = None
    case_id: str | None = None
    queue_id: str | None = None
    contact_id: str | None = None
    order_id: str | None = None
    job_id: str | None = None
    is_fallback: bool = False
    """Whether it is sent instead of another: its job has no row for it."""
    priced: Priced | None = None

    @property
    def status(self) -> Status:
        """The status that the evidence adds up to."""
        return self.evidence.status


def change_of(
    before: Trail, after: Trail, at: datetime, source: Source, now: datetime
) -> StatusChanged:
    """Return the public record of a transition."""
    evidence, was, is_now = after.evidence, before.status, after.status
    failed = evidence.failed if is_now is Status.FAILED else None
    overruled = before.evidence.failed if was is Status.FAILED else None
    return StatusChanged(
        message_id=after.message_id,
        sequence=after.sequence,
        from_status=was,
        to_status=is_now,
        updated_at=at,
        recorded_at=now,
        source=source,
        channel=after.channel,
        sender_id=after.sender_id,
        sent_at=after.sent_at,
        delivered_at=evidence.delivered_at,
        read_at=evidence.read_at,
        failed_at=None if failed is None else failed.at,
        error=None
        if failed is None
        else ChangeError(
            code=failed.failure.code,
            message=failed.failure.prompt,
            provider_code=failed.failure.provider_code,
        ),
        overruled=None if overruled is None else overruled.failure.code,
        tenant_id=after.tenant_id,
        case_id=after.case_id,
        queue_id=after.queue_id,
        job_id=after.job_id,
        contact_id=after.contact_id,
        order_id=after.order_id,
        conversation_id=after.conversation_id,
    )
