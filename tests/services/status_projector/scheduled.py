"""A job as the scheduler keeps it: its own functions, on the same database, without Kafka."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from domain.breaker import Breaker
from domain.identity import JobId
from domain.pacing import Window
from runtime.clock import now
from runtime.postgres import transaction
from schemas.http.jobs import CreateJob, JobRecipient
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from schemas.topics.status_changes import StatusChanged
from schemas.topics.topic import Outgoing
from services.scheduler import job_control, job_intake, settling, steps
from services.scheduler.job_intake import Asked
from tests.callers import EVERYBODY
from tests.given import SENDER
from tests.vaults import the_vault

REFUSED = "no number"
"""A recipient whose row is skipped when the job is accepted."""
UNKNOWN_NUMBER = "+19995550000"
"""One whose row is skipped when it is fed."""


def phone(number: int) -> str:
    """Return the number of an ordinary recipient."""
    return f"+1650555{number:04}"


class ScheduledJob:
    """One job and its scheduler."""

    def __init__(
        self, engine: sa.Engine, phones: Sequence[str], *, tenant_id: str | None = None
    ) -> None:
        self._engine = engine
        self._vault = the_vault()
        recipients = [
            JobRecipient(phone=one, variables={"name": f"Person {row}"})
            for row, one in enumerate(phones, start=1)
        ]
        body = CreateJob(
            name="Spring",
            channel="whatsapp",
            content={"type": "text", "body": "Hi {name}"},
            recipients=recipients,
            tenant_id=tenant_id,
        )
        with transaction(engine) as connection:
            asked = Asked(body, SENDER, EVERYBODY, None)
            created = job_intake.create(connection, self._vault, asked, now=now())
        self.id = JobId(created.job_id)

    def feed(self, at_most: int = 1_000) -> list[SendRequested]:
        """Take a step: feed rows, or complete the job; return what was published."""
        published: list[Outgoing] = []
        with transaction(self._engine) as connection:
            steps.step(
                connection,
                self._vault,
                published.extend,
                self.id,
                window=Window(size=at_most),
                now=now(),
            )
        return [SEND_REQUESTS.decode(record.value) for record in published]

    def hear(self, changes: Iterable[StatusChanged]) -> None:
        """Settle the rows of messages whose statuses changed."""
        with transaction(self._engine) as connection:
            news = settling.news_of(changes)
            settling.settle(connection, news, breaker=Breaker(after=0), now=now())

    def cancel(self) -> None:
        """Cancel it."""
        with transaction(self._engine) as connection:
            job_control.cancel(connection, self.id, EVERYBODY, now=now())

    def pause(self) -> None:
        """Pause it."""
        with transaction(self._engine) as connection:
            job_control.pause(connection, self.id, EVERYBODY, now=now())
