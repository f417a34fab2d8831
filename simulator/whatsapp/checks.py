"""Why a call is refused, in the order in which Meta would look (section 2.2)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from simulator.whatsapp.bodies import Interactive, Media, SendBody
from simulator.whatsapp.call import Call
from simulator.whatsapp.refusals import Refusal
from simulator.world import World

Check = Callable[[World, Call], Refusal | None]

# First part of a path -> the day after which that version has expired (WA 1).
_EXPIRED = frozenset({"v18.0", "v19.0", "v20.0"})
_LIVING = frozenset({"v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0"})

_MEDIA_TYPES = ("image", "video", "document", "audio", "sticker")
TYPES = frozenset(
    {*_MEDIA_TYPES, "text", "location", "contacts", "interactive", "template", "reaction"}
)
_MOST_ROWS = 10
_SHORT_BODY, _LONG_BODY = 1024, 4096


def version(world: World, name: str, mode: str) -> Refusal | None:
    """Check the version of the path: living, expired but served, or unknown (2.1)."""
    if name in _LIVING:
        return None
    if name not in _EXPIRED or mode == "refuse":
        return Refusal(2500, f"Unknown path components: /{name}")
    world.ledger.tally.warnings[f"expired version {name}"] += 1
    return None


def authorization(world: World, call: Call) -> Refusal | None:
    """Step 2: the token is there, is ours, and has not expired."""
    account = world.account
    token = call.token or call.query.get("access_token")
    if not token:
        return Refusal(190, "An access token is required to request this resource.")
    if not account.is_token(token):
        return Refusal(190, "Invalid OAuth access token - Cannot parse access token")
    if account.is_token_expired(call.knobs.wa_token_ttl):
        day = datetime.fromtimestamp(world.clock.now(), UTC).strftime("%A, %d-%b-%y %H:%M:%S UTC")
        text = f"Session has expired on {day}. The current time is {day}."
        return Refusal(190, f"Error validating access token: {text}", 463)
    return None


def json_object(world: World, call: Call) -> Refusal | None:
    """Step 3: the body is a JSON object."""
    del world
    if call.problem and not call.body.lstrip().startswith(b"{"):
        return Refusal(100, "The body must be a JSON object.")
    is_broken = call.problem is not None and call.problem.details.endswith("not valid JSON.")
    return call.problem if is_broken else None


def sender(world: World, call: Call) -> Refusal | None:
    """Step 4: the phone number id is one of the account's."""
    if call.sender in world.account.displays:
        return None
    return no_such_object(call.sender)


def no_such_object(object_id: str) -> Refusal:
    """Return how the Graph API says that there is nothing of this id."""
    text = "does not exist, cannot be loaded due to missing permissions, or does not support"
    details = f"Unsupported post request. Object with ID '{object_id}' {text} this operation."
    return Refusal(100, details, 33)


def account_state(world: World, call: Call) -> Refusal | None:
    """Step 5: the account may send; also what a rule or a magic recipient refuses."""
    del world
    code = call.knobs.wa_account_state or call.knobs.wa_refuse
    return Refusal(code, f"Refused with code {code} by order.") if code else None


def throttles(world: World, call: Call) -> Refusal | None:
    """Step 6: throughput of the number, then of the pair."""
    now = world.clock.now()
    knobs = call.knobs
    if not world.account.rates.take(call.sender, knobs.wa_rate, now):
        return Refusal(130429, "Cloud API message throughput has been reached.")
    every_s, burst = knobs.wa_pair
    pair = (call.sender, call.recipient)
    if call.recipient and not world.account.pairs.take(pair, every_s, burst, now):
        text = "Message failed to send because there were too many messages sent from this phone"
        return Refusal(131056, f"{text} number to the same phone number in a short time period.")
    return None


def envelope(world: World, call: Call) -> Refusal | None:
    """Step 7: the product is named, and there is a recipient other than the sender."""
    if call.problem:
        return call.problem
    body = call.send
    if body.messaging_product != "whatsapp":
        return Refusal(100, "The parameter messaging_product is required.")
    if body.to is None and body.recipient is None:
        return Refusal(131008, "Parameter to or recipient is required.")
    if not call.recipient:
        return Refusal(131009, "Parameter to is not a valid WhatsApp number.")
    if call.recipient == world.account.displays[call.sender]:
        return Refusal(131021, "Sender and recipient are the same number.")
    return None


