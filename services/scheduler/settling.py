"""What changes of statuses mean for the rows of jobs, and for the jobs' breakers (IM-55, IM-60).

One transaction a batch: the rows, then the counts of their jobs, in this order everywhere. The
counts have tables of their own: the rows of `jobs` are locked while a step waits for the broker.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce

import sqlalchemy as sa

from domain.breaker import Breaker, Outcomes, Verdict, judge
from domain.identity import JobId, MessageId
from domain.job_rows import News, RowState, Unsent, after, counted, unsent
from domain.lifecycle import Status
from schemas.topics.status_changes import StatusChanged
from services.scheduler.store import outcomes, rows
from services.scheduler.store import unsent as unsent_rows
from services.scheduler.store.rows import Settling

IN_WINDOW = frozenset({RowState.WAITING, RowState.FED})
"""Until they leave these, rows take a place in their job's window."""


def news_of(changes: Iterable[StatusChanged]) -> dict[MessageId, list[News]]:
    """Return what the changes mean for rows of jobs, in their order, by message."""
    found: defaultdict[MessageId, list[News]] = defaultdict(list)
    for change in changes:
        news = None if change.job_id is None else _meaning(change)
        if news is not None:
            found[MessageId(change.message_id)].append(news)
    return dict(found)


def settle(
    connection: sa.Connection,
    news: Mapping[MessageId, Sequence[News]],
    *,
    breaker: Breaker,
    now: datetime,
) -> int:
    """Apply the news; returns how many rows have left their windows.

    What is repeated finds its row as it left it, and counts for nothing.
    """
    moved = [
        (
            row,
            reduce(lambda state, one: after(state, one, cancelled=row.cancelled), what, row.state),
        )
        for row in rows.lock_settling(connection, news)
        for what in [news[row.message_id]]
    ]
    if not moved:
        return 0
    rows.settle(connection, {row.message_id: state for row, state in moved})
    _count(connection, moved, breaker=breaker, now=now)
    _count_unsent(connection, moved)
    return sum(row.state in IN_WINDOW for row, _ in moved)


def _count(
    connection: sa.Connection,
    moved: Sequence[tuple[Settling, RowState]],
    *,
    breaker: Breaker,
    now: datetime,
) -> None:
    more: defaultdict[JobId, Outcomes] = defaultdict(Outcomes)
    for row, state in moved:
        more[row.job_id] += counted(row.state, state)
    windows = outcomes.add(connection, more, now=now)
    verdicts = {job_id: judge(breaker, window) for job_id, window in windows.items()}
    tripped = {
        job_id: f"{windows[job_id].failed} of the last {windows[job_id].known} messages failed"
        for job_id, verdict in verdicts.items()
        if verdict is Verdict.TRIPPED
    }
    if tripped:
        outcomes.trip(connection, tripped)
    ended = [job_id for job_id, verdict in verdicts.items() if verdict is not Verdict.TOO_FEW]
    if ended:
        outcomes.begin_window(connection, ended)


def _count_unsent(connection: sa.Connection, moved: Sequence[tuple[Settling, RowState]]) -> None:
    more: defaultdict[JobId, Unsent] = defaultdict(Unsent)
    for row, state in moved:
        more[row.job_id] += unsent(row.state, state, recalled=row.recalled)
    unsent_rows.add(connection, more)


def _meaning(change: StatusChanged) -> News | None:
    match change.to_status:
        case Status.FAILED:
            never_sent = change.from_status is Status.PENDING
            return News.NEVER_SENT if never_sent else News.FAILED
        case Status.SENT | Status.DELIVERED | Status.READ:
            return News.RECOVERED if change.from_status is Status.FAILED else News.REACHED
        case Status.PENDING | Status.SENDING:
            return None
