"""What a message can hold: one type each, told apart by ``type``. A channel sends some of them."""

from typing import Annotated, Literal

import msgspec

from domain.content import LONGEST_CAPTION, LONGEST_TEXT
from schemas.topics.files import File, FileName, Link, Short
from schemas.topics.records import Command, ProviderIdField
from schemas.topics.templates import TemplateContent

Caption = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_CAPTION)]
Person = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class TextContent(Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="text"):
    """A plain text (WA-05)."""

    body: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
    preview_url: bool = False
    """Whether the first link is shown with a preview; WhatsApp only."""


class ImageContent(File, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="image"):
    """A picture (WA-06)."""

    caption: Caption | None = None


class DocumentContent(
    File, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="document"
):
    """Any file (WA-07)."""

    file_name: FileName | None = None
    """Its ending decides the icon."""
    caption: Caption | None = None


class AudioContent(File, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="audio"):
    """A sound (WA-08)."""

    voice: bool = False
    """Shown as a voice message; needs Ogg with Opus at WhatsApp, AMR at WeCom."""


class VideoContent(File, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="video"):
    """A film (WA-08)."""

    caption: Caption | None = None


class StickerContent(
    File, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="sticker"
):
    """A sticker, WebP."""


class LocationContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="location"
):
    """A place on the map."""

    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    name: Short | None = None
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)] | None = None


class CardName(Command, frozen=True, kw_only=True, rename="camel"):
    """What a person is called."""

    formatted_name: Short
    first_name: Short | None = None
    last_name: Short | None = None


class CardPhone(Command, frozen=True, kw_only=True, rename="camel"):
    """A number on a card; with ``waId`` it can be written to from there."""

    phone: Short
    type: Short | None = None
    wa_id: Short | None = None


class CardEmail(Command, frozen=True, kw_only=True, rename="camel"):
    """An address on a card."""

    email: Short
    type: Short | None = None


class ContactCard(Command, frozen=True, kw_only=True, rename="camel"):
    """One person's card."""

    name: CardName
    phones: tuple[CardPhone, ...] = ()
    emails: tuple[CardEmail, ...] = ()
    company: Short | None = None


class ContactsContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="contacts"
):
    """Cards of people."""

    contacts: Annotated[tuple[ContactCard, ...], msgspec.Meta(min_length=1, max_length=257)]


class ReactionContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="reaction"
):
    """A reaction to a message; an empty ``emoji`` takes it back."""

    provider_message_id: ProviderIdField
    """The message that is reacted to."""
    emoji: Annotated[str, msgspec.Meta(max_length=16)]


class ReplyButton(Command, frozen=True, kw_only=True, rename="camel"):
    """A button whose press comes back as a message."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


class Row(Command, frozen=True, kw_only=True, rename="camel"):
    """A line of a list."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=24)]
    description: Annotated[str, msgspec.Meta(min_length=1, max_length=72)] | None = None


class Section(Command, frozen=True, kw_only=True, rename="camel"):
    """Lines under one title."""

    rows: Annotated[tuple[Row, ...], msgspec.Meta(min_length=1, max_length=10)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=24)] | None = None


class ReplyButtons(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="kind", tag="buttons"
):
    """Up to three answers."""

    buttons: Annotated[tuple[ReplyButton, ...], msgspec.Meta(min_length=1, max_length=3)]


class Choices(Command, frozen=True, kw_only=True, rename="camel", tag_field="kind", tag="list"):
    """A list behind a button; ten rows in all."""

    button: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    sections: Annotated[tuple[Section, ...], msgspec.Meta(min_length=1, max_length=10)]


class LinkButton(Command, frozen=True, kw_only=True, rename="camel", tag_field="kind", tag="link"):
    """A button that opens an address."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    url: Link


class InteractiveContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="interactive"
):
    """A text with something to press."""

    body: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
    action: ReplyButtons | Choices | LinkButton
    header: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None
    footer: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None


class LinkContent(Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="link"):
    """A page with a title and a picture (WC-04)."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    url: Link
    description: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] | None = None
    picture_url: Link | None = None


class MiniProgramContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="miniprogram"
):
    """A page of a mini-program (CF-19)."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    app_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    page: Annotated[str, msgspec.Meta(min_length=1, max_length=1_024)]
    cover: File


class MarkdownContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="markdown"
):
    """A text in WeCom's subset of Markdown; to members, chats of an app and robots only."""

    body: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]


class ArticleContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="article"
):
    """A picture with words below it, which open as a page; to members and chats of an app only."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    body: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
    cover: File
    url: Link | None = None
    """Where the page leads on to."""


class CardButton(Command, frozen=True, kw_only=True, rename="camel"):
    """An answer on a card or in a menu; its key comes back."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]


class CardContent(Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="card"):
    """A question with buttons: WeCom's card to a member, WeChat's menu in a chat (PV-06)."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    buttons: Annotated[tuple[CardButton, ...], msgspec.Meta(min_length=1, max_length=6)]
    description: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] | None = None
    task_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_@-]{1,128}$(?!\n)")] | None = None
    """Comes back with the answer; without it the message id does."""


class NotificationContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="notification"
):
    """A service notification of a mini-program: WeChat's subscribe message (WC-06)."""

    template_id: Short
    data: dict[str, str]
    """Value by key of the template: ``{"thing1": "…", "time2": "…"}``. What is too long is cut."""
    page: Annotated[str, msgspec.Meta(min_length=1, max_length=1_024)] | None = None
    language: Literal["zh_CN", "en_US", "zh_HK", "zh_TW"] = "zh_CN"


CustomerId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Attachment = ImageContent | VideoContent | DocumentContent | LinkContent | MiniProgramContent


class GroupSendContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="group_send"
):
    """One task of WeCom's for many customers or customer groups (WC-01, GS-04).

    A member has to confirm it. What became of each target is asked for afterwards and told as a
    fact about that participant (CF-12).
    """

    targets: Annotated[tuple[Person, ...], msgspec.Meta(min_length=1, max_length=10_000)]
    """External user ids, or the chat ids of customer groups (2,000 at most)."""
    target_kind: Literal["customers", "groups"] = "customers"
    member: Person | None = None
    """Who confirms; required for groups."""
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=4_000)] | None = None
    attachments: Annotated[tuple[Attachment, ...], msgspec.Meta(max_length=9)] = ()
    may_select: bool = False
    """Whether the member may leave customers out."""
    customer_ids: Annotated[tuple[CustomerId, ...], msgspec.Meta(max_length=10_000)] = ()
    """Our numbers of the targets, in their order: what results are kept under (GS-10)."""

    def __post_init__(self) -> None:
        """Refuse numbers that do not go with the targets."""
        if self.customer_ids and len(self.customer_ids) != len(self.targets):
            raise ValueError("`customerIds` must be as many as `targets`")


Content = (
    TextContent
    | ImageContent
    | DocumentContent
    | AudioContent
    | VideoContent
    | StickerContent
    | LocationContent
    | ContactsContent
    | ReactionContent
    | TemplateContent
    | InteractiveContent
    | LinkContent
    | MiniProgramContent
    | MarkdownContent
    | CardContent
    | NotificationContent
    | GroupSendContent
    | ArticleContent
)


def type_of(content: Content) -> str:
    """Return the word on the wire."""
    return str(type(content).__struct_config__.tag)


def words_of(content: Content) -> str:
    """Return what a person reads of it first, nothing where there are no words.

    >>> words_of(TextContent(body="Hi"))
    'Hi'
    """
    match content:
        case TextContent() | InteractiveContent() | MarkdownContent():
            words = content.body
        case ImageContent() | DocumentContent() | VideoContent():
            words = content.caption
        case LinkContent() | MiniProgramContent() | ArticleContent() | CardContent():
            words = content.title
        case TemplateContent() | LocationContent():
            words = content.name
        case ReactionContent():
            words = content.emoji
        case GroupSendContent():
            words = content.text
        case _:
            words = None
    return words or ""
