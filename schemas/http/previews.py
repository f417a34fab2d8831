"""Previews: bodies and answers, the page on which one is answered, and the link to it (PV, CF-27).

The page itself is the ingester's; whoever sends a preview puts the link into it.
"""

from typing import Annotated, Final, Literal

import msgspec

from domain.answers import Choice
from domain.previews import PreviewStatus
from schemas.http.envelope import Shape
from schemas.http.moments import Instant
from schemas.topics.provider_events import Channel, PersonId
from schemas.topics.records import Command, SenderIdField

PAGE: Final = "/api/preview/answer"
CONFIRM: Final = "/api/preview/confirm"
CONTENT: Final = "/api/preview/content"
"""The scheduler's: what the page shows."""
PICTURE: Final = "/api/preview/picture"
"""The scheduler's, which the ingester hands on: the page's picture."""
PICTURES: Final = frozenset({"image/jpeg", "image/png"})
"""The types it may have (PV-03)."""

PROMPT: Final = "请确认内容,回复‘确认’或‘修改’"  # noqa: RUF001 - Chinese quotes
"""The seeds' own words (PV-02)."""

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


class Card(Command, frozen=True, kw_only=True, rename="camel"):
    """A page of a mini-program."""

    appid: str
    page_path: str


class Content(Command, frozen=True, kw_only=True, rename="camel"):
    """What a push says (TP-02); what it may be is said in `domain/task_rules.py`."""

    text: str | None = None
    image: str | None = None
    link: str | None = None
    miniprogram: Card | None = None


class SendPreview(Command, frozen=True, kw_only=True, rename="camel"):
    """The body of ``POST /api/preview`` (PV-05)."""

    task_id: Id
    content: Content
    recipients: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """WeChat ids of users, or openids."""


class AnswerPreview(Command, frozen=True, kw_only=True, rename="camel"):
    """The body of ``POST /api/preview/confirm`` of somebody who is signed in (PV-09)."""

    preview_id: Id
    response: Choice
    comment: str | None = None


class SaveTemplate(Command, frozen=True, kw_only=True, rename="camel"):
    """The body of ``POST /api/preview/templates`` (PV-13)."""

    name: str
    content: Content


class RenameTemplate(Command, frozen=True, kw_only=True, rename="camel"):
    """The body of ``PUT /api/preview/templates/{templateId}`` (IM-41)."""

    name: str


class Validation(Shape):
    """Whether it could be sent, and all that is wrong, in the caller's language."""

    is_valid: bool
    errors: list[str]


class PreviewSent(Shape):
    """The answer to ``POST /api/preview``."""

    preview_id: str | None
    """None where nothing was sent."""
    validation: Validation


class PreviewAnswer(Shape):
    """What one of those asked said."""

    user_id: str | None
    """As they were named when the preview was sent; None: forgotten since."""
    response: Choice
    comment: str | None
    time: Instant


class PreviewRecipient(Shape):
    """One of those asked, and how far their notification came."""

    user_id: str
    """As they were named when the preview was sent."""
    delivery_status: Literal["waiting", "sent", "failed"]
    delivery_error: str | None


class PreviewShown(Shape):
    """A preview, and what became of it."""

    preview_id: str
    task_id: str
    status: PreviewStatus
    is_current: bool
    """Whether it shows the content that the task has now."""
    created_at: Instant
    recipients: list[PreviewRecipient]
    """Those who are not forgotten since."""
    responses: list[PreviewAnswer]


class CardShown(Shape):
    """A page of a mini-program."""

    appid: str
    page_path: str


class ContentShown(Shape):
    """What a push says."""

    text: str | None = None
    image: str | None = None
    link: str | None = None
    miniprogram: CardShown | None = None


class PageContent(Shape):
    """What somebody is asked about, as it will be pushed (PV-02, PV-14)."""

    title: str | None
    """Of an article or a card."""
    words: str | None
    """All that is said; a link stands on a line of its own."""
    link: str | None
    miniprogram: CardShown | None
    has_picture: bool
    asks_feedback: bool
    """Whether a link to a form for opinions goes with it."""
    time: str
    """When it is pushed, on the clock of `timezone`."""
    timezone: str
    groups: int
    is_current: bool
    """Whether the task still has this content."""


class TemplateShown(Shape):
    """A template of a content."""

    template_id: str
    name: str
    content: ContentShown
    built_in: bool
    """It can be neither renamed nor deleted."""


class TemplateDone(Shape):
    """What became of a template."""

    template_id: str
    message: str


class Told(Shape):
    """A word about what was done."""

    message: str
