"""Which answer a body is, whose it is, and the fact it becomes (PV-06…PV-09, CF-27)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.answers import BadComment, Choice, comment_of
from domain.identity import preview_answer_id
from runtime.clock import Clock
from runtime.errors import InvalidInput
from runtime.signed_links import ExpiredLink, ForgedLink, opened
from schemas.http.previews import PreviewLink
from schemas.topics.provider_events import MessageReceived
from services.ingest_webhook.fields import Fields
from services.ingest_webhook.refusals import LinkExpired, UnknownPreview

MESSAGE_TYPE: Final = "preview_answer"
_CHOICES: Final = {choice.value: choice for choice in Choice}


@dataclass(frozen=True, slots=True)
class Desk:
    """What reading links needs. Without keys there are none, and every link is unknown."""

    keys: tuple[bytes, ...]
    clock: Clock

    def opened(self, token: object) -> PreviewLink:
        """Return what a link carries; raise `UnknownPreview` or `LinkExpired`."""
        try:
            return opened(_text(token), PreviewLink, keys=self.keys, now=self.clock())
        except ForgedLink as error:
            raise UnknownPreview from error
        except ExpiredLink as error:
            raise LinkExpired from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody decided about a preview."""

    link: PreviewLink
    choice: Choice
    comment: str | None

    def as_event(self, at: datetime) -> MessageReceived:
        """Return the fact: a message to the account that had sent the preview.

        The same answer has the same id, whenever and however often it is given (IM-04).
        """
        link = self.link
        content: dict[str, Any] = {"response": self.choice.value, "taskId": link.task_id}
        if self.comment is not None:
            content["comment"] = self.comment
        return MessageReceived(
            channel=link.channel,
            provider_message_id=preview_answer_id(
                link.preview_id, link.recipient, self.choice, self.comment
            ),
            sender_id=link.sender_id,
            author=link.recipient,
            message_type=MESSAGE_TYPE,
            content=content,
            occurred_at=at,
            choice=self.choice,
            about=link.preview_id,
        )


def answer_of(link: PreviewLink, fields: Fields) -> Answer:
    """Return the answer to the preview that the link is to.

    Raises `UnknownPreview` where it is meant for another, `InvalidInput` where a field is wrong.
    """
    if fields.get("previewId") != link.preview_id:
        raise UnknownPreview
    choice = _CHOICES.get(_text(fields.get("response")))
    if choice is None:
        raise InvalidInput("response", f"must be {' or '.join(_CHOICES)}")
    comment = fields.get("comment")
    if not isinstance(comment, str | None):
        raise InvalidInput("comment", "must be a text")
    try:
        return Answer(link, choice, comment_of(comment or ""))
    except BadComment as error:
        raise InvalidInput("comment", str(error)) from error


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
