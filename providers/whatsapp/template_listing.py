"""Meta's list of an account's templates: how it is asked for and read (WA-12; fact sheet 2.2)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from providers.whatsapp.answers import reply_to_error
from providers.whatsapp.graph import GraphApi, Unanswered
from providers.whatsapp.template_rules import (
    Button,
    ButtonKind,
    HeaderKind,
    Translation,
    placeholders_of,
)
from runtime.errors import TryAgainLater

UNKNOWN: Final = "unknown"
"""The category of what Meta lists without one."""
PAGE: Final = 100
MOST_PAGES: Final = 100
"""An account has at most some thousands of templates."""

_FIELDS: Final = "name,language,status,category,parameter_format,components"
_HEADERS: Final[dict[str, HeaderKind]] = {
    "IMAGE": "image",
    "VIDEO": "video",
    "DOCUMENT": "document",
    "LOCATION": "location",
}
_BUTTONS: Final[dict[str, ButtonKind]] = {
    "QUICK_REPLY": "quick_reply",
    "URL": "url",
    "COPY_CODE": "copy_code",
    # A one-time password is filled in as if the button were an address.
    "OTP": "url",
}
_ALWAYS_FILLED: Final = frozenset({"COPY_CODE", "OTP"})


class ListAway(TryAgainLater):
    """Meta's list of templates cannot be had now; the argument is a word or two."""


class _Button(msgspec.Struct):
    type: str
    url: str | None = None


class _Component(msgspec.Struct):
    type: str
    format: str | None = None
    text: str | None = None
    buttons: tuple[_Button, ...] | None = None


class _Listed(msgspec.Struct):
    name: str
    language: str
    status: str
    category: str | None = None
    components: tuple[_Component, ...] | None = None


class _Cursors(msgspec.Struct):
    after: str = ""


class _Paging(msgspec.Struct):
    cursors: _Cursors = msgspec.field(default_factory=_Cursors)
    next: str | None = None


class _Page(msgspec.Struct):
    data: tuple[_Listed, ...]
    paging: _Paging = msgspec.field(default_factory=_Paging)


class Listed(msgspec.Struct, frozen=True):
    """A template in one language, as Meta lists it."""

    name: str
    language: str
    category: str
    body: str
    translation: Translation


class Page(msgspec.Struct, frozen=True):
    """A part of the list."""

    listed: Sequence[Listed]
    after: str | None
    """Where the next part begins; None at the end."""


async def fetch_list(api: GraphApi, account_id: str) -> Sequence[Listed]:
    """Return all of an account's templates. Raises `ListAway`, and then nothing is known."""
    listed: list[Listed] = []
    query = {"fields": _FIELDS, "limit": str(PAGE)}
    for _ in range(MOST_PAGES):
        page = await _page(api, account_id, query)
        listed += page.listed
        if page.after is None:
            return listed
        query["after"] = page.after
    raise ListAway(f"more than {MOST_PAGES} pages")


def page_of(content: bytes) -> Page | None:
    """Read an answer; None where it is no page of the list."""
    try:
        page = msgspec.json.decode(content, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    # The cursor and not the whole address of the next page: the token goes where we say.
    more = page.paging.cursors.after if page.paging.next is not None else None
    return Page([_read(one) for one in page.data], more or None)


async def _page(api: GraphApi, account_id: str, query: dict[str, str]) -> Page:
    try:
        response = await api.get(account_id, "message_templates", query)
    except Unanswered as error:
        raise ListAway(str(error)) from error
    page = page_of(response.content)
    if page is None:
        code = reply_to_error(response).failure.provider_code
        raise ListAway(f"HTTP {response.status_code}" if code is None else f"error {code}")
    return page


def _read(listed: _Listed) -> Listed:
    parts = {part.type.upper(): part for part in listed.components or ()}
    nothing = _Component("")
    body = parts.get("BODY", nothing).text or ""
    buttons = parts.get("BUTTONS", nothing).buttons or ()
    category = listed.category.lower() if listed.category else None
    translation = Translation(
        body=placeholders_of(body),
        header=_header(parts.get("HEADER", nothing)),
        buttons=tuple(_button(button) for button in buttons),
        status=listed.status.upper(),
        category=category,
    )
    return Listed(listed.name, listed.language, category or UNKNOWN, body, translation)


def _header(part: _Component) -> HeaderKind | None:
    kind = (part.format or "").upper()
    if kind == "TEXT":
        return "text" if placeholders_of(part.text or "") else None
    return _HEADERS.get(kind)


def _button(button: _Button) -> Button:
    word = button.type.upper()
    is_filled = word in _ALWAYS_FILLED or bool(placeholders_of(button.url or ""))
    return Button(_BUTTONS.get(word, "other"), is_filled)
