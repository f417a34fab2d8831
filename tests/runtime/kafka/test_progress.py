"""Only the finished prefix of a partition may be committed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.kafka.progress import PartitionProgress

offsets = st.lists(st.integers(0, 10_000), unique=True, min_size=1, max_size=60).map(sorted)


@given(offsets, st.randoms())
def test_what_is_committable_never_passes_an_unfinished_record(
    handed: list[int], chance: random.Random
) -> None:
    progress = PartitionProgress()
    for offset in handed:
        progress.start(offset)
    unfinished = list(handed)
    chance.shuffle(unfinished)

    while unfinished:
        assert progress.committable == min(unfinished)
        assert progress.in_flight == len(unfinished)
        progress.finish(unfinished.pop())

    assert progress.committable == handed[-1] + 1


def test_nothing_is_committable_before_the_first_record() -> None:
    progress = PartitionProgress()

    assert progress.committable is None
    assert progress.in_flight == 0


def test_finishing_twice_changes_nothing() -> None:
    progress = PartitionProgress()
    progress.start(7)
    progress.finish(7)

    progress.finish(7)

    assert progress.committable == 8


@given(offsets, st.data())
def test_what_is_passed_over_never_lets_an_unfinished_record_be_committed(
    handed: list[int], data: st.DataObject
) -> None:
    progress = PartitionProgress()
    unfinished: list[int] = []
    for offset in handed:
        if data.draw(st.booleans()):
            progress.pass_over(offset)
        else:
            progress.start(offset)
            unfinished.append(offset)

    assert progress.in_flight == len(unfinished)
    assert progress.committable == min(unfinished, default=handed[-1] + 1)


def test_a_record_is_not_passed_over_twice() -> None:
    progress = PartitionProgress()
    progress.pass_over(7)

    with pytest.raises(ValueError, match="offset 7 was handed out before"):
        progress.pass_over(7)


def test_what_is_forgotten_stays_open_and_is_not_waited_for() -> None:
    progress = PartitionProgress()
    for offset in (7, 8):
        progress.start(offset)
    progress.forget(7)

    progress.finish(8)

    assert progress.awaited == 0
    assert progress.in_flight == 1
    assert progress.committable == 7
