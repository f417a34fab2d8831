"""Whose opinion a body is, about which push, and the fact it becomes (NF-04, IM-42)."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.opinions import BadOpinion, opinion_of
from runtime.clock import Clock
from runtime.errors import InvalidInput
from runtime.signed_links import ExpiredLink, ForgedLink, opened
from runtime.sources import Buckets
from schemas.http.feedback import FeedbackLink
from schemas.topics.provider_events import FeedbackGiven
from services.ingest_webhook.fields import Fields
from services.ingest_webhook.refusals import FormClosed, UnknownForm

BROWSER: Final = "web-"
"""How a browser is named that comes without a name."""
_USER: Final = re.compile(r"[A-Za-z0-9_.@:-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Desk:
    """What reading forms needs. Without keys there are none, and every link is unknown."""

    keys: tuple[bytes, ...]
    clock: Clock
    buckets: Buckets
    """How many answers may come from one source."""

    def opened(self, token: object) -> FeedbackLink:
        """Return what a link carries; raise `UnknownForm` or `FormClosed`."""
        text = token if isinstance(token, str) else ""
        try:
            return opened(text, FeedbackLink, keys=self.keys, now=self.clock())
        except ForgedLink as error:
            raise UnknownForm from error
        except ExpiredLink as error:
            raise FormClosed from error


def user_of(named: str | None) -> str:
    """Return who fills it in: as the mini-program or the browser's cookie says, or a new name.

    >>> user_of("oZhang")
    'oZhang'
    """
    if named is not None and _USER.fullmatch(named):
        return named
    return BROWSER + secrets.token_urlsafe(16)


def feedback_of(link: FeedbackLink, fields: Fields, *, at: datetime) -> FeedbackGiven:
    """Return the fact; raises `InvalidInput` where a field is wrong."""
    user_id, content = fields.get("userId"), fields.get("content")
    if not isinstance(user_id, str) or _USER.fullmatch(user_id) is None:
        raise InvalidInput("userId", "must be 1 to 64 letters, digits or _ . @ : -")
    if not isinstance(content, str):
        raise InvalidInput("content", "must be a text")
    try:
        opinion = opinion_of(content)
    except BadOpinion as error:
        raise InvalidInput("content", str(error)) from error
    return FeedbackGiven(
        push_id=link.push_id,
        task_id=link.task_id,
        user_id=user_id,
        content=opinion,
        at=at,
        tenant_id=link.tenant_id,
    )
