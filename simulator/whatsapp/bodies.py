"""What the body of a send call may hold (WhatsApp fact sheet, 2.1 and 2.2)."""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from simulator.whatsapp.refusals import Refusal

Choice = TypeVar("Choice")


Caption = Annotated[str, Meta(max_length=1024)]
Label = Annotated[str, Meta(min_length=1, max_length=20)]
SectionTitle = Annotated[str, Meta(max_length=24)]


class Text(Struct, forbid_unknown_fields=True):
    """A text; its body has 1 to 4,096 characters."""

    body: Annotated[str, Meta(min_length=1, max_length=4096)]
    preview_url: bool = False


class Media(Struct, forbid_unknown_fields=True):
    """Media by id or by link."""

    id: str | None = None
    link: str | None = None


class Captioned(Media, forbid_unknown_fields=True):
    """An image or video."""

    caption: Caption | None = None


class Document(Captioned, forbid_unknown_fields=True):
    """A document; the extension of its name decides the icon."""

    filename: str | None = None


class Audio(Media, forbid_unknown_fields=True):
    """An audio; takes no caption."""

    voice: bool = False


class Location(Struct, forbid_unknown_fields=True):
    """A place; Meta's examples have strings, common clients send numbers."""

    latitude: str | float
    longitude: str | float
    name: str | None = None
    address: str | None = None


class ContactName(Struct):
    """The one required part of a contact."""

    formatted_name: str


class Contact(Struct):
    """A contact card."""

    name: ContactName


class Reaction(Struct, forbid_unknown_fields=True):
    """A reaction; an empty emoji removes it."""

    message_id: str
    emoji: str


class Reply(Struct, forbid_unknown_fields=True):
    """What a reply button returns."""

    id: Annotated[str, Meta(min_length=1, max_length=256)]
    title: Label


class Button(Struct, forbid_unknown_fields=True):
    """A reply button."""

    type: Literal["reply"]
    reply: Reply


class Row(Struct, forbid_unknown_fields=True):
    """A row of a list."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    title: Annotated[str, Meta(min_length=1, max_length=24)]
    description: Annotated[str, Meta(max_length=72)] | None = None


class Section(Struct, forbid_unknown_fields=True):
    """A section of a list."""

    rows: list[Row]
    title: SectionTitle | None = None


class Action(Struct):
    """What the user may tap; which part is needed depends on the interactive type."""

    buttons: Annotated[list[Button], Meta(min_length=1, max_length=3)] | None = None
    button: Label | None = None
    sections: Annotated[list[Section], Meta(min_length=1, max_length=10)] | None = None
    name: str | None = None
    parameters: dict[str, object] | None = None


class BodyText(Struct):
    """The text of an interactive message."""

    text: Annotated[str, Meta(min_length=1, max_length=4096)]


class FooterText(Struct):
    """The small print of an interactive message."""

    text: Annotated[str, Meta(min_length=1, max_length=60)]


class Interactive(Struct, forbid_unknown_fields=True):
    """A message with buttons, a list or a link."""

    type: str
    action: Action
    body: BodyText | None = None
    header: dict[str, object] | None = None
    footer: FooterText | None = None


class Currency(Struct, forbid_unknown_fields=True):
    """An amount: what is shown where it cannot be put in the user's own way, and the amount."""

    fallback_value: str
    code: Annotated[str, Meta(min_length=3, max_length=3)]
    amount_1000: int


class DateTime(Struct):
    """A date, in the words that are shown."""

    fallback_value: str


class Parameter(Struct, forbid_unknown_fields=True):
    """A template parameter; its other fields depend on its type."""

    type: str
    text: str | None = None
    payload: str | None = None
    coupon_code: str | None = None
    parameter_name: str | None = None
    currency: Currency | None = None
    date_time: DateTime | None = None
    image: Media | None = None
    video: Media | None = None
    document: Document | None = None
    location: Location | None = None

    @property
    def media(self) -> Media | None:
        """The file that it carries."""
        return self.image or self.video or self.document


class Component(Struct):
    """A part of a template to be filled in."""

    type: str
    parameters: list[Parameter] = []
    sub_type: str | None = None
    index: int | str | None = None


class Language(Struct):
    """The exact code of an approved translation."""

    code: str


class TemplateUse(Struct):
    """A template with its parameters."""

    name: str
    language: Language
    components: list[Component] = []


class Context(Struct):
    """Makes the message a quoted reply."""

    message_id: str


class SendBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """The envelope of a send, and of marking as read."""

    messaging_product: str | None = None
    recipient_type: Literal["individual"] = "individual"
    to: str | int | None = None
    recipient: str | None = None
    type: str = "text"
    context: Context | None = None
    biz_opaque_callback_data: Annotated[str, Meta(max_length=512)] | None = None
    recipient_identity_key_hash: str | None = None
    text: Text | None = None
    image: Captioned | None = None
    video: Captioned | None = None
    document: Document | None = None
    audio: Audio | None = None
    sticker: Media | None = None
    location: Location | None = None
    contacts: Annotated[list[Contact], Meta(min_length=1, max_length=257)] | None = None
    reaction: Reaction | None = None
    interactive: Interactive | None = None
    template: TemplateUse | None = None
    status: Literal["read"] | None = None
    message_id: str | None = None
    typing_indicator: dict[str, str] | None = None

    @property
    def opaque(self) -> str:
        """The only value of the sender's own that comes back."""
        return self.biz_opaque_callback_data or ""


class _Glimpse(Struct):
    to: object = None
    biz_opaque_callback_data: object = None


_send_body = msgspec.json.Decoder(SendBody)
_glimpse = msgspec.json.Decoder(_Glimpse)

# What msgspec says -> code (section 2.2, steps 7 and 8); anything else is code 100.
_CODES = (
    ("Object missing required field", 131008),
    ("of length", 131009),
)


def read(body: bytes) -> tuple[SendBody, Refusal | None]:
    """Return the body and, if it breaks a rule of its shape, why; then it holds ids only."""
    try:
        return _send_body.decode(body), None
    except msgspec.ValidationError as error:
        return _ids_of(body), Refusal(_code_for(str(error)), str(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return SendBody(), Refusal(100, "The body is not valid JSON.")


def _ids_of(body: bytes) -> SendBody:
    try:
        found = _glimpse.decode(body)
    except msgspec.ValidationError:
        return SendBody()
    opaque = found.biz_opaque_callback_data
    return SendBody(
        to=found.to if isinstance(found.to, str) else None,
        biz_opaque_callback_data=opaque if isinstance(opaque, str) else None,
    )


def _code_for(problem: str) -> int:
    return next((code for words, code in _CODES if words in problem), 100)
