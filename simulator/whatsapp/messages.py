"""POST /{phone-number-id}/messages: send, or mark as read (section 2.2; WA 2 and 6)."""

import msgspec

from simulator.conduct import Outcome
from simulator.ledger import Message
from simulator.whatsapp import checks, ids
from simulator.whatsapp.call import Call
from simulator.whatsapp.choices import offered
from simulator.whatsapp.life import plan
from simulator.whatsapp.narrator import Narrator
from simulator.whatsapp.refusals import PERMANENT, THROTTLES, Refusal, render
from simulator.whatsapp.templates import Template
from simulator.wire import Answer
from simulator.world import World

_SUCCESS = b'{"success":true}'
_WINDOW_CLOSED = 131047


def refused(call: Call, refusal: Refusal) -> Outcome:
    """Return the outcome that tells a refusal."""
    trace = ids.trace_id(call.key, call.attempt, refusal.code)
    answer = render(refusal, trace, call.knobs.wa_throttle_http)
    is_throttled = refusal.code in THROTTLES
    return Outcome(answer, "refused", refusal.code, refusal.details, is_throttled)


def mark_as_read(world: World, call: Call) -> Outcome:
    """Answer a read mark or a typing indicator."""
    refusal = checks.first_refusal(world, call, checks.READ_CHECKS) or checks.inbound_id(
        world, call.send
    )
    return refused(call, refusal) if refusal else Outcome(Answer(200, _SUCCESS), "answered")


async def send(world: World, narrator: Narrator, call: Call) -> Outcome:
    """Decide a send; an accepted one begins its life."""
    refusal = checks.first_refusal(world, call, checks.SEND_CHECKS)
    if refusal is not None:
        if call.send.opaque and refusal.code in PERMANENT:
            world.ledger.note_refusal_for_good(call.send.opaque, refusal.code)
        return refused(call, refusal)
    message = _accepted(world, call)
    closed = call.knobs.wa_window == "async" and checks.is_outside_window(world, call)
    steps = plan(call.knobs, call.chance, call.send.type, _WINDOW_CLOSED if closed else 0)
    if steps and call.chance.happens("wa.early_webhook", call.knobs.wa_early_webhook):
        await narrator.tell_early(message, steps, call.knobs)
    else:
        narrator.begin(message, steps, call.knobs)
    if call.knobs.wa_hide_accepted:
        hidden = Refusal(call.knobs.wa_hide_accepted, "Sent all the same, by order.")
        return refused(call, hidden)._replace(decision="accepted")
    return Outcome(Answer(200, _acceptance(call, message.id)), "accepted")


def _accepted(world: World, call: Call) -> Message:
    hex_id = ids.hex_id(world.settings.seed, world.knobs.age, call.key, call.attempt)
    message_id = ids.wamid(call.recipient, hex_id)
    message = Message(
        id=ids.lengthened(message_id) if call.knobs.wa_long_ids else message_id,
        opaque=call.send.opaque,
        sender=call.sender,
        recipient=call.recipient,
        category=_category(world, call),
        choices=offered(call.send, _template(world, call)) if world.ledger.keeps_records else (),
        accepted_at=world.clock.now(),
    )
    world.ledger.note_accepted(message)
    return message


def _category(world: World, call: Call) -> str:
    template = _template(world, call)
    if template is None:
        return "service"
    # A utility template in an open window is free (section 2.4, row pricing).
    is_free = template.category == "UTILITY" and world.account.has_window(call.recipient)
    return "service" if is_free else template.category.lower()


def _template(world: World, call: Call) -> Template | None:
    use = call.send.template
    return world.account.templates.find(use) if use else None


def _acceptance(call: Call, message_id: str) -> bytes:
    body = call.send
    named = {"input": str(body.to if body.to is not None else body.recipient)}
    named["wa_id" if body.to is not None else "user_id"] = call.recipient
    message = {"id": message_id}
    if body.type == "template":
        message["message_status"] = "accepted"
    return msgspec.json.encode(
        {"messaging_product": "whatsapp", "contacts": [named], "messages": [message]}
    )
