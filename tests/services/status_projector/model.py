"""What the projector must make of records: the pure rules and a waiting room, no database."""

from dataclasses import dataclass, field

from domain.lifecycle import Evidence, Status, learn
from schemas.topics.provider_events import MessageEvent
from schemas.topics.send_requests import SendRequested
from services.status_projector.facts import fact_of, names_in, provider_id_of
from tests.services.status_projector.facts import Record


@dataclass(slots=True)
class Model:
    """One message: what is known of it, and the steps that it took."""

    message_id: str
    evidence: Evidence = field(default_factory=Evidence)
    history: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    _names: set[str] = field(default_factory=set[str])
    _waiting: list[MessageEvent] = field(default_factory=list[MessageEvent])

    def hear(self, batch: list[Record]) -> None:
        """Hear a batch; its requests first."""
        for record in batch:
            if isinstance(record, SendRequested) and record.message_id == self.message_id:
                self._introduce(record.message_id)
        for record in batch:
            if isinstance(record, MessageEvent):
                self._waiting.append(record)
                self._hear_those_with(self._names)

    def _introduce(self, name: str) -> None:
        if name not in self._names:
            self._names.add(name)
            self._hear_those_with({name})

    def _hear_those_with(self, names: set[str]) -> None:
        for event in list(self._waiting):
            if event in self._waiting and names.intersection(filter(None, names_in(event))):
                self._waiting.remove(event)
                self._learn(event)
                # The acceptance names the provider's id, and so does a report that has both.
                if (provider_id := provider_id_of(event)) is not None:
                    self._introduce(provider_id)

    def _learn(self, event: MessageEvent) -> None:
        if (fact := fact_of(event)) is None:
            return
        before, self.evidence = self.evidence.status, learn(self.evidence, fact)
        if self.evidence.status is not before:
            step = (len(self.history) + 1, before.value, self.evidence.status.value)
            self.history.append(step)

    @property
    def status(self) -> Status:
        return self.evidence.status
