"""What a batch changes of the tallies: how many messages there are, and how far they came.

A message contributes to one group of its quarter, and to that of its day, by its present state
alone; a batch moves the difference between what its messages contribute after it and before it. So
tallies equal what counting the rows gives, whatever is repeated and in whatever order it comes.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from domain.lifecycle import Status
from services.status_projector.periods import day_of, start_of
from services.status_projector.trails import Trail

QUARTER: Final = "quarter"
DAY: Final = "day"
SLOT: Final = timedelta(minutes=15)
"""In every time zone days and months begin at a quarter."""

MEASURES: Final = (
    "pending",
    "sending",
    "sent",
    "delivered",
    "read",
    "failed",
    "billable",
    "accepted",
    "accepted_ms",
    "arrived",
    "arrived_ms",
)
"""The columns of a tally, in their order."""

_PLACE: Final = {Status(name): place for place, name in enumerate(MEASURES[:6])}
_BILLABLE, _ACCEPTED, _ARRIVED = 6, 7, 9
_SECONDS: Final = int(SLOT.total_seconds())
_NOTHING: Final = [0] * len(MEASURES)
_MILLISECOND: Final = timedelta(milliseconds=1)
_REACHED: Final = frozenset({Status.SENT, Status.DELIVERED, Status.READ})


class Group(NamedTuple):
    """What messages are counted by."""

    span: str
    """`QUARTER` or `DAY`."""
    slot: datetime
    tenant_id: str
    channel: str
    sender_id: str
    direction: str
    message_type: str
    category: str


Tallies = dict[Group, list[int]]
"""By how much each group's measures change, in the order of `MEASURES`."""


def moves(before: Sequence[Trail], after: Mapping[str, Trail]) -> Tallies:
    """Return what changes when messages come from one state to another; new ones have no before.

    Of quarters alone.
    """
    found: Tallies = {}
    stored = {trail.message_id: trail for trail in before}
    for message_id, trail in after.items():
        was = stored.get(message_id)
        if was is None:
            _add(found, _group_of(trail), trail, 1)
        elif was.evidence != trail.evidence or was.priced != trail.priced:
            group = _group_of(trail)
            _add(found, group if was.priced == trail.priced else _group_of(was), was, -1)
            _add(found, group, trail, 1)
    return {group: sums for group, sums in found.items() if any(sums)}


def add_inbound(tallies: Tallies, group: Group) -> None:
    """Count a message that came in: it has arrived when it is heard of."""
    tallies.setdefault(group, [0] * len(MEASURES))[_PLACE[Status.DELIVERED]] += 1


def with_days(tallies: Tallies, zone: ZoneInfo) -> Tallies:
    """Return the same quarters and the days they lie in."""
    found = dict(tallies)
    for group, sums in tallies.items():
        day = group._replace(span=DAY, slot=start_of(day_of(group.slot, zone), zone))
        found[day] = [sum(pair) for pair in zip(found.get(day, _NOTHING), sums, strict=True)]
    return found


def slot_of(moment: datetime) -> datetime:
    """Return when the quarter begins that the moment lies in.

    >>> slot_of(datetime(2026, 3, 2, 12, 44, 59, tzinfo=UTC)).isoformat()
    '2026-03-02T12:30:00+00:00'
    """
    return datetime.fromtimestamp(moment.timestamp() // _SECONDS * _SECONDS, UTC)


def _add(found: Tallies, group: Group, trail: Trail, by: int) -> None:
    sums = found.get(group)
    if sums is None:
        sums = found[group] = [0] * len(MEASURES)
    evidence, status = trail.evidence, trail.status
    sums[_PLACE[status]] += by
    if trail.priced is not None and trail.priced.pricing.billable and status in _REACHED:
        sums[_BILLABLE] += by
    for place, moment in ((_ACCEPTED, evidence.sent_at), (_ARRIVED, evidence.delivered_at)):
        if moment is not None:
            sums[place] += by
            sums[place + 1] += by * max(0, (moment - trail.sent_at) // _MILLISECOND)


def _group_of(trail: Trail) -> Group:
    category = None if trail.priced is None else trail.priced.pricing.category
    return Group(
        QUARTER,
        slot_of(trail.sent_at),
        trail.tenant_id or "",
        trail.channel,
        trail.sender_id,
        "outbound",
        trail.message_type,
        category or "",
    )
