from collections import Counter
from datetime import timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from domain.failures import ErrorCode
from domain.lifecycle import Status
from schemas.topics.status_changes import ChangeError, StatusChanged
from services.statistics.counting import COUNTED, Dimension, Entry, Place, Window, count
from services.statistics.latencies import bucket_of
from tests import given
from tests.services.statistics.lives import Life, logs

Log = list[tuple[int, StatusChanged]]

SOON = given.NOON + timedelta(minutes=10)
"""A moment at which no window of a drawn life is over for long."""

AT_LEAST = {
    Status.SENDING: {Status.SENDING, Status.SENT, Status.DELIVERED, Status.READ},
    Status.SENT: {Status.SENT, Status.DELIVERED, Status.READ},
    Status.DELIVERED: {Status.DELIVERED, Status.READ},
    Status.READ: {Status.READ},
    Status.FAILED: {Status.FAILED},
}
"""The read model's cumulative count: which present statuses have reached a level."""


def copy(entry: Entry) -> Entry:
    return msgspec.json.decode(msgspec.json.encode(entry), type=Entry)


def counted(*changes: StatusChanged) -> dict[Place, Entry]:
    entries: dict[Place, Entry] = {}
    count(entries, 0, enumerate(changes), SOON)
    return entries


def totals_of(entries: dict[Place, Entry], dimension: Dimension, name: str) -> dict[Status, int]:
    place = Place(Window.TOTAL, 0, dimension, name, 0)
    return dict(zip(COUNTED, entries.get(place, Entry()).counts, strict=True))


@drawn(log=logs(), chance=st.randoms())
def test_any_split_into_batches_and_any_redelivery_ends_in_the_same_entries(
    log: tuple[list[Life], Log], chance: Random
) -> None:
    _, changes = log
    at_once: dict[Place, Entry] = {}
    count(at_once, 3, changes, SOON)

    piecewise: dict[Place, Entry] = {}
    done = 0
    while done < len(changes):
        begin, done = chance.randint(0, done), chance.randint(done + 1, len(changes))
        count(piecewise, 3, changes[begin:done], SOON)

    assert piecewise == at_once


@drawn(log=logs(), chance=st.randoms())
def test_entries_that_a_crash_left_of_different_age_catch_up_to_the_same_numbers(
    log: tuple[list[Life], Log], chance: Random
) -> None:
    _, changes = log
    whole: dict[Place, Entry] = {}
    count(whole, 3, changes, SOON)
    committed = chance.randint(0, len(changes))
    found: dict[Place, Entry] = {}
    count(found, 3, changes[:committed], SOON)
    found |= {place: copy(entry) for place, entry in whole.items() if chance.random() < 0.5}

    count(found, 3, changes[committed:], SOON)

    assert found == whole


@drawn(log=logs())
@pytest.mark.parametrize("dimension", Dimension)
def test_totals_equal_the_cumulative_counts_of_the_read_model(
    dimension: Dimension, log: tuple[list[Life], Log]
) -> None:
    messages, changes = log

    entries: dict[Place, Entry] = {}
    count(entries, 0, changes, SOON)

    for name in {life.names[dimension] for life in messages} - {None}:
        assert name is not None
        statuses = [life.status for life in messages if life.names[dimension] == name]
        assert totals_of(entries, dimension, name) == {
            level: sum(status in reached for status in statuses)
            for level, reached in AT_LEAST.items()
        }


@drawn(log=logs())
def test_windows_add_up_to_the_total(log: tuple[list[Life], Log]) -> None:
    _, changes = log

    entries: dict[Place, Entry] = {}
    count(entries, 0, changes, SOON)

    sums: dict[Window, Counter[tuple[str, str, int]]] = {window: Counter() for window in Window}
    for place, entry in entries.items():
        for level, number in enumerate(entry.counts):
            sums[place.window][place.dimension, place.id, level] += number
    assert sums[Window.MINUTE] == sums[Window.HOUR] == sums[Window.TOTAL]


