import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pacing import Window, places

windows = st.builds(Window, st.integers(1, 500), st.floats(0, 1))


@given(windows, st.integers(0, 600), st.integers(0, 2_000))
def test_never_more_than_the_window_is_in_flight(
    window: Window, in_flight: int, waiting: int
) -> None:
    fed = places(window, in_flight=in_flight, waiting=waiting)

    assert 0 <= fed <= waiting
    assert in_flight + fed <= max(window.size, in_flight)


@given(windows, st.integers(1, 2_000))
def test_an_empty_window_always_takes_something(window: Window, waiting: int) -> None:
    assert places(window, in_flight=0, waiting=waiting) == min(waiting, window.size)


@given(windows, st.integers(0, 1_500), st.data())
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
