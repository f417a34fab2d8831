"""What a batch of records changes: loaded state in, changes out; no I/O (architecture, promise 3).

Each record has a trigger, its place in Kafka. Everything it causes, through itself or through
events that were parked until it came, is noted under that trigger: what a crash leaves unpublished
is found by it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from msgspec import structs

from domain.explaining import Effect
from domain.identity import is_fallback_of, message_id_for_inbound
from domain.lifecycle import Evidence, Fact, Status, learn
from schemas.topics.contents import type_of
from schemas.topics.provider_events import (
    MediaLost,
    MediaStored,
    MessageEvent,
    MessageReceived,
    NoticeReceived,
    StatusReported,
)
from schemas.topics.send_requests import SendRequested
from schemas.topics.status_changes import StatusChanged
from schemas.topics.task_changes import TaskEvent
from schemas.topics.topic import Headers
from services.status_projector.facts import (
    fact_of,
    names_in,
    provider_id_of,
    reported,
    source_of,
)
from services.status_projector.heard import Heard, Trigger
from services.status_projector.noted import Noted, Said, effect_of
from services.status_projector.trails import Priced, Trail, change_of


@dataclass(frozen=True, slots=True)
class Caused:
    """A transition and the record that caused it."""

    trigger: Trigger
    change: StatusChanged


@dataclass(frozen=True, slots=True)
class Parked:
    """An event whose message nobody has named yet (IM-07)."""

    id: int
    message_id: str | None
    provider_id: str | None
    event: MessageEvent
    headers: Headers = ()
    parked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Early:
    trigger: Trigger
    said: Said[MessageEvent]


_ARRIVED = frozenset({Status.DELIVERED, Status.READ})


class Participant(NamedTuple):
    """One of a message's recipients, or of its group's members."""

    message_id: str
    channel: str
    address: str


ConversationId = Callable[[str, str, str], str]
"""Names a conversation by its channel, sender and recipient: `Vault.conversation_id`."""


@dataclass(slots=True)
class Changes:
    """Everything that a batch changes."""

    created: dict[str, SendRequested] = field(default_factory=dict[str, SendRequested])
    touched: dict[str, Trail] = field(default_factory=dict[str, Trail])
    """The new state of each message that is new or has learnt something."""
    caused: list[Caused] = field(default_factory=list[Caused])
    unparked: set[int] = field(default_factory=set[int])
    """The parked events that were applied."""
    to_park: dict[Trigger, Heard] = field(default_factory=dict[Trigger, Heard])
    received: dict[str, MessageReceived] = field(default_factory=dict[str, MessageReceived])
    """What was written to us, by our id of it; known or not."""
    files: list[MediaStored | MediaLost] = field(default_factory=list[MediaStored | MediaLost])
    notices: list[NoticeReceived] = field(default_factory=list[NoticeReceived])
    tasks: list[TaskEvent] = field(default_factory=list[TaskEvent])
    participants: dict[Participant, Evidence] = field(default_factory=dict[Participant, Evidence])
    """What the batch says of single recipients of a message."""
    jobs: dict[str, Counter[Status]] = field(default_factory=dict[str, Counter[Status]])
    """By how much each job's number of messages in a status changes."""
    noted: list[Noted] = field(default_factory=list[Noted])
    """The facts that no transition tells of."""
    called_back: set[str] = field(default_factory=set[str])
    """Messages that their provider spoke of, unless it had said before that they arrived."""
    retried: set[str] = field(default_factory=set[str])
    """The messages of which a request of the batch is another attempt (RT-04, CF-37)."""


