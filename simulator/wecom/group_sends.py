"""What becomes of a group send: members confirm, rows change one by one (4.2; WX 2 and 3).

Everything is planned when it is created, and again when somebody interferes; what can be seen is
then a question of the moment alone. Nothing is told by a callback.
"""

import time
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from simulator.chance import Chance
from simulator.knobs import Knobs
from simulator.tencent.documents import Json
from simulator.wecom.magic import tail_of

UNSENT, SENT, NO_FRIEND, OVER_QUOTA = 0, 1, 2, 3
_FINISHED = 2  # status of a member's task

ChatType = Literal["single", "group"]
Mood = Literal["now", "late", "never"]

_CHINA_S = 8 * 3600
_MAGIC = {"_notfriend": NO_FRIEND, "_quota": OVER_QUOTA, "_never": UNSENT}


@dataclass(slots=True)
class Row:
    """One customer or one group of a member's task."""

    target: str
    outcome: int
    """What it ends as; UNSENT: the member passes it over."""
    at: float = inf
    """When it gets there; later than ever: as things stand, not at all."""
    ends_as: int = UNSENT
    """Its outcome after the quota has been looked at."""

    def status(self, now: float) -> int:
        """Return what is true of it."""
        return self.ends_as if now >= self.at else UNSENT


@dataclass(slots=True)
class MemberTask:
    """What one member has been asked to send."""

    userid: str
    mood: Mood
    rows: list[Row]
    lag_s: float
    """How much later its results can be seen."""
    finished_at: float = inf

    def status(self, now: float) -> int:
        """Return 2 once the member has finished, else 0."""
        return _FINISHED if now >= self.finished_at else UNSENT


@dataclass(slots=True, eq=False)
class GroupSend:
    """One company group send."""

    msgid: str
    key: str
    """What it is, so that a second one of the same can be noticed."""
    chat_type: ChatType
    content: Json
    """Its text and attachments as they were given."""
    created_at: float
    dispatched_at: float
    knobs: Knobs
    chance: Chance
    fail_list: list[str]
    tasks: dict[str, MemberTask] = field(default_factory=dict[str, MemberTask])
    reminded_at: list[float] = field(default_factory=list[float])
    cancelled_at: float = inf

    def rows(self) -> Iterable[tuple[MemberTask, Row]]:
        """Return every row with the task it is in."""
        for task in self.tasks.values():
            for row in task.rows:
                yield task, row


class Quota:
    """How many company group sends each customer and each group receives in a month."""

    def __init__(self) -> None:
        self._received: Counter[tuple[str, int, int]] = Counter()

    def take(self, target: str, at: float) -> bool:
        """Count one; false when the month's are used up: as many as it has days (WX 2)."""
        year, month = _month_of(at)
        self._received[target, year, month] += 1
        is_left = self._received[target, year, month] <= monthrange(year, month)[1]
        if not is_left:
            self.give_back(target, at)
        return is_left

    def give_back(self, target: str, at: float) -> None:
        """Count one less: it was planned, and is not sent."""
        self._received[target, *_month_of(at)] -= 1


