"""Bodies and answers of bulk jobs: ``/api/v1/jobs``, ``/api/whatsapp/cancel-job`` (BJ-01…08).

The body is described with msgspec: 100,000 recipients are read in a fraction of the time and the
memory that pydantic takes.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from domain.pacing import Priority
from schemas.http.envelope import Shape
from schemas.topics.records import Command, ContextId, Moment, SenderIdField

MOST_RECIPIENTS: Final = 100_000
LONGEST_NAME: Final = 100
"""Characters (LM-06)."""


class JobRecipient(Command, frozen=True, kw_only=True, rename="camel"):
    """One row. What is wrong with its values makes the row skipped, not the job refused."""

    phone: str
    variables: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class CreateJob(Command, frozen=True, kw_only=True, rename="camel"):
    """Send one content to many recipients, each with their own values of its placeholders."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    channel: Literal["whatsapp"]
    content: dict[str, Any]
    """Of any type, as on `send-requests`; its texts, links included, may hold placeholders such as
    ``{name}``."""
    recipients: Annotated[
        list[JobRecipient], msgspec.Meta(min_length=1, max_length=MOST_RECIPIENTS)
    ]
    sender_id: SenderIdField | None = None
    """The sending account at the provider; without it the configured one."""
    tenant_id: ContextId | None = None
    priority: Priority = "medium"
    """Rows of a more urgent job go first (TP-04)."""
    expires_at: Moment | None = None
    """Rows that are not sent by then are skipped."""
    when_limited: Literal["fail", "wait"] = "wait"
    """What a used-up daily limit does to a message: fails it, or lets it wait (CF-17)."""


class JobCreated(Shape):
    """The job is stored; its rows are fed to the stream from now on."""

    job_id: str
    total: int
    """Rows of the job."""
    waiting: int
    """Rows that will be sent, unless their phone number turns out not to exist."""
    skipped: int
    """Rows refused at once, each with its reason."""


class JobOutcome(Shape):
    """The answer of an operation on a job (BJ-04)."""

    success: bool
    message: str


class JobRetried(JobOutcome):
    """What was sent again of a job (BJ-07)."""

    retried: int = 0
    """How many messages."""
    more: bool = False
    """There may be more: ask again."""