class Projection:
    """Applies records, in order, to what is stored."""

    def __init__(
        self,
        stored: Iterable[Trail],
        parked: Iterable[Parked],
        now: datetime,
        conversation_id: ConversationId,
    ) -> None:
        self.changes = Changes()
        self._now = now
        self._conversation_id = conversation_id
        self._trails = {trail.message_id: trail for trail in stored}
        self._by_provider_id = {
            trail.provider_id: trail.message_id
            for trail in self._trails.values()
            if trail.provider_id is not None
        }
        self._parked: defaultdict[str, list[Parked]] = defaultdict(list)
        for one in parked:
            for name in (one.message_id, one.provider_id):
                if name is not None:
                    self._parked[name].append(one)
        # Events of this batch that came before the name they speak of.
        self._early: defaultdict[str, list[_Early]] = defaultdict(list)

    def apply(self, heard: Heard) -> None:
        """Apply one record."""
        value = heard.value
        if isinstance(value, MessageEvent):
            if not self._hear(heard.trigger, Said(value, heard.headers)):
                self._put_down(heard, value)
        elif isinstance(value, SendRequested):
            self._create(heard, value)
        elif isinstance(value, MessageReceived):
            message_id = message_id_for_inbound(value.channel, value.provider_message_id)
            self.changes.received.setdefault(message_id, value)
        elif isinstance(value, MediaStored | MediaLost):
            self.changes.files.append(value)
        elif isinstance(value, NoticeReceived):
            self.changes.notices.append(value)
        elif isinstance(value, TaskEvent):
            self.changes.tasks.append(value)
        # What is left is feedback: the scheduler keeps it, beside the task it is about.

    def _create(self, heard: Heard, request: SendRequested) -> None:
        known = self._trails.get(request.message_id)
        if known is not None:  # the same request again is the same message
            self._note(known, Effect.NOTHING, Said(request, heard.headers))
            return
        trail = Trail(
            message_id=request.message_id,
            channel=request.channel,
            sender_id=request.sender_id,
            message_type=type_of(request.content),
            sent_at=request.requested_at,
            evidence=Evidence(),
            sequence=0,
            created_at=self._now,
            conversation_id=self._conversation_id(
                request.channel, request.sender_id, request.recipient
            ),
            tenant_id=request.tenant_id,
            case_id=request.case_id,
            queue_id=request.queue_id,
            contact_id=request.contact_id,
            order_id=request.order_id,
            job_id=request.job_id,
            is_fallback=is_fallback_of(request.message_id, request.original_message_id),
        )
        self.changes.created[request.message_id] = request
        if request.original_message_id is not None and not trail.is_fallback:
            self.changes.retried.add(request.original_message_id)
        self._keep(trail)
        self._count(trail, trail.status, 1)
        self._note(trail, Effect.TOLD, Said(request, heard.headers))
        self._unpark(heard.trigger, request.message_id)

    def _hear(self, trigger: Trigger, said: Said[MessageEvent]) -> bool:
        """Apply an event to its message; return False when nobody knows the message."""
        event = said.value
        message_id = self._message_of(event)
        if message_id is None:
            return False
        named = provider_id_of(event)
        if named is not None and self._trails[message_id].provider_id is None:
            if self._by_provider_id.setdefault(named, message_id) != message_id:
                raise ValueError("the provider's id is another message's")
            self._keep(structs.replace(self._trails[message_id], provider_id=named))
        if isinstance(event, StatusReported):
            self._hear_report(trigger, message_id, event, said)
        elif (fact := fact_of(event)) is not None:
            self._learn(trigger, message_id, fact, said)
        else:
            self._note(self._trails[message_id], Effect.TOLD, said)
        if named is not None:
            self._unpark(trigger, named)
        return True

    def _hear_report(
        self, trigger: Trigger, message_id: str, event: StatusReported, said: Said[MessageEvent]
    ) -> None:
        fact = reported(event)
        if self._trails[message_id].status not in _ARRIVED:
            self.changes.called_back.add(message_id)
        if event.participant is None:
            self._learn(trigger, message_id, fact, said)
        else:
            one = Participant(message_id, event.channel, event.participant)
            heard = self.changes.participants.get(one, Evidence())
            self.changes.participants[one] = learn(heard, fact)
        if event.pricing is not None:
            self._price(message_id, Priced(event.occurred_at, event.pricing))

    def _price(self, message_id: str, told: Priced) -> None:
        trail = self._trails[message_id]
        if trail.priced is None or told.rank < trail.priced.rank:
            self._keep(structs.replace(trail, priced=told))

    def _learn(
        self, trigger: Trigger, message_id: str, fact: Fact, said: Said[MessageEvent]
    ) -> None:
        before = self._trails[message_id]
        evidence = learn(before.evidence, fact)
        effect = effect_of(before.evidence, evidence)
        if effect is not Effect.MOVED or said.parked_at is not None:
            self._note(before, effect, said)
        if effect is Effect.NOTHING:
            return
        if effect is not Effect.MOVED:
            self._keep(structs.replace(before, evidence=evidence))
            return
        after = structs.replace(before, evidence=evidence, sequence=before.sequence + 1)
        change = change_of(before, after, fact.at, source_of(said.value), self._now)
        self.changes.caused.append(Caused(trigger, change))
        self._count(after, change.from_status, -1)
        self._count(after, change.to_status, 1)
        self._keep(after)

    def _message_of(self, event: MessageEvent) -> str | None:
        if event.message_id is not None and event.message_id in self._trails:
            return event.message_id
        if isinstance(event, StatusReported):
            return self._by_provider_id.get(event.provider_message_id)
        return None

    def _unpark(self, trigger: Trigger, name: str) -> None:
        """Apply what waited for the name that this trigger introduced."""
        for parked in self._parked.pop(name, ()):
            if parked.id not in self.changes.unparked:
                self.changes.unparked.add(parked.id)
                said = Said(parked.event, parked.headers, parked.parked_at)
                self._hear(trigger, said)
        for early in self._early.pop(name, ()):
            if self.changes.to_park.pop(early.trigger, None) is not None:
                self._hear(trigger, early.said)

    def _put_down(self, heard: Heard, event: MessageEvent) -> None:
        self.changes.to_park[heard.trigger] = heard
        for name in names_in(event):
            if name is not None:
                self._early[name].append(_Early(heard.trigger, Said(event, heard.headers)))

    def _note(self, trail: Trail, effect: Effect, said: Said[SendRequested | MessageEvent]) -> None:
        sequence = trail.sequence + (effect is Effect.MOVED)
        self.changes.noted.append(Noted(trail.message_id, sequence, effect, said))

    def _keep(self, trail: Trail) -> None:
        self._trails[trail.message_id] = trail
        self.changes.touched[trail.message_id] = trail

    def _count(self, trail: Trail, status: Status, by: int) -> None:
        if trail.job_id is not None and not trail.is_fallback:
            self.changes.jobs.setdefault(trail.job_id, Counter())[status] += by


def project(
    stored: Iterable[Trail],
    parked: Iterable[Parked],
    batch: Sequence[Heard],
    now: datetime,
    conversation_id: ConversationId,
) -> Changes:
    """Return what the batch changes. Requests go first: events of the batch may speak of them."""
    projection = Projection(stored, parked, now, conversation_id)
    for heard in batch:
        if isinstance(heard.value, SendRequested):
            projection.apply(heard)
    for heard in batch:
        if not isinstance(heard.value, SendRequested):
            projection.apply(heard)
    return projection.changes
