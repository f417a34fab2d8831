"""The form on which a push is answered, and the link to it (NF-04).

The form is the ingester's; whoever sends a push puts the link into it.
"""

from typing import Annotated, Final

import msgspec

from schemas.http.previews import LONGEST_TASK_NAME, Id

FORM: Final = "/api/feedback/form"
FEEDBACK: Final = "/api/feedback"


class FeedbackLink(msgspec.Struct, frozen=True, array_like=True, tag="feedback"):
    """Which push is answered; what a link to the form carries.

    Written by position, since a link should be short: new fields come last and have a default.
    """

    push_id: Id
    task_id: Id
    task_name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TASK_NAME)]
    """Shown on the form."""
    tenant_id: str | None = None


def form_url(origin: str, token: str) -> str:
    """Return the link, for a token of a `FeedbackLink` and the address the ingester is reached at.

    >>> form_url("https://example.com", "1.a.b.c.d")
    'https://example.com/api/feedback/form?token=1.a.b.c.d'
    """
    return f"{origin}{FORM}?token={token}"
