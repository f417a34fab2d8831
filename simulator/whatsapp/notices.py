"""What Meta says beside messages and statuses: notices, echoes, history (section 3; WA 10)."""

from collections.abc import Callable

from msgspec import Struct

from simulator.whatsapp import examples, ids
from simulator.whatsapp.inbound import Inbound, content_of, next_id
from simulator.whatsapp.outbox import Outbox
from simulator.whatsapp.updates import Json, Notice, Update
from simulator.world import World

_TEMPLATE_STATUS = "message_template_status_update"
# Events that change what may be sent.
_STATUSES = {
    "APPROVED": "APPROVED",
    "REINSTATED": "APPROVED",
    "PAUSED": "PAUSED",
    "DISABLED": "DISABLED",
    "REJECTED": "REJECTED",
}


class Event(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    """A notice as it is ordered."""

    field: str
    """As `account_update`; one that is not known is told all the same."""
    event: str | None = None
    """The value's `event`, where it has one."""
    value: Json = {}
    """What the value holds beside, or instead of, the example's content."""
    to: str | None = None
    """Phone number id of an echo, a history, a preference; default: the account's first."""
    user: str = "16505550001"
    """The user of an echo, a history, a preference."""
    text: str = ""
    type: str = "text"
    """Type of the message that is echoed."""


def announce(world: World, outbox: Outbox, event: Event, sender: str) -> str:
    """Tell the product; return the name under which the ledger keeps it."""
    now = int(world.clock.now())
    name = f"{event.field}#{world.ledger.next_notice()}"
    make = _OF_A_NUMBER.get(event.field)
    if make is not None:
        value = _about_number(world, sender) | make(world, event, sender) | event.value
        outbox.tell(Update(sender, None, notice=Notice(name, event.field, value)))
        return name
    value = examples.ACCOUNT_EVENTS.get(event.field, {}) | event.value
    if event.event is not None:
        value["event"] = event.event
    if event.field == _TEMPLATE_STATUS:
        _apply(world, value)
    outbox.tell(Update("", None, notice=Notice(name, event.field, value, now)))
    return name


def _apply(world: World, value: Json) -> None:
    """Let a template really be what is told of it; the language is told with a hyphen."""
    status = _STATUSES.get(str(value.get("event")))
    for template in world.account.templates.listed():
        language = template.language.replace("_", "-")
        told = (value.get("message_template_name"), value.get("message_template_language"))
        if status and told in {(template.name, language), (template.name, template.language)}:
            template.status = status
            value["message_template_id"] = int(template.id)
            value["message_template_language"] = language


def _about_number(world: World, sender: str) -> Json:
    return {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": world.account.displays[sender],
            "phone_number_id": sender,
        },
    }


def _message(world: World, event: Event, sender: str) -> Json:
    """Return a message that the company's own phone sent to a user."""
    order = Inbound(user=event.user, text=event.text or "Sent by hand", type=event.type)
    message_id = next_id(world, event.user)
    world.ledger.inbound[message_id] = world.clock.now()
    return {
        "from": world.account.displays[sender],
        "to": event.user,
        "id": message_id,
        "timestamp": str(int(world.clock.now())),
        "type": event.type,
        event.type: content_of(world, order),
    }


def _echoes(world: World, event: Event, sender: str) -> Json:
    return {"message_echoes": [_message(world, event, sender)]}


def _history(world: World, event: Event, sender: str) -> Json:
    """Return one thread with a message each way."""
    ours = _message(world, event, sender) | {"history_context": {"status": "READ"}}
    theirs = _message(world, event, sender) | {
        "from": event.user,
        "to": world.account.displays[sender],
        "history_context": {"status": "DELIVERED"},
    }
    thread = {"id": event.user, "messages": [theirs, ours]}
    progress = {"phase": 0, "chunk_order": 1, "progress": 100}
    return {"history": [{"metadata": progress, "threads": [thread]}]}


def _contacts(world: World, event: Event, sender: str) -> Json:
    del sender
    person = {"full_name": "Ada Example", "first_name": "Ada", "phone_number": event.user}
    told = {"timestamp": str(int(world.clock.now()))}
    return {
        "state_sync": [{"type": "contact", "contact": person, "action": "add", "metadata": told}]
    }


def _preferences(world: World, event: Event, sender: str) -> Json:
    del sender
    return {
        "contacts": [{"profile": {"name": "Sim user"}, "wa_id": event.user}],
        "user_preferences": [
            {
                "wa_id": event.user,
                "user_id": ids.user_id(event.user),
                "detail": "User requested to stop marketing messages",
                "category": "marketing_messages",
                "value": event.event or "stop",
                "timestamp": int(world.clock.now()),
            }
        ],
    }


def _errors(world: World, event: Event, sender: str) -> Json:
    """Return an error of the account or the app, about no message (WA 8, `value.errors[]`)."""
    del world, event, sender
    title = "API Too Many Calls"
    return {"errors": [{"code": 4, "title": title, "message": title}]}


_OF_A_NUMBER: dict[str, Callable[[World, Event, str], Json]] = {
    "messages": _errors,
    "smb_message_echoes": _echoes,
    "smb_app_state_sync": _contacts,
    "history": _history,
    "user_preferences": _preferences,
}
