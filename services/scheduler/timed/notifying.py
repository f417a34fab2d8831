"""Sends notices and alerts through the pipeline, each once (NF-01, NF-08, IM-43).

Ticks return whether they found so much to do that the next one should follow at once.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from domain.content import render
from domain.identity import message_id_for_alert, message_id_for_notification
from domain.lifecycle import Status
from runtime import robot_alerts
from runtime.clock import Clock
from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.contents import NotificationContent
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from schemas.topics.status_changes import StatusChanged
from services.scheduler.held import Publish, held
from services.scheduler.intake import SOURCE
from services.scheduler.metrics import ALERTS_TOLD, NOTICES_HANDED_OVER
from services.scheduler.store import alerts, notices
from services.scheduler.store.alerts import Failure
from services.scheduler.store.notices import Due, Outcome
from services.scheduler.timed import notices as notes
from services.scheduler.timed.notice_settings import NoticeSettings
from services.scheduler.timed.notice_words import WORDS, Words
from services.scheduler.timed.notices import AHEAD, summed_up
from services.scheduler.timed.preview_replies import with_words
from services.scheduler.timed.works import Time

log = logging.getLogger(__name__)

NOTED_EVERY: Final = timedelta(seconds=1)
NOTED: Final = 200
"""Tasks, and pushes, in one transaction."""
NOTICES_EVERY: Final = timedelta(milliseconds=500)
NOTICES_BATCH: Final = 500
ALERTS_EVERY: Final = timedelta(seconds=2)
ALERTS_BATCH: Final = 10_000
"""Failures that one alert sums up."""
ALERT_PACE: Final = timedelta(minutes=1)
"""Between two alerts, whatever fails: a robot says 20 a minute, and is not ours alone (WX 11)."""
QUIET: Final = timedelta(hours=1)
"""Between two alerts about one task."""
FAILURES_KEPT: Final = timedelta(days=1)
PURGE_BATCH: Final = 1_000

_NOTICES_CHANNEL: Final = "wechat"
_LONGEST_ALERT: Final = 1_900
"""Bytes; a robot takes 2,048 of text (WX 11)."""
_LONGEST_LINE: Final = 500


class _Sorted(NamedTuple):
    """What becomes of notices that are due."""

    requests: dict[str, SendRequested]
    """By the notice's id."""
    failed: dict[str, str]
    """Why they cannot be sent."""
    late: dict[str, str]


async def note_due(engine: sa.Engine, vault: Vault, settings: NoticeSettings, time: Time) -> bool:
    """Enter reminders whose time has come, and results of pushes that are over."""
    words = WORDS[settings.notice_language]

    def enter(connection: sa.Connection) -> int:
        now = time(connection)
        reminded = notes.remind(connection, vault, words, now=now, limit=NOTED)
        told = notes.tell_results(connection, vault, words, now=now, limit=NOTED)
        return max(reminded, told)

    return await in_thread(engine, enter) == NOTED


async def send_due(
    engine: sa.Engine, vault: Vault, producer: Producer, settings: NoticeSettings, time: Time
) -> bool:
    """Publish the notices whose time has come."""

    def send(connection: sa.Connection, publish: Publish) -> int:
        now = time(connection)
        due = notices.claim_due(connection, vault, now=now, limit=NOTICES_BATCH)
        if not due:
            return 0
        words = WORDS[settings.notice_language]
        said = with_words(connection, vault, [each.content for each in due], words)
        due = [replace(each, content=content) for each, content in zip(due, said, strict=True)]
        found = _sorted(due, settings, now)
        if found.requests:
            publish(SEND_REQUESTS.records(list(found.requests.values()), source=SOURCE, at=now))
        notices.mark_handed_over(connection, list(found.requests))
        notices.mark_unsent(connection, "failed", found.failed)
        notices.mark_unsent(connection, "cancelled", found.late)
        NOTICES_HANDED_OVER.inc(len(found.requests))
        return len(due)

    return await held(engine, producer, send) == NOTICES_BATCH