class GroupSends:
    """All group sends of the company and what members do about them."""

    def __init__(self) -> None:
        self._sends: dict[str, GroupSend] = {}
        self._quota = Quota()

    def __iter__(self) -> Iterator[GroupSend]:
        return iter(self._sends.values())

    def find(self, msgid: str) -> GroupSend | None:
        """Return a group send."""
        return self._sends.get(msgid)

    def begin(self, send: GroupSend, targets: dict[str, list[str]], *, is_select: bool) -> None:
        """Ask each member to send to these targets, and plan what the member does."""
        self._sends[send.msgid] = send
        knobs, chance = send.knobs, send.chance
        for userid, wanted in targets.items():
            removed = knobs.wx_removed if is_select else 0
            rows = [Row(target, _outcome(target, knobs, chance, removed)) for target in wanted]
            lag_s = chance.share(f"wx.result_lag_s.{userid}") * knobs.wx_result_lag_s
            task = MemberTask(userid, _mood(userid, wanted, knobs, chance), rows, lag_s)
            send.tasks[userid] = task
            if task.mood != "never":
                span = knobs.wx_confirm_s if task.mood == "now" else knobs.wx_late_s
                waits_s = chance.delay(f"wx.confirm.{userid}.wait", span)
                self._plan(send, task, send.dispatched_at + waits_s)

    def confirm(self, send: GroupSend, task: MemberTask, now: float, count: int | None) -> None:
        """Let a member send now: everything that is left, or only the next so many."""
        if task.finished_at > now:
            self._plan(send, task, max(now, send.dispatched_at), count)

    def remind(self, send: GroupSend, now: float) -> None:
        """Ask again: members who would have confirmed late do it soon."""
        send.reminded_at.append(now)
        for task in send.tasks.values():
            begins_at = min((row.at for row in task.rows), default=inf)
            if task.mood == "late" and begins_at > now:
                span = send.knobs.wx_confirm_s
                waits_s = send.chance.delay(f"wx.confirm.{task.userid}.again", span)
                self._plan(send, task, min(max(now, send.dispatched_at) + waits_s, begins_at))

    def cancel(self, send: GroupSend, now: float) -> None:
        """Stop whoever has not sent; what has been sent stays sent."""
        send.cancelled_at = now
        for task in send.tasks.values():
            self._stop(task, now)

    def unfriend(self, member: str, customer: str, now: float) -> None:
        """Let what is still to be sent by a member to a customer fail."""
        for send in self._sends.values():
            for task, row in send.rows():
                is_theirs = task.userid == member and row.target == customer
                if is_theirs and row.at > now:
                    self._forget(row)
                    row.outcome = row.ends_as = NO_FRIEND

    def _plan(
        self, send: GroupSend, task: MemberTask, begins_at: float, count: int | None = None
    ) -> None:
        """Lay down when each row that is still open gets where it goes."""
        knobs, chance = send.knobs, send.chance
        self._stop(task, begins_at)
        is_open = [row for row in task.rows if row.at == inf]
        chosen = is_open if count is None else is_open[:count]
        late = [row for row in chosen if tail_of(row.target) == "_late" and task.mood != "late"]
        soon = [row for row in chosen if row not in late]
        if count is None and chance.happens(f"wx.partial.{task.userid}", knobs.wx_partial):
            soon, late = soon[: len(soon) // 2], soon[len(soon) // 2 :] + late
        moment = begins_at
        for rows in (soon, late):
            if rows is late and late:
                moment += chance.delay(f"wx.late_s.{task.userid}", knobs.wx_late_s)
            for row in rows:
                moment += chance.delay(f"wx.send_ms.{row.target}", knobs.wx_send_ms) / 1000
                self._let_be_sent(row, moment)
        if len(chosen) == len(is_open):
            task.finished_at = moment

    def _let_be_sent(self, row: Row, at: float) -> None:
        if row.outcome == UNSENT:
            return
        row.at = at
        row.ends_as = row.outcome
        if row.outcome == SENT and not self._quota.take(row.target, at):
            row.ends_as = OVER_QUOTA

    def _stop(self, task: MemberTask, now: float) -> None:
        """Open every row again that has not got where it goes."""
        if task.finished_at <= now:
            return
        task.finished_at = inf
        for row in task.rows:
            if row.at > now:
                self._forget(row)
                row.at, row.ends_as = inf, UNSENT

    def _forget(self, row: Row) -> None:
        if row.ends_as == SENT:
            self._quota.give_back(row.target, row.at)


def _mood(userid: str, targets: list[str], knobs: Knobs, chance: Chance) -> Mood:
    tails = {tail_of(target) for target in targets}
    for mood in ("never", "late"):
        if tail_of(userid) == f"_{mood}" or tails == {f"_{mood}"}:
            return mood
    now, late, never = knobs.wx_confirm
    moods: tuple[tuple[Mood, float], ...] = (("now", now), ("late", late), ("never", never))
    return chance.pick(f"wx.confirm.{userid}", moods)


def _outcome(target: str, knobs: Knobs, chance: Chance, removed: float) -> int:
    tail = tail_of(target)
    if tail is not None:
        return _MAGIC.get(tail, SENT)
    if chance.happens(f"wx.removed.{target}", removed):
        return UNSENT
    if chance.happens(f"wx.status2.{target}", knobs.wx_status2):
        return NO_FRIEND
    return OVER_QUOTA if chance.happens(f"wx.status3.{target}", knobs.wx_status3) else SENT


def _month_of(at: float) -> tuple[int, int]:
    day = time.gmtime(at + _CHINA_S)
    return day.tm_year, day.tm_mon
