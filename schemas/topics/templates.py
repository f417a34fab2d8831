"""An approved WhatsApp template and what is filled into it (WA-09)."""

from typing import Annotated, Literal

import msgspec

from schemas.topics.files import File, FileName, Short
from schemas.topics.records import Command


class TextParameter(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="text"
):
    """A text that is filled in."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=32_768)]
    name: Short | None = None
    """Of the placeholder, where the template's have names."""


class CurrencyParameter(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="currency"
):
    """An amount of money."""

    fallback_value: Short
    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
    amount_1000: int = msgspec.field(name="amount1000")
    """Times 1,000."""
    name: Short | None = None


class DateTimeParameter(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="date_time"
):
    """A date, in the words that are to be shown."""

    fallback_value: Short
    name: Short | None = None


class ImageParameter(
    File, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="image"
):
    """A picture in a header."""


class VideoParameter(
    File, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="video"
):
    """A film in a header."""


class DocumentParameter(
    File, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="document"
):
    """A file in a header."""

    file_name: FileName | None = None


HeaderParameter = TextParameter | ImageParameter | VideoParameter | DocumentParameter
BodyParameter = TextParameter | CurrencyParameter | DateTimeParameter


class TemplateButton(Command, frozen=True, kw_only=True, rename="camel"):
    """What is filled into one button of a template."""

    index: Annotated[int, msgspec.Meta(ge=0, le=9)]
    kind: Literal["quick_reply", "url", "copy_code"]
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    """The payload that comes back, the end of the address, or the code."""


class TemplateContent(
    Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="template"
):
    """An approved template with what is filled in (WA-09)."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,512}$(?!\n)")]
    language: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_-]{2,16}$(?!\n)")] = "en"
    """Exactly as approved: ``en`` and ``en_US`` are two."""
    header: HeaderParameter | None = None
    body: Annotated[tuple[BodyParameter, ...], msgspec.Meta(max_length=100)] = ()
    buttons: Annotated[tuple[TemplateButton, ...], msgspec.Meta(max_length=10)] = ()
