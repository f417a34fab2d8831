"""What the trail holds of a job's messages, and what must be true of every trail."""

from dataclasses import dataclass
from itertools import groupby, pairwise

import sqlalchemy as sa

from deploy.pipeline import Pipeline
from domain.lifecycle import Status
from tests.sealed import recipient_of, vault_of

_MESSAGES = sa.text(
    "SELECT message_id, delivery_status AS status, error_code FROM messages WHERE job_id = :job_id"
)
_STEPS = sa.text(
    "SELECT h.message_id, h.sequence, h.from_status, h.to_status"
    " FROM message_status_history h JOIN messages m USING (message_id)"
    " WHERE m.job_id = :job_id ORDER BY h.message_id, h.sequence"
)


@dataclass(frozen=True, slots=True)
class Message:
    """Where one recipient's message is."""

    message_id: str
    recipient: str
    status: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a history."""

    message_id: str
    sequence: int
    from_status: str
    to_status: str


@dataclass(frozen=True, slots=True)
class Trail:
    """A job's messages and their histories, as they were at one moment."""

    messages: list[Message]
    steps: list[Step]

    def gaps(self) -> list[str]:
        """Return a line for each message whose history is not complete and in order."""
        histories = {
            message_id: list(steps)
            for message_id, steps in groupby(self.steps, key=lambda step: step.message_id)
        }
        return [
            f"{message}: {histories.get(message.message_id, [])}"
            for message in self.messages
            if not _leads_to(message.status, histories.get(message.message_id, []))
        ]


def trail_of(world: Pipeline, job_id: str) -> Trail:
    """Read the trail of a job."""
    engine, vault = sa.create_engine(world.database_url, poolclass=sa.NullPool), vault_of(world)
    with engine.connect() as connection:
        rows = connection.execute(_MESSAGES, {"job_id": job_id}).all()
        steps = connection.execute(_STEPS, {"job_id": job_id}).all()
        messages = [
            Message(row.message_id, recipient_of(connection, vault, row.message_id), *row[1:])
            for row in rows
        ]
    engine.dispose()
    return Trail(messages, [Step(*row) for row in steps])


def _leads_to(status: str, history: list[Step]) -> bool:
    if not history:
        return status == Status.PENDING
    numbers = [step.sequence for step in history]
    return (
        numbers == list(range(1, len(history) + 1))
        and history[0].from_status == Status.PENDING
        and all(one.to_status == other.from_status for one, other in pairwise(history))
        and history[-1].to_status == status
    )
