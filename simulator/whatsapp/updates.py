"""What the provider says in its webhooks (WhatsApp fact sheet, 8 and 9; section 3)."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

Json = dict[str, object]

_DAY_S = 86_400


class Pricing(Struct, frozen=True, omit_defaults=True):
    """What a message costs; in `sent` and in one of delivered/read."""

    billable: bool
    pricing_model: str
    """`PMP` a message, `CBP` a conversation (before July 2025)."""
    category: str
    type: str | None = None
    """Not before `PMP`."""


class Status(Struct, omit_defaults=True, kw_only=True):
    """One entry of `statuses[]`."""

    id: str
    status: str
    timestamp: str
    recipient_id: str | None = None
    recipient_user_id: str | None = None
    recipient_type: str | None = None
    recipient_participant_id: str | None = None
    biz_opaque_callback_data: str | None = None
    conversation: Json | None = None
    pricing: Pricing | None = None
    errors: list[Json] | None = None


class Notice(NamedTuple):
    """What stands in a change of its own (WA 10)."""

    name: str
    """How the ledger calls it."""
    field: str
    value: Json
    time: int | None = None
    """Unix seconds; account events have one, what belongs to a number has none."""


class Update(NamedTuple):
    """One thing to tell: a status, a message of a user, or a notice."""

    sender: str
    """Phone number id it is about; empty where it is about the account."""
    status: Status | None
    contact: Json | None = None
    inbound: Json | None = None
    notice: Notice | None = None

    @property
    def message_id(self) -> str:
        """The id it is about."""
        if self.notice:
            return self.notice.name
        return self.status.id if self.status else str((self.inbound or {}).get("id"))


class Metadata(Struct, frozen=True):
    """Which of the account's numbers."""

    display_phone_number: str
    phone_number_id: str


class Value(Struct, omit_defaults=True, kw_only=True):
    """The `value` of a change."""

    messaging_product: str | None = None
    metadata: Metadata
    contacts: list[Json] = []
    statuses: list[Status] = []
    messages: list[Json] = []


class Change(Struct):
    """One change; one for each number, one for each notice."""

    value: Value | Json
    field: str


class Entry(Struct, omit_defaults=True):
    """One account."""

    id: str
    changes: list[Change]
    time: int | None = None


class Envelope(Struct):
    """The body of a webhook."""

    object: str
    entry: list[Entry]


MESSAGES = "messages"
_SERVICE = "service"

_encode = msgspec.json.Encoder().encode
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def pricing_of(category: str, *, by_conversation: bool) -> Pricing:
    """Return the price of a template's category, or of a free-form message ("service")."""
    is_free = category == _SERVICE
    if by_conversation:
        return Pricing(not is_free, "CBP", category)
    return Pricing(not is_free, "PMP", category, "free_customer_service" if is_free else "regular")


def conversation(conversation_id: str, category: str, expires_at: float | None) -> Json:
    """Return the block of payloads up to v23.0; the expiry stands in `sent` only."""
    block: Json = {"id": conversation_id, "origin": {"type": category}}
    if expires_at is not None:
        block["expiration_timestamp"] = str(int(expires_at + _DAY_S))
    return block


def envelope(waba_id: str, displays: dict[str, str], updates: Sequence[Update]) -> Envelope:
    """Group updates by number into the changes of one entry; account events have their own."""
    values: dict[str, Value] = {}
    notices = [update.notice for update in updates if update.notice]
    for update in updates:
        if update.notice:
            continue
        value = values.get(update.sender)
        if value is None:
            metadata = Metadata(displays.get(update.sender, "15550000000"), update.sender)
            value = Value(messaging_product="whatsapp", metadata=metadata)
            values[update.sender] = value
        _add(value, update)
    changes = [Change(value, MESSAGES) for value in values.values()]
    changes += [Change(told.value, told.field) for told in notices if told.time is None]
    entries = [Entry(waba_id, changes)] if changes else []
    entries += [
        Entry(waba_id, [Change(told.value, told.field)], told.time)
        for told in notices
        if told.time is not None
    ]
    return Envelope("whatsapp_business_account", entries)


def _add(value: Value, update: Update) -> None:
    if update.contact:
        value.contacts.append(update.contact)
    if update.status:
        value.statuses.append(update.status)
    if update.inbound:
        value.messages.append(update.inbound)


def as_sent(body: object) -> bytes:
    r"""Return compact JSON as Meta writes it: `/` and everything beyond ASCII escaped.

    >>> as_sent({"text": "a/b \u4e2d"})
    b'{"text":"a\\/b \\u4e2d"}'
    """
    encoded = _encode(body).replace(b"/", b"\\/")
    if encoded.isascii():
        return encoded
    return _NOT_ASCII.sub(_escaped, encoded.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def flat(status: Status, iso_time: str) -> Json:
    """Return the flat form of the input documents (section 3, row "Flat form")."""
    body: Json = {"messageId": status.id, "status": status.status, "timestamp": iso_time}
    if status.errors:
        body["error"] = {key: status.errors[0][key] for key in ("code", "title", "message")}
    return body


def ids_of(updates: Iterable[Update]) -> tuple[str, ...]:
    """Return the message ids of these updates."""
    return tuple(update.message_id for update in updates)
