"""How an accepted message lives through its plan and what is told of it (sections 2.4 and 3)."""

from functools import partial
from typing import NamedTuple

from simulator.knobs import Knobs
from simulator.ledger import Message
from simulator.whatsapp import ids, oddities, users
from simulator.whatsapp.life import Step
from simulator.whatsapp.outbox import Outbox
from simulator.whatsapp.refusals import status_error
from simulator.whatsapp.updates import Status, Update, conversation, pricing_of
from simulator.world import World

_LAST_WITH_CONVERSATION = 23
_LAST_PRICED_BY_CONVERSATION = 20
Steps = tuple[Step, ...]


class Group(NamedTuple):
    """A group and the member of it whom a status is about."""

    id: str
    participant: str


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
        self._tell(message, self._now(message, status, code), knobs)

    def order_aside(self, message: Message, status: str, group: Group | None) -> None:
        """Tell a status that leaves the message where it is: an odd one, or one of a group."""
        knobs = self._world.knobs.for_sender(message.sender)
        update = self._update(message, self._now(message, status, 0), knobs)
        if group is not None and update.status is not None:
            update.status.recipient_id = group.id
            update.status.recipient_type = "group"
            update.status.recipient_participant_id = group.participant
        self._outbox.tell(update)

    def _now(self, message: Message, status: str, code: int) -> Step:
        moment = self._world.clock.now() - message.accepted_at
        return Step(status, moment, moment, code)

    def _run(self, message: Message, steps: Steps, knobs: Knobs) -> None:
        self._tell(message, steps[0], knobs)
        self.begin(message, steps[1:], knobs)

    def _tell(self, message: Message, step: Step, knobs: Knobs) -> None:
        moment = message.accepted_at + step.happens_s
        self._world.ledger.note_status(message, step.status, moment)
        self._outbox.tell(self._update(message, step, knobs))
        if knobs.wa_odd_statuses > 0:
            chance = self._world.chance("whatsapp.odd", f"{message.id}{step}")
            if chance.happens("wa.odd_statuses", knobs.wa_odd_statuses):
                odd = oddities.odd_status(message.id, message.recipient, chance, moment)
                self._outbox.tell(Update(message.sender, odd))
        if knobs.wa_foreign_ratio > 0:
            chance = self._world.chance("whatsapp.foreign", f"{message.id}{step}")
            if chance.happens("wa.foreign_ratio", knobs.wa_foreign_ratio):
                self._outbox.tell(oddities.foreign(message.sender, chance, moment))

    def _update(self, message: Message, step: Step, knobs: Knobs) -> Update:
        moment = message.accepted_at + step.happens_s
        user_id = users.hidden_id(self._world, message.recipient, knobs)
        status = Status(
            id=message.id,
            status=step.status,
            timestamp=str(int(moment + knobs.wa_clock_skew_s)),
            recipient_id=None if user_id else message.recipient,
            recipient_user_id=user_id,
            biz_opaque_callback_data=message.opaque or None,
        )
        if step.code:
            status.errors = [status_error(step.code)]
            return Update(message.sender, status)
        if step.is_priced:
            status.pricing = pricing_of(
                message.category,
                by_conversation=knobs.wa_payload_version <= _LAST_PRICED_BY_CONVERSATION,
            )
            if knobs.wa_payload_version <= _LAST_WITH_CONVERSATION:
                expiry = moment if step.status == "sent" else None
                conversation_id = ids.conversation_id(message.id)
                status.conversation = conversation(conversation_id, message.category, expiry)
        if not knobs.wa_contacts_block:
            return Update(message.sender, status)
        name = f"Sim user {message.recipient[-4:]}" if message.recipient.isdigit() else "Sim user"
        return Update(message.sender, status, users.contact(message.recipient, user_id, name))
