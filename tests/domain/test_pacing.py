import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pacing import PRIORITIES, Bounds, Priority, Window, places, windows

a_window = st.builds(Window, st.integers(1, 500), st.floats(0, 1))
bounds = st.builds(Bounds, st.integers(1, 300), st.integers(1, 1_000))
jobs: st.SearchStrategy[dict[Priority, int]] = st.dictionaries(
    st.sampled_from(PRIORITIES), st.integers(1, 50), min_size=1
)


@given(a_window, st.integers(0, 600), st.integers(0, 2_000))
def test_never_more_than_the_window_is_in_flight(
    window: Window, in_flight: int, waiting: int
) -> None:
    fed = places(window, in_flight=in_flight, waiting=waiting)

    assert 0 <= fed <= waiting
    assert in_flight + fed <= max(window.size, in_flight)


@given(a_window, st.integers(1, 2_000))
def test_an_empty_window_always_takes_something(window: Window, waiting: int) -> None:
    assert places(window, in_flight=0, waiting=waiting) == min(waiting, window.size)


@given(a_window, st.integers(0, 1_500), st.data())
def test_every_row_of_a_job_is_let_in_as_answers_come(
    window: Window, rows: int, data: st.DataObject
) -> None:
    waiting, in_flight, rounds = rows, 0, 0
    while waiting or in_flight:
        fed = places(window, in_flight=in_flight, waiting=waiting)
        waiting, in_flight = waiting - fed, in_flight + fed
        assert in_flight <= window.size
        in_flight -= data.draw(st.integers(max(1, in_flight // 2), in_flight))
        rounds += 1

    assert rounds <= 2 * rows + 2


@pytest.mark.parametrize(("in_flight", "fed"), [(0, 100), (75, 25), (76, 0), (100, 0), (130, 0)])
def test_a_window_is_refilled_in_steps(in_flight: int, fed: int) -> None:
    window = Window(size=100, refill_below=0.75)

    assert places(window, in_flight=in_flight, waiting=1_000) == fed


@given(bounds, jobs, st.integers(0, 2_000))
def test_all_windows_together_keep_within_the_bound_and_each_job_has_one(
    bounds: Bounds, jobs: dict[Priority, int], elsewhere: int
) -> None:
    sized = windows(bounds, jobs, elsewhere=elsewhere)

    assert sized.keys() == jobs.keys()
    assert all(1 <= window.size <= bounds.per_job for window in sized.values())
    total = sum(sized[priority].size * number for priority, number in jobs.items())
    assert total <= max(bounds.of_all, sum(jobs.values()))


@given(bounds, jobs, st.integers(0, 2_000))
def test_a_more_urgent_job_never_has_the_smaller_window(
    bounds: Bounds, jobs: dict[Priority, int], elsewhere: int
) -> None:
    sized = windows(bounds, jobs, elsewhere=elsewhere)

    sizes = [sized[priority].size for priority in PRIORITIES if priority in sized]
    assert sizes == sorted(sizes, reverse=True)


@given(bounds, jobs, st.integers(0, 100_000))
def test_messages_that_never_end_leave_every_job_its_part_of_half_the_bound(
    bounds: Bounds, jobs: dict[Priority, int], stuck: int
) -> None:
    sized = windows(bounds, jobs, elsewhere=stuck)

    part = min(bounds.per_job, bounds.of_all // (2 * sum(jobs.values())))
    assert all(window.size >= part for window in sized.values())


def test_where_there_is_room_for_all_each_job_has_its_whole_window() -> None:
    assert windows(Bounds(100, 300), {"high": 1, "low": 2}) == {
        "high": Window(100),
        "low": Window(100),
    }


def test_without_jobs_there_are_no_windows() -> None:
    assert windows(Bounds(), {}) == {}
