"""Who is told what of a task: before a push, after it, and when there was none (NF-01, NF-02).

Called in the transaction that changes the task or the push, so that nobody is told of what did not
happen, and nothing that happened is forgotten. Reminders wait in the table for their time.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from domain.pushes import MISSED
from schemas.http.moments import iso
from services.scheduler.store import alerts, audience, ended_pushes, notices
from services.scheduler.store.alerts import NewFailure
from services.scheduler.store.audience import Account, Subject
from services.scheduler.store.ended_pushes import Ended
from services.scheduler.store.notices import Content, Notice
from services.scheduler.timed.notice_words import Words

AHEAD: Final = timedelta(hours=1)
"""How long before a push people are reminded of it (NF-01)."""

_LONGEST_ERROR: Final = 500


class Missed(NamedTuple):
    """An occurrence that was not served."""

    task_id: str
    occurrence: datetime


@dataclass(frozen=True, slots=True)
class Notices:
    """The one way in, for whoever plans tasks or fires them."""

    words: Words

    def on_scheduled(
        self, connection: sa.Connection, occurrences: Mapping[str, datetime], *, now: datetime
    ) -> None:
        """Remind of the next occurrence of each task, of no other (IM-19).

        Where it is less than an hour away, people are reminded at once.
        """
        notices.cancel_reminders(connection, occurrences.keys())
        told = audience.subjects(connection, occurrences)
        told = {task_id: one for task_id, one in told.items() if one.recipients}
        accounts = _accounts(connection, told.values())
        reminders = [
            Notice(
                subject=f"reminder:{task_id}:{iso(occurrences[task_id])}:{user_id}",
                user_id=user_id,
                type="reminder",
                task_id=task_id,
                content=self._reminder(subject, occurrences[task_id]),
                due_at=occurrences[task_id] - AHEAD,
                tenant_id=subject.tenant_id,
            )
            for task_id, subject in told.items()
            for user_id in _readers(subject, accounts)
        ]
        notices.note(connection, reminders, now=now)

    def on_unscheduled(self, connection: sa.Connection, task_ids: Collection[str]) -> None:
        """Remind of nothing: the tasks are paused, deleted or drafts."""
        notices.cancel_reminders(connection, task_ids)

    def on_push_ended(
        self, connection: sa.Connection, push_ids: Collection[str], *, now: datetime
    ) -> None:
        """Tell creators and recipients what became of pushes, and note those that failed."""
        ended = ended_pushes.of(connection, push_ids)
        told = audience.subjects(connection, {one.task_id for one in ended})
        self._tell_results(
            connection,
            [
                (told[one.task_id], f"result:{one.push_id}", self._result(told[one.task_id], one))
                for one in ended
                if one.task_id in told
            ],
            now,
        )
        failures = [
            NewFailure(
                subject=one.push_id,
                task_id=one.task_id,
                task_name=told[one.task_id].name,
                reasons=one.reasons,
            )
            for one in ended
            if one.failed and one.task_id in told
        ]
        alerts.note(connection, failures, now=now)

    def on_missed(
        self, connection: sa.Connection, missed: Sequence[Missed], *, now: datetime
    ) -> None:
        """Tell creators and recipients which occurrence was not served (IM-16)."""
        told = audience.subjects(connection, {one.task_id for one in missed})
        known = [(told[one.task_id], one.occurrence) for one in missed if one.task_id in told]
        self._tell_results(
            connection,
            [
                (subject, f"missed:{subject.task_id}:{iso(at)}", self._missed(subject, at))
                for subject, at in known
            ],
            now,
        )
        failures = [
            NewFailure(
                subject=f"missed:{subject.task_id}:{iso(at)}",
                task_id=subject.task_id,
                task_name=subject.name,
                reasons={MISSED: subject.groups},
            )
            for subject, at in known
        ]
        alerts.note(connection, failures, now=now)

    def _tell_results(
        self,
        connection: sa.Connection,
        results: Sequence[tuple[Subject, str, Content]],
        now: datetime,
    ) -> None:
        accounts = _accounts(connection, (subject for subject, _, _ in results))
        told = [
            Notice(
                subject=f"{about}:{user_id}",
                user_id=user_id,
                type="result",
                task_id=subject.task_id,
                content=content,
                due_at=now,
                tenant_id=subject.tenant_id,
            )
            for subject, about, content in results
            for user_id in {subject.creator_id, *_readers(subject, accounts)}
        ]
        notices.note(connection, told, now=now)

    def _reminder(self, subject: Subject, at: datetime) -> Content:
        time = audience.local(at, subject)
        said = self.words.reminder.format(time=time, groups=subject.groups)
        return Content(message=said, state=self.words.soon, task=subject.name, time=time)

    def _result(self, subject: Subject, push: Ended) -> Content:
        words = self.words
        if not push.failed:
            said, state = words.result_sent, words.sent
        elif push.sent:
            said, state = words.result_partly, words.partly
        else:
            said, state = words.result_failed, words.failed
        return Content(
            message=said.format(sent=push.sent, failed=push.failed),
            status="success" if push.is_success else "failed",
            error=summed_up(push.reasons, words) or push.reason,
            state=state,
            task=subject.name,
            time=audience.local(push.at, subject),
        )

    def _missed(self, subject: Subject, at: datetime) -> Content:
        time = audience.local(at, subject)
        return Content(
            message=self.words.missed.format(time=time),
            status="failed",
            error=MISSED,
            state=self.words.failed,
            task=subject.name,
            time=time,
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
