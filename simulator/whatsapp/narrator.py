"""How an accepted message lives through its plan and what is told of it (sections 2.4 and 3)."""

from functools import partial

from simulator.knobs import Knobs
from simulator.ledger import Message
from simulator.whatsapp import ids, oddities
from simulator.whatsapp.life import Step
from simulator.whatsapp.outbox import Outbox
from simulator.whatsapp.refusals import status_error
from simulator.whatsapp.updates import Json, Status, Update, conversation, pricing_of
from simulator.world import World

_LAST_WITH_CONVERSATION = 23
Steps = tuple[Step, ...]


class Narrator:
    """Lets messages reach their statuses in time and tells the outbox."""

    def __init__(self, world: World, outbox: Outbox) -> None:
        self._world = world
        self._outbox = outbox

    def begin(self, message: Message, steps: Steps, knobs: Knobs) -> None:
        """Schedule the first of the steps; each one schedules the next."""
        if steps:
            due = message.accepted_at + steps[0].told_s
            self._world.timers.at(due, partial(self._run, message, steps, knobs))

    async def tell_early(self, message: Message, steps: Steps, knobs: Knobs) -> None:
        """Tell the first step before the call is answered, then go on as planned."""
        first = steps[0]._replace(happens_s=0.0)
        self._world.ledger.note_status(message, first.status, message.accepted_at)
        await self._outbox.tell_now(self._update(message, first, knobs))
        self.begin(message, steps[1:], knobs)

    def order(self, message: Message, status: str, code: int) -> None:
        """Let a message reach a status now, by command."""
        knobs = self._world.knobs.for_sender(message.sender)
        moment = self._world.clock.now() - message.accepted_at
        self._tell(message, Step(status, moment, moment, code), knobs)

    def _run(self, message: Message, steps: Steps, knobs: Knobs) -> None:
        self._tell(message, steps[0], knobs)
        self.begin(message, steps[1:], knobs)

    def _tell(self, message: Message, step: Step, knobs: Knobs) -> None:
        moment = message.accepted_at + step.happens_s
        self._world.ledger.note_status(message, step.status, moment)
        self._outbox.tell(self._update(message, step, knobs))
        if knobs.wa_foreign_ratio > 0:
            chance = self._world.chance("whatsapp.foreign", f"{message.id}{step}")
            if chance.happens("wa.foreign_ratio", knobs.wa_foreign_ratio):
                self._outbox.tell(oddities.foreign(message.sender, chance, moment))

    def _update(self, message: Message, step: Step, knobs: Knobs) -> Update:
        moment = message.accepted_at + step.happens_s
        by_id = not message.recipient.isdigit()
        status = Status(
            id=message.id,
            status=step.status,
            timestamp=str(int(moment + knobs.wa_clock_skew_s)),
            recipient_id=None if by_id else message.recipient,
            recipient_user_id=message.recipient if by_id else None,
            biz_opaque_callback_data=message.opaque or None,
        )
        if step.code:
            status.errors = [status_error(step.code)]
            return Update(message.sender, status)
        if step.is_priced:
            status.pricing = pricing_of(message.category)
            if knobs.wa_payload_version <= _LAST_WITH_CONVERSATION:
                expiry = moment if step.status == "sent" else None
                conversation_id = ids.conversation_id(message.id)
                status.conversation = conversation(conversation_id, message.category, expiry)
        return Update(
            message.sender, status, _contact(message) if knobs.wa_contacts_block else None
        )


def _contact(message: Message) -> Json:
    if not message.recipient.isdigit():
        return {"profile": {"name": "Sim user"}, "user_id": message.recipient}
    return {
        "profile": {"name": f"Sim user {message.recipient[-4:]}"},
        "wa_id": message.recipient,
        "user_id": ids.user_id(message.recipient),
    }
