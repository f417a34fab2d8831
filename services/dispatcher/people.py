"""What the dispatcher hears on `provider-events`, of recipients above all.

Each message opens the window in which its author may be answered freely (IM-26, CF-56); one that
is nothing but a word for it opts out or in again, and so does WhatsApp's switch for offers.
What is reported failed, and what is told of our accounts, goes to who halts senders.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

import sqlalchemy as sa
from aiokafka import TopicPartition

from domain.consent import Reason, Scope, Statement, Words, overrules, wish_of
from providers.whatsapp.people import PREFERENCES, preferences_of, recipient_behind
from runtime.clock import Clock
from runtime.kafka.stream import Delivery, Group
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.provider_events import (
    MessageReceived,
    NoticeReceived,
    ProviderEvent,
    StatusReported,
    event_types,
)
from services.dispatcher import refused_offers
from services.dispatcher.breaking import SenderBreaker
from services.dispatcher.metrics import WISHES
from services.dispatcher.reported import Reported
from services.dispatcher.store import people
from services.dispatcher.store.people import EVERY_SENDER, Pair

WANTED: Final = event_types(MessageReceived, NoticeReceived, StatusReported)


def matters(record: bytes) -> bool:
    """Tell by its bytes whether a record may have to be read: of the reports only failures."""
    return b'"status.reported"' not in record or b'"failed"' in record


_NOT_WRITTEN: Final = frozenset({"system", "edit", "revoke"})
"""What comes as a message and is none that somebody wrote to us (WA 9)."""

_WORDS: Final = {
    "text": ("body",),
    "button": ("text", "payload"),
    "button_reply": ("title", "id"),
    "list_reply": ("title", "id"),
}
"""Where a message may consist of a word: what was seen, and what we named it."""


@dataclass(slots=True)
class Heard:
    """What some events say about people, the last of each."""

    wrote: dict[Pair, datetime] = field(default_factory=dict[Pair, datetime])
    said: dict[tuple[Pair, Scope], Statement] = field(
        default_factory=dict[tuple[Pair, Scope], Statement]
    )

    def wrote_at(self, pair: Pair, at: datetime) -> None:
        """Note that the recipient wrote to the sender."""
        self.wrote[pair] = max(at, self.wrote.get(pair, at))

    def say(self, pair: Pair, statement: Statement) -> None:
        """Note what the recipient said."""
        key = pair, statement.scope
        if key not in self.said or overrules(statement, self.said[key]):
            self.said[key] = statement


def heard(events: Iterable[ProviderEvent], words: Words, *, now: datetime) -> Heard:
    """Return what the events say; in whatever order they come, the same."""
    found = Heard()
    for event in events:
        match event:
            case MessageReceived():
                _hear_message(found, event, words)
            case NoticeReceived(channel="whatsapp", kind=kind) if kind == PREFERENCES:
                _hear_preferences(found, event, now)
            case _:
                pass
    return found


class Listener:
    """The handler of ``provider-events``."""

    def __init__(
        self,
        engine: sa.Engine,
        vault: Vault,
        words: Words,
        breaker: SenderBreaker,
        reported: Reported,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._words = words
        self._breaker = breaker
        self._reported = reported
        self._clock = clock

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Nothing to prepare: what was heard before is in the tables."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Enter it, committed, before the records are finished."""
        events: list[ProviderEvent] = [delivery.value for delivery in deliveries]
        found = heard(events, self._words, now=self._clock())
        unwanted = refused_offers.in_reports(events)
        if found.wrote or found.said:
            await in_thread(self._engine, lambda c: _remember(c, self._vault, found))
        if unwanted:
            await in_thread(self._engine, lambda c: people.remember_refusals(c, unwanted))
        await self._breaker.hear(events)
        await self._reported.hear(events)
        for delivery in deliveries:
            delivery.finish()
        for (pair, scope), statement in found.said.items():
            WISHES.labels(pair.channel, scope, statement.wish).inc()

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Nothing to forget: no record is held."""


def _remember(connection: sa.Connection, vault: Vault, found: Heard) -> None:
    people.remember_windows(connection, vault, found.wrote)
    people.remember_replies(connection, vault, found.said)


def _hear_message(found: Heard, message: MessageReceived, words: Words) -> None:
    # What is said in a group is said to the group.
    if message.group_id is not None or message.message_type in _NOT_WRITTEN:
        return
    wishes = (wish_of(text, words) for text in _texts(message))
    wish = next((wish for wish in wishes if wish is not None), None)
    for recipient in _recipients(message):
        pair = Pair(message.channel, message.sender_id, recipient)
        found.wrote_at(pair, message.occurred_at)
        if wish is not None:
            statement = Statement(wish, Scope.ALL, Reason.REPLY, message.occurred_at)
            found.say(pair._replace(sender_id=_meant(message)), statement)


def _hear_preferences(found: Heard, notice: NoticeReceived, now: datetime) -> None:
    for preference in preferences_of(notice.content):
        at = notice.occurred_at or now
        statement = Statement(preference.wish, Scope.MARKETING, Reason.REPLY, at)
        for author in preference.authors:
            sender_id = preference.sender_id or EVERY_SENDER
            found.say(Pair(notice.channel, sender_id, recipient_behind(author)), statement)


def _recipients(message: MessageReceived) -> list[str]:
    """Return under which names the author may be written to: by number, and by user id."""
    named = [message.author]
    if message.author_user_id is not None:
        named.append(message.author_user_id)
    if message.channel == "whatsapp":
        named = [recipient_behind(author) for author in named]
    return list(dict.fromkeys(named))


def _meant(message: MessageReceived) -> str:
    """Return which sender is to be silent.

    The accounts of WeCom's customer service send nothing themselves: who writes the word there
    means the company.
    """
    company = message.account_id or ""
    is_desk = message.channel == "wecom" and not message.sender_id.startswith(company)
    return EVERY_SENDER if is_desk else message.sender_id


def _texts(message: MessageReceived) -> Iterator[str]:
    kind, typed = message.message_type, message.content
    if kind == "interactive":
        kind = str(typed.get("type"))
        pressed: Any = typed.get(kind)
        typed = cast("dict[str, Any]", pressed) if isinstance(pressed, dict) else {}
    elif kind == "text" and message.about is not None:
        yield message.about  # the entry of a menu that was tapped
    for name in _WORDS.get(kind, ()):
        if isinstance(text := typed.get(name), str):
            yield text
