"""The form on which a push is answered, and the link to it (NF-04).

The form is the ingester's; whoever sends a push puts the link into it.
"""

from typing import Annotated, Final, Self
from uuid import UUID

import msgspec

FORM: Final = "/api/feedback/form"
FEEDBACK: Final = "/api/feedback"

LONGEST_NAME: Final = 20
"""Characters of a task's name in a link: it stands in a message that has room for few."""

Id = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]


class FeedbackLink(msgspec.Struct, frozen=True, array_like=True, tag="feedback"):
    """Which push is answered; what a link to the form carries.

    Written by position, and ids as bytes, since a link should be short: new fields come last and
    have a default.
    """

    push: Id
    task: Id
    task_name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    """Shown on the form; its beginning."""
    tenant_id: str | None = None

    @classmethod
    def to(cls, push_id: str, task_id: str, task_name: str, tenant_id: str | None) -> Self:
        """Return what a link to the form of a push carries."""
        name = task_name if len(task_name) <= LONGEST_NAME else f"{task_name[: LONGEST_NAME - 1]}…"
        return cls(UUID(push_id).bytes, UUID(task_id).bytes, name, tenant_id)

    @property
    def push_id(self) -> str:
        """The push that is answered."""
        return str(UUID(bytes=self.push))

    @property
    def task_id(self) -> str:
        """Its task."""
        return str(UUID(bytes=self.task))


def form_url(origin: str, token: str) -> str:
    """Return the link, for a token of a `FeedbackLink` and the address the ingester is reached at.

    >>> form_url("https://example.com", "1.a.b.c.d")
    'https://example.com/api/feedback/form?token=1.a.b.c.d'
    """
    return f"{origin}{FORM}?token={token}"