@drawn(log=logs())
def test_failures_by_code_add_up_to_the_failed(log: tuple[list[Life], Log]) -> None:
    _, changes = log

    entries: dict[Place, Entry] = {}
    count(entries, 0, changes, SOON)

    for entry in entries.values():
        failed = entry.counts[COUNTED.index(Status.FAILED)]
        assert sum(entry.failed_by_code.values()) == failed


@drawn(
    place=st.builds(
        Place,
        st.sampled_from(Window),
        st.integers(0, 2**33),
        st.sampled_from(Dimension),
        st.text(min_size=1).filter(lambda text: text.isprintable()),
        st.integers(0, 99),
    )
)
def test_a_key_is_read_back_as_the_place_it_stands_for(place: Place) -> None:
    assert Place.of_key(place.to_key()) == place


def test_a_message_read_without_a_reported_delivery_was_delivered() -> None:
    change = given.a_status_changed(from_status=Status.SENT, to_status=Status.READ)

    entries = counted(change)

    totals = totals_of(entries, Dimension.CHANNEL, "whatsapp")
    assert (totals[Status.DELIVERED], totals[Status.READ]) == (1, 1)


def test_a_failure_after_acceptance_moves_the_message_from_sent_to_failed() -> None:
    sent = given.a_status_changed(from_status=Status.SENDING, to_status=Status.SENT)
    failed = given.a_status_changed(
        from_status=Status.SENT,
        to_status=Status.FAILED,
        error=ChangeError(code=ErrorCode.INVALID_RECIPIENT, message=""),
    )

    entries = counted(sent, failed)

    totals = totals_of(entries, Dimension.CHANNEL, "whatsapp")
    assert (totals[Status.SENT], totals[Status.FAILED]) == (0, 1)
    total = entries[Place(Window.TOTAL, 0, Dimension.CHANNEL, "whatsapp", 0)]
    assert total.failed_by_code == {"INVALID_RECIPIENT": 1}


def test_a_failure_that_was_overruled_is_taken_from_its_code() -> None:
    failed = given.a_status_changed(
        to_status=Status.FAILED, error=ChangeError(code=ErrorCode.UNKNOWN_OUTCOME, message="")
    )
    delivered = given.a_status_changed(
        from_status=Status.FAILED,
        to_status=Status.DELIVERED,
        overruled=ErrorCode.UNKNOWN_OUTCOME,
    )

    entries = counted(failed, delivered)

    total = entries[Place(Window.TOTAL, 0, Dimension.CHANNEL, "whatsapp", 0)]
    assert total.failed_by_code == {"UNKNOWN_OUTCOME": 0}
    assert totals_of(entries, Dimension.CHANNEL, "whatsapp")[Status.SENT] == 1


def test_durations_run_from_the_request_to_the_status_itself() -> None:
    accepted = given.NOON
    sent = given.a_status_changed(
        from_status=Status.SENDING,
        to_status=Status.SENT,
        sent_at=accepted,
        updated_at=accepted + timedelta(seconds=2),
    )
    read = given.a_status_changed(
        from_status=Status.SENT,
        to_status=Status.READ,
        sent_at=accepted,
        delivered_at=accepted + timedelta(seconds=5),
        updated_at=accepted + timedelta(seconds=60),
    )

    entries = counted(sent, read)

    total = entries[Place(Window.TOTAL, 0, Dimension.CHANNEL, "whatsapp", 0)]
    assert total.to_sent == {bucket_of(timedelta(seconds=2)): 1}
    assert total.to_delivered == {bucket_of(timedelta(seconds=5)): 1}


def test_a_window_that_is_over_for_long_is_not_begun_again() -> None:
    entries: dict[Place, Entry] = {}

    count(entries, 0, [(0, given.a_status_changed())], given.NOON + timedelta(hours=3))

    assert {place.window for place in entries} == {Window.HOUR, Window.TOTAL}
