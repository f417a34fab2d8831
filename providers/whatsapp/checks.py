"""Why a message could never be sent through WhatsApp, before any call (WA 2.2, WA 5). Pure.

The schema has checked most of it already; here is what holds at WhatsApp only, or across fields.
Each reason names the field and repeats nothing of the content.
"""

from collections.abc import Iterable
from typing import Final

from providers.whatsapp.files import ENDINGS
from providers.whatsapp.payloads import can_send, file_of
from schemas.topics.contents import (
    AudioContent,
    Choices,
    Content,
    InteractiveContent,
    ReplyButtons,
    TemplateContent,
    type_of,
)
from schemas.topics.files import File

SHORT_BODY: Final = 1_024
"""Characters of a text beside buttons; beside a list it may have as many as any text."""
MOST_ROWS: Final = 10


def reason_against(content: Content) -> str | None:
    """Return why it cannot be sent, in plain words; None where nothing speaks against it."""
    if not can_send(content):
        return f"content: WhatsApp has no messages of type {type_of(content)}"
    match content:
        case InteractiveContent():
            reason = _against_interactive(content)
        case TemplateContent():
            reason = _against_template(content)
        case _:
            reason = None
    return reason or _against_file(content)


def _against_interactive(content: InteractiveContent) -> str | None:
    if isinstance(content.action, Choices):
        return _against_list(content.action)
    if len(content.body) > SHORT_BODY:
        return f"content.body: more than {SHORT_BODY} characters beside buttons"
    if isinstance(content.action, ReplyButtons) and _repeats(b.id for b in content.action.buttons):
        return "content.action.buttons: two of them have the same id"
    return None


def _against_list(action: Choices) -> str | None:
    rows = [row for section in action.sections for row in section.rows]
    if len(rows) > MOST_ROWS:
        return f"content.action.sections: {len(rows)} rows in all, more than {MOST_ROWS}"
    if _repeats(row.id for row in rows):
        return "content.action.sections: two rows have the same id"
    if len(action.sections) > 1 and any(section.title is None for section in action.sections):
        return "content.action.sections: each of several needs a title"
    return None


def _against_template(content: TemplateContent) -> str | None:
    names = [parameter.name for parameter in content.body]
    given = [name for name in names if name is not None]
    if given and len(given) < len(names):
        return "content.body: some of the parameters have names and some have none"
    if _repeats(given):
        return "content.body: two parameters have the same name"
    if _repeats(button.index for button in content.buttons):
        return "content.buttons: two of them have the same index"
    return None


def _against_file(content: Content) -> str | None:
    file = file_of(content)
    if file is None or file.key is None:
        return None
    kind, place = _kind_of(content, file)
    if file.key.rpartition(".")[2] in ENDINGS[kind]:
        return None
    allowed = ", ".join(sorted(ENDINGS[kind]))
    return f"{place}.key: WhatsApp takes as {kind} only files that end in {allowed}"


def _kind_of(content: Content, file: File) -> tuple[str, str]:
    if isinstance(content, AudioContent) and content.voice:
        return "voice", "content"
    place = "content.header" if isinstance(content, TemplateContent) else "content"
    return str(type(file).__struct_config__.tag), place


def _repeats(values: Iterable[object]) -> bool:
    listed = list(values)
    return len(set(listed)) < len(listed)
