"""The link in a push to the form on which people say what they think of it (NF-04)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from domain.tasks import PushContent
from runtime.signed_links import token_for
from schemas.http.feedback import FeedbackLink, form_url


@dataclass(frozen=True, slots=True)
class Forms:
    """Writes the links of one installation."""

    origin: str
    """Where the ingester is reached from outside."""
    key: bytes
    open_for: timedelta

    def link(
        self, push_id: str, task_id: str, name: str, tenant_id: str | None, *, began: datetime
    ) -> str:
        """Return the link of a push; asked again, the same."""
        content = FeedbackLink.to(push_id, task_id, name, tenant_id)
        return form_url(self.origin, token_for(content, until=began + self.open_for, key=self.key))


_ANY: Final = str(UUID(int=0))
_NO_KEY: Final = bytes(32)
_SOME_DAY: Final = datetime(2030, 1, 1, tzinfo=UTC)
"""Its seconds have as many digits as those of any day from 2001 to 2286."""


def has_place(content: PushContent) -> bool:
    """Tell whether a content can carry the link; a mini-program's card cannot."""
    return content.miniprogram is None


def form_like(
    forms: Forms | None, content: PushContent, name: str, tenant_id: str | None
) -> str | None:
    """Return a link as long as that of a push of such a task, before there is a push.

    It opens nothing: no key of ours has signed it.
    """
    if forms is None or not has_place(content):
        return None
    # A name that is none yet is told as such elsewhere.
    return replace(forms, key=_NO_KEY).link(_ANY, _ANY, name or "-", tenant_id, began=_SOME_DAY)