async def tell_failures(
    engine: sa.Engine, producer: Producer, settings: NoticeSettings, time: Time
) -> bool:
    """Tell the robot's group which tasks failed: at most once a minute, and an hour for a task."""

    def tell(connection: sa.Connection, publish: Publish) -> int:
        now = time(connection)
        if not alerts.is_my_turn(connection, now=now, pace=ALERT_PACE):
            return 0
        failures = alerts.untold(connection, now=now, quiet=QUIET, limit=ALERTS_BATCH)
        if failures:
            request = _alert(failures, settings, now)
            publish([SEND_REQUESTS.record(request, source=SOURCE, at=now)])
            alerts.mark_told(connection, failures, now=now)
        return len(failures)

    told = await held(engine, producer, tell)
    if told:
        ALERTS_TOLD.inc()
        log.info("alert.told", extra={"failures": told})
    return False


async def purge_failures(engine: sa.Engine, clock: Clock) -> bool:
    """Forget failures of days ago."""
    before = clock() - FAILURES_KEPT
    gone = await in_thread(engine, lambda c: alerts.forget(c, before=before, limit=PURGE_BATCH))
    return gone == PURGE_BATCH


def outcomes_of(changes: Iterable[StatusChanged]) -> dict[str, Outcome]:
    """Return what changes say of messages that may be notices, the last of each."""
    found: dict[str, Outcome] = {}
    for change in changes:
        if change.channel == _NOTICES_CHANNEL and change.job_id is None:
            outcome = _outcome(change)
            if outcome is not None:
                found[change.message_id] = outcome
    return found


def alert_text(failures: Sequence[Failure], words: Words) -> str:
    """Return what the robot says: as many tasks as have room, those that failed most first."""
    times = Counter(each.task_id for each in failures)
    names = {each.task_id: each.task_name for each in failures}
    reasons: dict[str, Counter[str]] = {task_id: Counter() for task_id in times}
    for each in failures:
        reasons[each.task_id].update(each.reasons)
    said = words.alert.format(tasks=len(times))
    for told, (task_id, count) in enumerate(times.most_common()):
        summed = summed_up(reasons[task_id], words) or ""
        line = words.alert_task.format(task=names[task_id], failures=count, reasons=summed)
        more = words.alert_more.format(tasks=len(times) - told)
        longer = f"{said}\n{_cut(line, _LONGEST_LINE)}"
        if len(f"{longer}\n{more}".encode()) > _LONGEST_ALERT:
            return f"{said}\n{more}"
        said = longer
    return said


def _sorted(due: Sequence[Due], settings: NoticeSettings, now: datetime) -> _Sorted:
    found = _Sorted({}, {}, {})
    for each in due:
        if each.type == "reminder" and now >= each.due_at + AHEAD:
            found.late[each.id] = "its push had begun"
        elif not settings.wechat_app_id or each.type not in settings.notice_templates:
            found.failed[each.id] = "service notifications are not set up"
        elif each.has_account and each.openid is None:
            found.failed[each.id] = "the user has no openid"
        else:
            found.requests[each.id] = _request(each, settings, now)
    return found


def _request(due: Due, settings: NoticeSettings, now: datetime) -> SendRequested:
    template, content = settings.notice_templates[due.type], due.content
    values = {
        "taskName": content.task,
        "time": content.time,
        "state": content.state,
        "message": content.message,
        "taskId": due.task_id or "",
    }
    return SendRequested(
        message_id=message_id_for_notification(due.subject),
        channel=_NOTICES_CHANNEL,
        sender_id=settings.wechat_app_id,
        recipient=due.openid or due.user_id,
        content=NotificationContent(
            template_id=template.template_id,
            data={key: render(value, values) for key, value in template.data.items()},
            page=None if template.page is None else render(template.page, values),
            language="zh_CN" if settings.notice_language == "zh" else "en_US",
        ),
        requested_at=now,
        priority="high",
        # Nobody needs to be reminded of what has begun.
        expires_at=due.due_at + AHEAD if due.type == "reminder" else None,
        tenant_id=due.tenant_id,
    )


def _alert(failures: Sequence[Failure], settings: NoticeSettings, now: datetime) -> SendRequested:
    message_id = message_id_for_alert(each.id for each in failures)
    text = alert_text(failures, WORDS[settings.notice_language])
    return robot_alerts.alert(message_id, text, settings, now)


def _outcome(change: StatusChanged) -> Outcome | None:
    match change.to_status:
        case Status.FAILED:
            why = change.error
            return Outcome("failed", None if why is None else why.message)
        case Status.SENT | Status.DELIVERED | Status.READ:
            return Outcome("sent", None)
        case Status.PENDING | Status.SENDING:
            return None


def _cut(text: str, most: int) -> str:
    """Return as much of the text as fits into so many bytes."""
    return text.encode()[:most].decode(errors="ignore")
