"""The link in a push to the form on which people say what they think of it (NF-04)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

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
