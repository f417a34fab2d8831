"""Group sends for tests: a message to some customers, and all that is said of it (GS-10)."""

from datetime import timedelta
from itertools import count
from typing import Any

from schemas.topics.contents import GroupSendContent
from schemas.topics.provider_events import SendAccepted, StatusReported
from tests.given import NOON, a_failure
from tests.services.status_projector.facts import Life, Record

_GROUP_SENDS = count(7_001)


class GroupSend:
    """A group send of one message to some customers, and everything that is said of it."""

    def __init__(self, customers: int = 3, tenant_id: str | None = None) -> None:
        self.id = next(_GROUP_SENDS)
        self.life = Life()
        self.tenant_id = tenant_id
        self.targets = [f"wm{number}" for number in range(customers)]

    def request(self) -> Record:
        content = GroupSendContent(
            targets=tuple(self.targets),
            customer_ids=tuple(10_000 + number for number in range(len(self.targets))),
            text="Hello",
        )
        return self.life.request(
            job_id=str(self.id),
            channel="wecom",
            content=content,
            recipient="spring",
            tenant_id=self.tenant_id,
        )

    def accepted(self) -> SendAccepted:
        return SendAccepted(
            message_id=self.life.message_id,
            provider_message_id=self.life.provider_id,
            attempt=1,
            at=NOON + timedelta(seconds=2),
            results_follow=True,
        )

    def reported(self) -> StatusReported:
        """Return the dispatcher's word of the message: somebody has got it."""
        return self.life.reported("sent", 5)

    def result(self, customer: int, status: Any, second: int = 5) -> StatusReported:  # noqa: ANN401 - a literal
        return StatusReported(
            channel="wecom",
            provider_message_id=self.life.provider_id,
            message_id=self.life.message_id,
            participant=self.targets[customer],
            status=status,
            occurred_at=NOON + timedelta(seconds=second),
            failure=a_failure() if status == "failed" else None,
            polled=True,
        )
