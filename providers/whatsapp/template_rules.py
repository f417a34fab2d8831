"""What a template asks for, and whether a use of it gives that (WA-09, WA-12, IM-47). Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from schemas.topics.templates import HeaderParameter, TemplateContent

APPROVED: Final = "APPROVED"
MARKETING: Final = frozenset({"marketing", "promotion"})
"""The categories of offers: Meta's word, and ours (WA-12)."""
MISSING: Final = "MISSING"
"""Our word for what Meta's list does not hold (any more)."""

HeaderKind = Literal["text", "image", "video", "document", "location"]
ButtonKind = Literal["quick_reply", "url", "copy_code", "other"]

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


class Button(msgspec.Struct, frozen=True, omit_defaults=True):
    """One button of a template."""

    kind: ButtonKind
    is_filled: bool = False
    """Whether a use must fill something in."""


class Translation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A template in one language: what is to be filled in. As stored in ``variables``."""

    body: tuple[str, ...] = ()
    """The body's placeholders in their order: ``1``, ``2`` …, or names."""
    header: HeaderKind | None = None
    """Where the header is to be filled in."""
    buttons: tuple[Button, ...] = ()
    status: str | None = None
    """Meta's word, or `MISSING`; None: never compared with Meta's list."""
    category: str | None = None
    """Meta's word: marketing, utility, authentication. None: as for the status."""

    @property
    def has_names(self) -> bool:
        """Whether each parameter must say whose it is."""
        return any(not name.isdigit() for name in self.body)


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``whatsapp_templates`` (WA-12)."""

    name: str
    content: str
    """The body's text, in the language of the row."""
    language: str
    category: str
    translations: Mapping[str, Translation]
    """By the exact code of the language; empty where nothing is known of what it takes."""
    is_active: bool

    @property
    def is_synced(self) -> bool:
        """Whether it was compared with Meta's list."""
        return any(one.status is not None for one in self.translations.values())


def placeholders_of(text: str) -> tuple[str, ...]:
    """Return what is to be filled in, each once, in the order of the first use.

    >>> placeholders_of("Order {{1}} is {{2}}; {{1}} again")
    ('1', '2')
    """
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def is_marketing(template: Template, language: str) -> bool:
    """Tell whether it is an offer: by the word of the row, or by Meta's for the language."""
    translation = template.translations.get(language)
    metas = None if translation is None else translation.category
    return template.category in MARKETING or metas in MARKETING


def reason_against(template: Template, use: TemplateContent) -> str | None:
    """Return why this use would be refused; None where nothing speaks against it.

    The words are ours, and so are the names in them: nothing of what is filled in.
    """
    if not template.is_active:
        return f"template {use.name} is inactive"
    if not template.translations:
        return None
    translation = template.translations.get(use.language)
    if translation is None:
        known = ", ".join(sorted(template.translations))
        return f"template {use.name} has no language {use.language}; it has {known}"
    if translation.status not in {None, APPROVED}:
        return f"template {use.name} in {use.language} is {translation.status} at WhatsApp"
    reason = (
        _against_body(translation, use)
        or _against_header(translation.header, use.header)
        or _against_buttons(translation.buttons, use)
    )
    return None if reason is None else f"template {use.name} in {use.language}: {reason}"


def _against_body(translation: Translation, use: TemplateContent) -> str | None:
    expected, given = len(translation.body), len(use.body)
    if given != expected:
        return f"{given} body parameters, it takes {expected}"
    names = [parameter.name for parameter in use.body]
    if not translation.has_names:
        is_named = any(name is not None for name in names)
        return "its body parameters have numbers, not names" if is_named else None
    missing = [name for name in translation.body if name not in names]
    return f"body parameters without a value: {', '.join(missing)}" if missing else None


def _against_header(expected: HeaderKind | None, given: HeaderParameter | None) -> str | None:
    kind = None if given is None else str(type(given).__struct_config__.tag)
    if kind == expected:
        return None
    if expected is None:
        return f"a header of type {kind}, it has none to fill in"
    if kind is None:
        return f"no header, it takes one of type {expected}"
    return f"a header of type {kind}, it takes one of type {expected}"


def _against_buttons(buttons: Sequence[Button], use: TemplateContent) -> str | None:
    given = {button.index: button for button in use.buttons}
    for index, filled in given.items():
        if index >= len(buttons) or not _may_fill(buttons[index], filled.kind):
            return f"it has no button of type {filled.kind} to fill in at index {index}"
    for index, button in enumerate(buttons):
        if button.is_filled and index not in given:
            return f"nothing for its button of type {button.kind} at index {index}"
    return None


def _may_fill(button: Button, kind: str) -> bool:
    # A payload may be given to any quick reply; an address without a placeholder takes nothing.
    return button.kind == kind and (button.is_filled or kind == "quick_reply")
