"""Hears what people answer to previews, by link, by word or by button, and what they say of pushes.

PV-06…PV-08, CF-27, NF-04, IM-42.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from aiokafka import TopicPartition

from domain.answers import comment_of
from domain.previews import PreviewStatus
from runtime.clock import Clock
from runtime.kafka.stream import Delivery, Group
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.provider_events import (
    FeedbackGiven,
    MessageReceived,
    ProviderEvent,
    event_types,
)
from services.scheduler.metrics import FEEDBACK_KEPT
from services.scheduler.store import feedback, preview_responses
from services.scheduler.store.preview_responses import Heard
from services.scheduler.timed.notice_words import Words
from services.scheduler.timed.preview_replies import tell_changes_wanted

log = logging.getLogger(__name__)

WANTED: Final = event_types(MessageReceived, FeedbackGiven)
WORDS_COUNT_FOR: Final = timedelta(days=7)
"""Whoever writes "确认" later than that means something else."""


class PreviewAnswers:
    """The handler of ``provider-events``."""

    def __init__(self, engine: sa.Engine, vault: Vault, words: Words, clock: Clock) -> None:
        self._engine = engine
        self._vault = vault
        self._words = words
        self._clock = clock

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Nothing to prepare: what was heard before is in the tables."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Enter the answers, committed, before the records are finished."""
        events: list[ProviderEvent] = [delivery.value for delivery in deliveries]
        heard = [
            heard_of(self._vault, event)
            for event in events
            if isinstance(event, MessageReceived) and event.choice is not None
        ]
        given = [event for event in events if isinstance(event, FeedbackGiven)]
        if heard or given:
            moved = await in_thread(self._engine, lambda c: self._enter(c, heard, given))
            for preview_id, status in moved.items():
                log.info("preview.answered", extra={"preview_id": preview_id, "status": status})
        for delivery in deliveries:
            delivery.finish()

    def _enter(
        self, connection: sa.Connection, heard: Sequence[Heard], given: Sequence[FeedbackGiven]
    ) -> dict[str, PreviewStatus]:
        if given:
            FEEDBACK_KEPT.inc(feedback.keep(connection, self._vault, given))
        if not heard:
            return {}
        return answer(connection, self._vault, heard, self._words, now=self._clock())

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Nothing to forget: no record is held."""


def answer(
    connection: sa.Connection,
    vault: Vault,
    heard: Sequence[Heard],
    words: Words,
    *,
    now: datetime,
) -> dict[str, PreviewStatus]:
    """Enter answers; return the previews that moved. In any order, any number of times the same.

    Who sent a preview is told of each that asks for a change (PV-08).
    """
    previews = preview_responses.previews_of(connection, heard, within=WORDS_COUNT_FOR)
    told = {
        one.response_id: (previews[one.response_id], one)
        for one in heard
        if one.response_id in previews
    }
    if not told:
        return {}
    preview_responses.insert(connection, vault, told)
    tell_changes_wanted(connection, told, words, now=now)
    return preview_responses.settle(connection, set(previews.values()))


def heard_of(vault: Vault, message: MessageReceived) -> Heard:
    """Return the answer that a message with a choice is."""
    comment = message.content.get("comment")
    assert message.choice is not None  # noqa: S101 - the caller has looked
    return Heard(
        message.provider_message_id,
        vault.person(message.channel, message.author),
        message.author,
        message.choice,
        comment_of(comment) if isinstance(comment, str) else None,
        message.occurred_at,
        message.about,
    )
