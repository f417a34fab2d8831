"""What a user writes to one of our numbers (section 3, Inbound; WA 9)."""

from msgspec import Struct

from simulator.whatsapp import ids
from simulator.whatsapp.outbox import Outbox
from simulator.whatsapp.updates import Json, Update
from simulator.world import World

_KIND = 0x12


class Inbound(Struct, forbid_unknown_fields=True, rename={"user": "from"}):
    """A message as it is ordered: a text, or any type of WA 9 with its content."""

    user: str
    """Digits of the user's number; a leading `+` is dropped."""
    text: str = ""
    type: str = "text"
    content: Json | None = None
    """What stands under the type's name; default: the text."""
    to: str | None = None
    """Phone number id; default: the account's first."""
    context: str | None = None
    """Id of the message that is answered."""
    name: str = "Sim user"


def receive(world: World, outbox: Outbox, body: Inbound, sender: str) -> str:
    """Tell the product of the message, open the user's window; return the message id."""
    user = body.user.removeprefix("+")
    now = world.clock.now()
    # With the moment: a sandbox started again must not give an id that the product still knows.
    number = len(world.ledger.inbound) + 1
    message_id = ids.wamid(user, ids.hex_id(world.settings.seed, now, number), _KIND)
    message: Json = {
        "from": user,
        "from_user_id": ids.user_id(user),
        "id": message_id,
        "timestamp": str(int(now)),
        "type": body.type,
        body.type: body.content if body.content is not None else {"body": body.text},
    }
    if body.context:
        message["context"] = {"from": world.account.displays[sender], "id": body.context}
    world.ledger.inbound[message_id] = now
    world.account.note_inbound(user)
    # Throughput counts what is received too (WA 4); a user is never refused.
    world.account.rates.take(sender, world.knobs.for_sender(sender).wa_rate, now)
    contact: Json = {"profile": {"name": body.name}, "wa_id": user, "user_id": ids.user_id(user)}
    outbox.tell(Update(sender, None, contact, message))
    return message_id
