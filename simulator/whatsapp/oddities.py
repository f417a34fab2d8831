"""Callbacks no consumer expects but must survive (section 3: foreign traffic, unknown content)."""

from collections.abc import Callable

import msgspec

from simulator.chance import Chance
from simulator.whatsapp import ids
from simulator.whatsapp.updates import MESSAGES, Envelope, Json, Status, Update

_UNKNOWN_NUMBER = "999999999999999"
_STRANGERS_RATIO = 0.2


def foreign(sender: str, chance: Chance, moment: float) -> Update:
    """Return a status of a message that another system sent, at times on another number."""
    stranger = chance.happens("foreign.number", _STRANGERS_RATIO)
    user = "1650555" + chance.digits("foreign.user", 4)
    status = Status(
        id=ids.wamid(user, ids.hex_id("foreign", chance.share("foreign.id"))),
        status="delivered",
        timestamp=str(int(moment)),
        recipient_id=user,
    )
    return Update(_UNKNOWN_NUMBER if stranger else sender, status)


def with_strangers(body: Envelope, chance: Chance, moment: float) -> object:
    """Put one malformed and one foreign status among the good ones (knob `wa.mixed_batch`)."""
    plain = msgspec.to_builtins(body)
    for change in [change for entry in plain["entry"] for change in entry["changes"]]:
        if change["field"] != MESSAGES:
            continue
        statuses: list[Json] = change["value"].setdefault("statuses", [])
        other = foreign("", chance, moment).status
        place = len(statuses) // 2
        statuses[place:place] = [{"id": 7, "status": None}, msgspec.to_builtins(other)]
    return plain


def odd_status(message_id: str, recipient: str, chance: Chance, moment: float) -> Status:
    """Return a status that says nothing about the delivery (WA 8; knob `wa.odd_statuses`)."""
    name = chance.pick("odd.status", (("played", 1.0), ("warning", 1.0), ("deleted", 1.0)))
    return Status(id=message_id, status=name, timestamp=str(int(moment)), recipient_id=recipient)


def _unknown_field(entry: Json, value: Json) -> None:
    del entry
    value["future_feature"] = {"enabled": True, "labels": ["\u65b0", "a/b"]}


def _unknown_status(entry: Json, value: Json) -> None:
    del entry
    old = value.get("statuses")
    if isinstance(old, list) and old:
        value["statuses"] = [*old, {**old[0], "status": "warning"}]


def _unknown_change(entry: Json, value: Json) -> None:
    changes = entry["changes"]
    if isinstance(changes, list):
        extra = {"field": "future_events", "value": {"metadata": value.get("metadata")}}
        entry["changes"] = [*changes, extra]


def _unknown_message(entry: Json, value: Json) -> None:
    metadata = value.get("metadata")
    message = {
        "from": "16505550000",
        "id": ids.wamid("16505550000", ids.hex_id("unknown", repr(value)), 0x12),
        "timestamp": "1750030073",
        "type": "hologram",
        "hologram": {"depth": 3},
    }
    extra = {"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]}
    changes = entry["changes"]
    if isinstance(changes, list):
        entry["changes"] = [*changes, {"field": "messages", "value": extra}]


_UNKNOWN: tuple[Callable[[Json, Json], None], ...] = (
    _unknown_field,
    _unknown_status,
    _unknown_change,
    _unknown_message,
)


def with_unknown(body: object, chance: Chance) -> object:
    """Add a status, type or field of the future (knob `wa.unknown_fields`)."""
    plain = msgspec.to_builtins(body)
    entry = plain["entry"][0]
    kind = chance.pick("unknown.kind", tuple((add, 1.0) for add in _UNKNOWN))
    kind(entry, entry["changes"][0]["value"])
    return plain


def forged_body(body: bytes) -> bytes:
    """Return the lie a forger would tell: every status read already."""
    for told in (b"sent", b"delivered", b"failed"):
        body = body.replace(b'"status":"%b"' % told, b'"status":"read"')
    return body


def _wrong(true: str, other: str) -> str | None:
    del true
    return other


def _missing(true: str, other: str) -> str | None:
    del true, other
    return None


def _truncated(true: str, other: str) -> str | None:
    del other
    return true[:-10]


def _without_scheme(true: str, other: str) -> str | None:
    del other
    return true.removeprefix("sha256=")


FORGERIES: tuple[Callable[[str, str], str | None], ...] = (
    _wrong,
    _missing,
    _truncated,
    _without_scheme,
)


def forged_signature(chance: Chance, true: str, other: str) -> str | None:
    """Return a signature that must be refused: of another secret, none, cut, without scheme.

    `true` is the right one of this body, `other` that of another secret.
    """
    return chance.pick("wa.bad_signature.kind", tuple((kind, 1.0) for kind in FORGERIES))(
        true, other
    )
