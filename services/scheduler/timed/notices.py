"""Who is told what of a task: before a push, after it, and when there was none (NF-01, NF-02).

Both are asked of the tables as they stand, not noted by whoever plans or fires: so a reminder
follows its task wherever it is moved, and an occurrence with ten thousand pushes waits for no
notice. What is entered here is sent by `notifying.py`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from domain.pushes import MISSED
from runtime.vault import Vault
from schemas.http.moments import iso
from services.scheduler.store import alerts, audience, ended_pushes, notices
from services.scheduler.store.alerts import NewFailure
from services.scheduler.store.audience import Account, Subject
from services.scheduler.store.ended_pushes import Ended
from services.scheduler.store.notices import Content, Notice
from services.scheduler.store.task_rows import Task
from services.scheduler.timed.notice_words import Words

AHEAD: Final = timedelta(hours=1)
"""How long before a push people are reminded of it (NF-01); a later task at once (IM-19)."""

_LONGEST_ERROR: Final = 500


def remind(
    connection: sa.Connection, vault: Vault, words: Words, *, now: datetime, limit: int
) -> int:
    """Enter the reminders whose time has come; returns of how many tasks (IM-19)."""
    near = audience.unreminded(connection, now=now, ahead=AHEAD, limit=limit)
    if not near:
        return 0
    accounts = _accounts(connection, (subject for subject, _ in near))
    reminders = [
        Notice(
            subject=f"reminder:{subject.task_id}:{iso(at)}:{user_id}",
            user_id=user_id,
            type="reminder",
            task_id=subject.task_id,
            content=_reminder(subject, at, words),
            due_at=at - AHEAD,
            tenant_id=subject.tenant_id,
        )
        for subject, at in near
        for user_id in _readers(subject, accounts)
    ]
    notices.note(connection, vault, reminders, now=now)
    audience.mark_reminded(connection, [subject.task_id for subject, _ in near])
    return len(near)


def tell_results(
    connection: sa.Connection, vault: Vault, words: Words, *, now: datetime, limit: int
) -> int:
    """Enter what became of pushes, for creators and recipients, and those that failed.

    Of an occurrence that was left out on purpose nobody is told. Returns how many pushes were over.
    """
    over = ended_pushes.claim_untold(connection, now=now, limit=limit)
    told = [one for one in over if one.status != "skipped" or one.reason == MISSED]
    subjects = audience.subjects(connection, {one.task_id for one in told})
    known = [(subjects[one.task_id], one) for one in told if one.task_id in subjects]
    accounts = _accounts(connection, (subject for subject, _ in known))
    results = [
        Notice(
            subject=f"result:{push.push_id}:{user_id}",
            user_id=user_id,
            type="result",
            task_id=subject.task_id,
            content=_result(subject, push, words),
            due_at=now,
            tenant_id=subject.tenant_id,
        )
        for subject, push in known
        for user_id in dict.fromkeys((subject.creator_id, *_readers(subject, accounts)))
    ]
    notices.note(connection, vault, results, now=now)
    alerts.note(connection, _failures(known), now=now)
    return len(over)


def tell_stays_paused(  # noqa: PLR0913 - what is told, and when
    connection: sa.Connection,
    vault: Vault,
    task: Task,
    why: str,
    words: Words,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """Tell the creator and the recipients that a task did not go on by itself (CF-24).

    ``at``: when it was to. Once for each time.
    """
    subject = audience.subjects(connection, [task.task_id])[task.task_id]
    readers = _readers(subject, _accounts(connection, [subject]))
    content = Content(
        message=words.stays_paused,
        status="failed",
        error=why,
        state=words.paused,
        task=subject.name,
        time=audience.local(at, subject),
    )
    notices.note(
        connection,
        vault,
        [
            Notice(
                subject=f"paused:{task.task_id}:{iso(at)}:{user_id}",
                user_id=user_id,
                type="result",
                task_id=task.task_id,
                content=content,
                due_at=now,
                tenant_id=subject.tenant_id,
            )
            for user_id in dict.fromkeys((subject.creator_id, *readers))
        ],
        now=now,
    )


def summed_up(reasons: Mapping[str, int], words: Words) -> str | None:
    """Return reasons in one line, the most frequent first, each with how often it was given.

    >>> from services.scheduler.timed.notice_words import ENGLISH
    >>> summed_up({"timeout": 1, "no such group": 3}, ENGLISH)
    'no such group (3); timeout (1)'
    """
    ranked = Counter(reasons).most_common()
    said = "; ".join(words.times.format(reason=reason, count=count) for reason, count in ranked)
    return said[:_LONGEST_ERROR] or None


def _failures(known: Sequence[tuple[Subject, Ended]]) -> list[NewFailure]:
    return [
        NewFailure(
            subject=push.push_id,
            task_id=subject.task_id,
            task_name=subject.name,
            reasons=push.reasons or {push.reason or push.status: subject.groups},
        )
        for subject, push in known
        if push.failed or push.status != "completed"
    ]


def _reminder(subject: Subject, at: datetime, words: Words) -> Content:
    time = audience.local(at, subject)
    said = words.reminder.format(time=time, groups=subject.groups)
    return Content(message=said, state=words.soon, task=subject.name, time=time)


def _result(subject: Subject, push: Ended, words: Words) -> Content:
    time = audience.local(push.at, subject)
    if push.status == "skipped":
        said, state = words.missed, words.failed
    elif not push.sent:
        said, state = words.result_failed, words.failed
    elif push.failed:
        said, state = words.result_partly, words.partly
    else:
        said, state = words.result_sent, words.sent
    return Content(
        message=said.format(sent=push.sent, failed=push.failed, time=time),
        status="success" if push.status == "completed" else "failed",
        error=summed_up(push.reasons, words) or push.reason,
        state=state,
        task=subject.name,
        time=time,
    )


def _accounts(connection: sa.Connection, subjects: Iterable[Subject]) -> dict[str, Account]:
    return audience.accounts(connection, {name for each in subjects for name in each.recipients})


def _readers(subject: Subject, accounts: Mapping[str, Account]) -> list[str]:
    """Return the recipients' accounts; who has none in this tenant is known by the name given."""
    readers = dict.fromkeys(
        account.user_id if account is not None and _is_near(account, subject) else name
        for name in subject.recipients
        for account in [accounts.get(name)]
    )
    return list(readers)


def _is_near(account: Account, subject: Subject) -> bool:
    return account.tenant_id is None or account.tenant_id == subject.tenant_id