def content(world: World, call: Call) -> Refusal | None:
    """Step 8: the type exists, its object is there, and what msgspec cannot say holds."""
    del world
    body = call.send
    if body.type not in TYPES:
        return Refusal(100, f"Param type must be one of {sorted(TYPES)}, got {body.type!r}.")
    held = getattr(body, body.type)
    if held is None:
        return Refusal(131008, f"Parameter {body.type} is required for this type.")
    if isinstance(held, Media) and (held.id is None) == (held.link is None):
        return Refusal(131009, f"Parameter {body.type}: exactly one of id and link is needed.")
    if isinstance(held, Interactive):
        return _interactive(held)
    return None


class _Need(NamedTuple):
    """What an interactive type needs in its action, and how long its body may be."""

    part: str
    longest_body: int


_INTERACTIVE = {
    "button": _Need("buttons", _SHORT_BODY),
    "list": _Need("sections", _LONG_BODY),
    "cta_url": _Need("parameters", _SHORT_BODY),
}


def _interactive(held: Interactive) -> Refusal | None:
    need = _INTERACTIVE.get(held.type)
    if need is None:
        return None
    if getattr(held.action, need.part) is None:
        return Refusal(131008, f"Parameter interactive.action.{need.part} is required.")
    if held.body is None:
        return Refusal(131008, "Parameter interactive.body is required.")
    if len(held.body.text) > need.longest_body:
        return Refusal(131009, f"interactive.body.text is longer than {need.longest_body}.")
    return _choices(held)


def _choices(held: Interactive) -> Refusal | None:
    rows = [row.id for part in held.action.sections or [] for row in part.rows]
    if len(rows) > _MOST_ROWS:
        return Refusal(131009, f"interactive.action.sections has more than {_MOST_ROWS} rows.")
    ids = rows + [button.reply.id for button in held.action.buttons or []]
    if len(set(ids)) < len(ids):
        return Refusal(131009, "interactive.action: the ids of rows or buttons are not unique.")
    return None


def template(world: World, call: Call) -> Refusal | None:
    """Step 9: the template exists, may be sent, and its parameters fit."""
    if call.send.type != "template" or call.send.template is None:
        return None
    return world.account.templates.refusal_of(call.send.template)


def media(world: World, call: Call) -> Refusal | None:
    """Step 10: a file that is named by its id is still there."""
    for held in _media_of(call.send):
        if held.id is not None and world.account.media.find(held.id) is None:
            return Refusal(131053, f"Media {held.id} does not exist or has expired.")
    return None


def _media_of(body: SendBody) -> list[Media]:
    """Return the files that a body carries, in the header of a template too."""
    if body.template is not None:
        parameters = [item for part in body.template.components for item in part.parameters]
        return [item.media for item in parameters if item.media is not None]
    held = getattr(body, body.type)
    return [held] if isinstance(held, Media) else []


def window(world: World, call: Call) -> Refusal | None:
    """Section 2.4, row "24-hour window", where the refusal comes at once."""
    if call.knobs.wa_window == "refuse" and is_outside_window(world, call):
        return Refusal(131047, "More than 24 hours have passed since the user last replied.")
    return None


def is_outside_window(world: World, call: Call) -> bool:
    """Say whether a free-form message goes to a user who has not written for 24 hours."""
    return call.send.type != "template" and not world.account.has_window(call.recipient)


READ_CHECKS: tuple[Check, ...] = (authorization, json_object, sender)
SEND_CHECKS: tuple[Check, ...] = (
    *READ_CHECKS,
    account_state,
    throttles,
    envelope,
    content,
    template,
    media,
    window,
)


def first_refusal(world: World, call: Call, checks: tuple[Check, ...]) -> Refusal | None:
    """Return the refusal of the first check that fails."""
    for check in checks:
        refusal = check(world, call)
        if refusal is not None:
            return refusal
    return None


def inbound_id(world: World, body: SendBody) -> Refusal | None:
    """Check what marking as read names (WA 6)."""
    if not body.message_id:
        return Refusal(131008, "Parameter message_id is required.")
    if body.message_id not in world.ledger.inbound:
        return Refusal(131009, "Parameter message_id is not the id of an inbound message.")
    return None
