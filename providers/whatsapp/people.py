"""Under which recipients WhatsApp users are written to, and what their settings say (WA 10)."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from domain.consent import Wish
from domain.recipients import InvalidRecipient, to_e164
from schemas.topics.records import SenderIdField

PREFERENCES: Final = "user_preferences"
"""The kind of the notice that tells of the switch for offers and announcements."""

_USER_ID: Final = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,120}")
_WISHES: Final = {"stop": Wish.OPT_OUT, "resume": Wish.OPT_IN}
_MARKETING: Final = "marketing_messages"
_OLD_IN_MEXICO: Final = re.compile(r"^521(\d{10})$")
_OLD_IN_BRAZIL: Final = re.compile(r"^55(\d{2})([6-9]\d{7})$")


def recipient_of(written: str) -> str:
    """Return the one spelling of a recipient: a number in E.164, or a business-scoped user id.

    Raises `InvalidRecipient`.

    >>> recipient_of("+1 650 555 1234"), recipient_of("US.13491208655302741918")
    ('+16505551234', 'US.13491208655302741918')
    """
    return written if _USER_ID.fullmatch(written) else to_e164(written)


def recipient_behind(author: str) -> str:
    """Return the recipient under whom the author of a message is written to.

    WhatsApp names a person by the digits of an account, which may be older than the country's
    numbers: in Mexico with a 1, in Brazil without a 9 (WA 0, fact 8).

    >>> recipient_behind("16505551234"), recipient_behind("5215512345678")
    ('+16505551234', '+525512345678')
    """
    if not author.isdecimal():
        return author
    newer = (_OLD_IN_MEXICO.sub(r"52\1", author), _OLD_IN_BRAZIL.sub(r"55\g<1>9\2", author))
    for digits in (author, *newer):
        with suppress(InvalidRecipient):
            return to_e164(f"+{digits}")
    return f"+{author}"


@dataclass(frozen=True, slots=True)
class Preference:
    """What a user has chosen about marketing messages."""

    sender_id: str | None
    """The number of ours that it is about."""
    authors: tuple[str, ...]
    """By which ids the user is known."""
    wish: Wish


class _Item(msgspec.Struct, gc=False):
    category: str
    value: str
    wa_id: str | None = None
    user_id: str | None = None


class _Number(msgspec.Struct, frozen=True, gc=False):
    phone_number_id: SenderIdField | None = None


class _Value(msgspec.Struct, gc=False):
    user_preferences: list[Any] = []
    metadata: _Number = _Number()


def preferences_of(content: Mapping[str, Any]) -> list[Preference]:
    """Return what a notice of the kind `PREFERENCES` says; nothing of what is not understood."""
    try:
        value = msgspec.convert(content, _Value)
    except msgspec.ValidationError:
        return []
    found = (_preference(item, value.metadata.phone_number_id) for item in value.user_preferences)
    return [preference for preference in found if preference is not None]


def _preference(item: object, sender_id: str | None) -> Preference | None:
    try:
        told = msgspec.convert(item, _Item)
    except msgspec.ValidationError:
        return None
    wish = _WISHES.get(told.value) if told.category == _MARKETING else None
    authors = tuple(filter(None, (told.wa_id, told.user_id)))
    return None if wish is None or not authors else Preference(sender_id, authors, wish)
