"""Tallies equal what counting the rows gives, whatever comes in whatever order (IM-45)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.postgres import transaction
from schemas.topics.provider_events import Pricing
from services.status_projector.store import statistics, tallies
from services.status_projector.store.statistics import Which
from services.status_projector.tallies import DAY, QUARTER, slot_of
from tests.given import NOON, a_message_received
from tests.services.status_projector.facts import Life, Projector, Record

pytestmark = pytest.mark.stack

UTC_ZONE, KATHMANDU = ZoneInfo("UTC"), ZoneInfo("Asia/Kathmandu")
SINCE, BEFORE = NOON.replace(hour=0) - timedelta(days=30), NOON.replace(hour=0) + timedelta(days=30)
PRICED = Pricing(category="marketing", billable=True)


def everything_said_of(life: Life) -> list[Record]:
    return [
        life.started(),
        life.accepted(),
        msgspec.structs.replace(life.reported("sent", 3), pricing=PRICED),
        msgspec.structs.replace(
            life.reported("delivered", 5, named=False), pricing=Pricing(category="utility")
        ),
        life.reported("read", 9),
        life.reported("failed", 7),
        life.reported("failed", 4),
        life.rejected(),
    ]


@st.composite
def dealt(draw: st.DrawFn) -> list[list[Record]]:
    """Draw some of what can be said of three messages, repeated, shuffled, cut into batches."""
    lives = [Life() for _ in range(3)]
    asked_at = draw(st.sampled_from([NOON, NOON - timedelta(minutes=46), NOON + timedelta(days=9)]))
    said: list[Record] = [
        lives[0].request(tenant_id="acme"),
        lives[1].request(requested_at=asked_at),
        lives[2].request(sender_id="another", job_id="job_1"),
        a_message_received(),
    ]
    facts = [record for life in lives for record in everything_said_of(life)]
    said += draw(st.lists(st.sampled_from([*facts, *said]), max_size=24))
    records = draw(st.permutations(said))
    size = draw(st.integers(min_value=1, max_value=12))
    return [records[at : at + size] for at in range(0, len(records), size)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=dealt())
def test_tallies_equal_counting_the_messages(
    projector: Projector, engine: sa.Engine, batches: list[list[Record]]
) -> None:
    for batch in batches:
        heard = [projector.heard(record) for record in batch]
        projector.apply(heard)
        projector.apply(heard)  # as after a crash: all of it is applied already

    with transaction(engine) as connection:
        assert tallies.differences(connection, SINCE, BEFORE, UTC_ZONE) == []


def test_a_wrong_tally_is_found(projector: Projector, engine: sa.Engine) -> None:
    projector.apply([projector.heard(Life().request(sender_id="miscounted"))])
    with transaction(engine) as connection:
        connection.execute(
            sa.text("UPDATE message_tallies SET sent = 1 WHERE sender_id = 'miscounted'")
        )

        found = tallies.differences(connection, SINCE, BEFORE, UTC_ZONE)
        connection.rollback()

    assert [one.group.span for one in found] == [QUARTER, DAY]
    assert [(one.kept["sent"], one.counted["sent"]) for one in found] == [(1, 0)] * 2


def test_days_are_counted_anew_where_another_clock_begins_them(
    projector: Projector, engine: sa.Engine
) -> None:
    projector.apply([projector.heard(Life().request(requested_at=NOON.replace(hour=20)))])

    with transaction(engine) as connection:
        renewed = tallies.renew_days(connection, KATHMANDU)
        again = tallies.renew_days(connection, KATHMANDU)
        there = [one.group.span for one in _wrong(connection, KATHMANDU)]
        here = {one.group.span for one in _wrong(connection, UTC_ZONE)}
        connection.rollback()

    assert (renewed, again) == (True, False)
    assert there == []
    assert here == {DAY}


@pytest.mark.parametrize("zone", [UTC_ZONE, KATHMANDU])
def test_a_range_sums_its_quarters_and_its_days_to_the_same_as_counting(
    projector: Projector, engine: sa.Engine, zone: ZoneInfo
) -> None:
    sender = f"evenly-{zone.key[:3]}"
    moments = [NOON + timedelta(hours=7 * n) for n in range(20)]
    projector.apply(
        [
            projector.heard(Life().request(requested_at=moment, sender_id=sender))
            for moment in moments
        ]
    )
    since, before = slot_of(NOON + timedelta(hours=9)), slot_of(NOON + timedelta(hours=101))
    which = Which(since=since, before=before, sender_id=sender)

    with transaction(engine) as connection:
        tallies.renew_days(connection, zone)
        (row,) = statistics.sums(connection, which, [], zone)
        connection.rollback()

    assert row["pending"] == sum(since <= moment < before for moment in moments)


def test_a_quarter_begins_at_one_in_every_zone() -> None:
    midnight_there = datetime(2026, 3, 2, tzinfo=KATHMANDU)

    assert slot_of(midnight_there) == midnight_there.astimezone(UTC)


def _wrong(connection: sa.Connection, zone: ZoneInfo) -> list[tallies.Difference]:
    since, before = (m.astimezone(zone).replace(hour=0, minute=0) for m in (SINCE, BEFORE))
    return list(tallies.differences(connection, since, before, zone))
