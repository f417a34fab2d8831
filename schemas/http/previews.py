"""The page on which a preview is answered, and the link to it (PV-06…PV-09, CF-27).

The page itself is the ingester's; whoever sends a preview puts the link into it.
"""

from typing import Annotated, Final

import msgspec

from schemas.topics.provider_events import Channel, PersonId
from schemas.topics.records import SenderIdField

PAGE: Final = "/api/preview/answer"
CONFIRM: Final = "/api/preview/confirm"

LONGEST_TASK_NAME: Final = 50
"""Characters (LM-06)."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class PreviewLink(msgspec.Struct, frozen=True, array_like=True, tag="preview"):
    """Who was asked about which preview; what a link to the page carries.

    Written by position, since a link should be short: new fields come last and have a default.
    """

    preview_id: Id
    task_id: Id
    task_name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TASK_NAME)]
    """Shown on the page."""
    channel: Channel
    """Through which the preview was sent."""
    sender_id: SenderIdField
    """The account of ours that sent it."""
    recipient: PersonId


def page_url(origin: str, token: str) -> str:
    """Return the link, for a token of a `PreviewLink` and the address the ingester is reached at.

    >>> page_url("https://example.com", "1.a.b.c.d")
    'https://example.com/api/preview/answer?token=1.a.b.c.d'
    """
    return f"{origin}{PAGE}?token={token}"
