"""What a user writes to one of our numbers (section 3, Inbound; WA 9)."""

from base64 import b64encode
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from simulator.media import FileOrder, SampleName
from simulator.whatsapp import examples, ids, media, users
from simulator.whatsapp.outbox import Outbox
from simulator.whatsapp.updates import Json, Update
from simulator.world import World

_KIND = 0x12
_MEDIA: dict[str, SampleName] = {
    "image": "jpeg",
    "video": "mp4",
    "audio": "ogg",
    "document": "pdf",
    "sticker": "webp",
}
_MEDIA_EXTRAS: dict[str, Json] = {"audio": {"voice": True}, "sticker": {"animated": False}}


class Inbound(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    """A message as it is ordered: a text, or any type of WA 9 with its content."""

    user: str
    """Digits of the user's number, a leading `+` is dropped; or a business-scoped user id."""
    text: str = ""
    """The text, a medium's caption, a reaction's emoji, or the number after a change."""
    type: str = "text"
    content: Json | list[Json] | None = None
    """What stands under the type's name; default: an example of its kind."""
    file: FileOrder | None = None
    """The bytes of a medium; default: a small sample of its kind."""
    to: str | None = None
    """Phone number id; default: the account's first."""
    context: str | Json | None = None
    """Id of the message that is answered, or the whole object: `{"forwarded": true}`."""
    referral: Json | bool | None = None
    """The advertisement it came through; true: an example."""
    group_id: str | None = None
    errors: list[Json] = []
    name: str = "Sim user"
    username: str | None = None


class _Scene(NamedTuple):
    """Who writes to which number, when."""

    world: World
    sender: str
    user: str
    hidden: str | None
    now: float


def receive(world: World, outbox: Outbox, body: Inbound, sender: str) -> str:
    """Tell the product of the message, open the user's window; return the message id."""
    user = body.user.removeprefix("+")
    now = world.clock.now()
    hidden = users.hidden_id(world, user, world.knobs.for_sender(sender))
    message_id = next_id(world, user)
    message = _message(_Scene(world, sender, user, hidden, now), body, message_id)
    world.ledger.inbound[message_id] = now
    world.account.note_inbound(user)
    # Throughput counts what is received too (WA 4); a user is never refused.
    world.account.rates.take(sender, world.knobs.for_sender(sender).wa_rate, now)
    contact = users.contact(user, hidden, body.name, body.username)
    # What the system says of a user comes without a contact (WA 9, row system).
    outbox.tell(Update(sender, None, None if body.type == "system" else contact, message))
    return message_id


def next_id(world: World, user: str) -> str:
    """Return the id of a message that did not come through our API."""
    # With the moment: a sandbox started again must not give an id that the product still knows.
    number = len(world.ledger.inbound) + 1
    hex_id = ids.hex_id(world.settings.seed, world.clock.now(), number)
    return ids.wamid(user, hex_id, _KIND)


def _message(scene: _Scene, body: Inbound, message_id: str) -> Json:
    message: Json = {} if scene.hidden else {"from": scene.user}
    message |= {
        "from_user_id": scene.hidden or ids.user_id(scene.user),
        "id": message_id,
        "timestamp": str(int(scene.now)),
        "type": body.type,
    }
    if body.context:
        ours = scene.world.account.displays[scene.sender]
        is_id = isinstance(body.context, str)
        message["context"] = {"from": ours, "id": body.context} if is_id else body.context
    if body.referral:
        message["referral"] = examples.REFERRAL if body.referral is True else body.referral
    if body.group_id:
        message["group_id"] = body.group_id
    errors = body.errors or ([examples.UNSUPPORTED] if body.type == "unsupported" else [])
    if errors:
        message["errors"] = errors
    message[body.type] = content_of(scene.world, body)
    return message


def content_of(world: World, body: Inbound) -> object:
    """Return what stands under the type's name."""
    if body.type in _MEDIA and (body.file is not None or body.content is None):
        return _medium(world, body)
    if body.content is not None:
        return body.content
    made = _MADE.get(body.type)
    return made(body) if made else examples.CONTENTS.get(body.type, {})


def _medium(world: World, body: Inbound) -> Json:
    ordered = body.file or FileOrder(sample=_MEDIA[body.type])
    file = media.keep(world, ordered, media.INBOUND_KEPT_S)
    content: Json = {
        "mime_type": file.mime_type,
        "sha256": b64encode(file.digest).decode(),
        "id": file.id,
        "url": media.address_of(world, file, world.public_url),
        **_MEDIA_EXTRAS.get(body.type, {}),
    }
    if body.text:
        content["caption"] = body.text
    if body.type == "document":
        content["filename"] = file.filename
    return content | (body.content if isinstance(body.content, dict) else {})


def _text(body: Inbound) -> Json:
    return {"body": body.text}


def _reaction(body: Inbound) -> Json:
    """Without a text the reaction is taken back."""
    about = body.context if isinstance(body.context, str) else "wamid.x"
    return {"message_id": about, "emoji": body.text} if body.text else {"message_id": about}


def _system(body: Inbound) -> Json:
    old, new = body.user.removeprefix("+"), body.text or "16505550002"
    told = f"User A changed from {old} to {new}"
    return {"body": told, "wa_id": new, "type": "user_changed_number"}


_MADE: dict[str, Callable[[Inbound], Json]] = {
    "text": _text,
    "reaction": _reaction,
    "system": _system,
}
