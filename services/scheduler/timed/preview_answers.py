"""Hears what people answer to previews, by link, by word or by button, and what they say of pushes.

PV-06…PV-08, CF-27, NF-04, IM-42.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from aiokafka import TopicPartition

from domain.answers import Choice, comment_of
from domain.identity import preview_answer_id
from domain.previews import PreviewStatus
from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller, Permission
from runtime.clock import Clock
from runtime.errors import Forbidden, NotFound
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
from services.scheduler.store import audience, feedback, preview_responses
from services.scheduler.store.preview_responses import Heard
from services.scheduler.store.previews import CHANNEL
from services.scheduler.timed.notice_words import Words
from services.scheduler.timed.preview_replies import tell_changes_wanted

log = logging.getLogger(__name__)

WANTED: Final = event_types(MessageReceived, FeedbackGiven)
UNKNOWN_PREVIEW: Final = "Preview not found"
WORDS_COUNT_FOR: Final = timedelta(days=7)
"""Whoever writes "确认" later than that means something else."""


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody who is signed in decides about a preview."""

    caller: Caller
    preview_id: str
    choice: Choice
    comment: str | None


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
    return _enter(connection, vault, told, words, now=now)


def answer_signed_in(
    connection: sa.Connection, vault: Vault, given: Given, words: Words, *, now: datetime
) -> None:
    """Enter the answer of a user: of somebody who was asked, or who may edit tasks (PV-09).

    Raises `NotFound` and `Forbidden`.
    """
    caller = given.caller
    preview = preview_responses.lock(connection, [given.preview_id]).get(given.preview_id)
    if preview is None or not caller.may_see(preview.tenant_id):
        raise NotFound(UNKNOWN_PREVIEW)
    account = audience.account_of(connection, caller.user_id)
    author = caller.user_id if account is None else account.openid or caller.user_id
    if vault.person(CHANNEL, author) not in preview.people:
        if Permission.TASKS_EDIT not in caller.permissions:
            raise Forbidden(f"missing permission {Permission.TASKS_EDIT}")
        author = caller.user_id
    heard = Heard(
        preview_answer_id(given.preview_id, author, given.choice, given.comment),
        vault.person(CHANNEL, author),
        author,
        given.choice,
        given.comment,
        now,
        given.preview_id,
    )
    _enter(connection, vault, {heard.response_id: (given.preview_id, heard)}, words, now=now)
    audit.note(
        connection,
        caller,
        Action.PREVIEW_ANSWER,
        given.preview_id,
        {"response": (None, given.choice)},
        tenant_id=preview.tenant_id,
    )


def _enter(
    connection: sa.Connection,
    vault: Vault,
    told: Mapping[str, tuple[str, Heard]],
    words: Words,
    *,
    now: datetime,
) -> dict[str, PreviewStatus]:
    preview_responses.insert(connection, vault, told)
    tell_changes_wanted(connection, vault, told, words, now=now)
    return preview_responses.settle(connection, {preview_id for preview_id, _ in told.values()})


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
