"""How a preview is asked for: judged, kept and handed over in one transaction (PV-01…PV-05)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

import sqlalchemy as sa
from starlette.exceptions import HTTPException

from domain.task_rules import MOST_RECIPIENTS, Problem, Wrong, content_problems
from domain.tasks import MiniProgram, PushContent, content_hash
from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller
from runtime.clock import Clock
from runtime.errors import NotFound
from runtime.kafka.producer import Producer
from runtime.vault import Vault
from schemas.http.previews import Content
from schemas.topics.send_requests import SEND_REQUESTS
from services.scheduler.held import Publish, held
from services.scheduler.idempotency import Key, once
from services.scheduler.intake import SOURCE
from services.scheduler.store import previews
from services.scheduler.store.keys import Answer
from services.scheduler.store.previews import Named, NewPreview, PreviewedTask
from services.scheduler.timed.forms import Forms, form_like
from services.scheduler.timed.preview_notices import Notifier, Recipient
from services.scheduler.timed.sendable import unsendable

UNKNOWN_TASK: Final = "Task not found"
RATE: Final = timedelta(minutes=1)

_OPENID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A preview as its caller wants it."""

    task_id: str
    content: PushContent
    recipients: tuple[str, ...]
    caller: Caller
    key: Key | None = None
    """Repeated with it, it is sent once (IM-01)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """It is kept, and the broker has its notifications."""

    preview_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was sent."""

    problems: tuple[Problem, ...]


class _NothingSent(Exception):
    def __init__(self, refused: Refused) -> None:
        super().__init__()
        self.refused = refused


class PreviewDesk:
    """The way in for previews."""

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        engine: sa.Engine,
        vault: Vault,
        producer: Producer,
        notifier: Notifier | None,
        *,
        most_a_minute: int,
        clock: Clock,
        forms: Forms | None = None,
    ) -> None:
        """``notifier`` None: this installation has nothing to send previews with."""
        self._engine = engine
        self._vault = vault
        self._producer = producer
        self._notifier = notifier
        self._most = most_a_minute
        self._clock = clock
        self._forms = forms

    async def ask(self, asked: Asked) -> Sent | Refused:
        """Send a preview. Raises `NotFound`, `TryAgainLater`, and 429 beyond the rate."""
        return await held(
            self._engine,
            self._producer,
            lambda connection, publish: self._ask_once(connection, publish, asked),
        )

    def _ask_once(
        self, connection: sa.Connection, publish: Publish, asked: Asked
    ) -> Sent | Refused:
        def send() -> Answer:
            outcome = self._ask(connection, publish, asked)
            if isinstance(outcome, Refused):
                raise _NothingSent(outcome)
            return {"previewId": outcome.preview_id}

        try:
            # What was refused is judged anew when it is repeated: its key is not taken.
            with connection.begin_nested():
                return Sent(once(connection, asked.key, send, now=self._clock())["previewId"])
        except _NothingSent as nothing:
            return nothing.refused

    def _ask(self, connection: sa.Connection, publish: Publish, asked: Asked) -> Sent | Refused:
        task = previews.task_of(connection, asked.task_id, asked.caller.tenant_id)
        if task is None:
            raise NotFound(UNKNOWN_TASK)
        openids = previews.openids_of(connection, asked.recipients, task.tenant_id)
        found = [
            *content_problems(asked.content),
            *unsendable(connection, asked.content, task.tenant_id, form=self._form(task, asked)),
            *recipient_problems(asked.recipients, openids),
        ]
        if found:
            return Refused(tuple(found))
        if self._notifier is None:
            raise HTTPException(503, "PREVIEW_TEMPLATE_ID and LINK_SIGNING_KEYS are not set")
        recipients = tuple(Recipient(name, openids.get(name) or name) for name in asked.recipients)
        now = self._clock()
        previews.wait_for_turn(connection, asked.caller.user_id)
        if previews.count_of(connection, asked.caller.user_id, since=now - RATE) >= self._most:
            raise HTTPException(429, "Rate limit exceeded")
        preview_id = str(uuid4())
        notices = self._notifier.notices(
            preview_id, task, asked.content, recipients, now, form=self._form(task, asked)
        )
        preview = NewPreview(
            preview_id,
            task,
            asked.content,
            content_hash(asked.content),
            [Named(recipient.name, recipient.openid) for recipient in recipients],
            asked.caller.user_id,
            now,
        )
        previews.insert(connection, self._vault, preview)
        audit.note(
            connection, asked.caller, Action.PREVIEW_SEND, preview_id, tenant_id=task.tenant_id
        )
        publish(SEND_REQUESTS.records(notices, source=SOURCE, at=now))
        return Sent(preview_id)

    def _form(self, task: PreviewedTask, asked: Asked) -> str | None:
        """Return a link as long as the push's own, so that what fits here fits there (PV-14)."""
        if not task.asks_feedback:
            return None
        return form_like(self._forms, asked.content, task.name, task.tenant_id)


def recipient_problems(
    names: Sequence[str], openids: Mapping[str, str | None]
) -> Iterator[Problem]:
    """Say what is wrong with those who are to be asked.

    ``openids``: those of our users. Whoever is none of them is taken as an openid (CF-27).
    """
    if len(names) > MOST_RECIPIENTS:
        yield Problem("recipients", Wrong.TOO_MANY, f"must be at most {MOST_RECIPIENTS}")
        return
    seen: set[str] = set()
    for number, name in enumerate(names):
        openid = openids.get(name, name)
        if openid is None or _OPENID.fullmatch(openid) is None:
            yield Problem(f"recipients[{number}]", Wrong.MALFORMED, "has no openid")
        elif openid in seen:
            yield Problem(f"recipients[{number}]", Wrong.TWICE, "is named twice")
        else:
            seen.add(openid)


def content_of(given: Content) -> PushContent:
    """Return the content; an empty field of a form is none."""
    card = given.miniprogram
    if card is not None and not card.appid and not card.page_path:
        card = None
    return PushContent(
        text=given.text or None,
        image=given.image or None,
        link=given.link or None,
        miniprogram=None if card is None else MiniProgram(card.appid, card.page_path),
    )
