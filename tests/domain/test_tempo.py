from hypothesis import given
from hypothesis import strategies as st

from domain.tempo import LOOK, Tempo


@given(st.integers(0, 500), st.integers(2, 30))
def test_an_even_pace_is_found_and_kept(per_look: int, looks: int) -> None:
    tempo = Tempo(since=0.0)

    for look in range(1, looks):
        for _ in range(per_look):
            tempo.step()
        seconds = tempo.seconds_for(1_000, now=look * LOOK)
        assert seconds == (1_000 / per_look if per_look else float("inf"))


@given(st.floats(0, LOOK, exclude_max=True), st.integers(0, 99))
def test_before_the_first_look_nobody_can_tell(now: float, steps: int) -> None:
    tempo = Tempo(since=0.0)
    for _ in range(steps):
        tempo.step()

    assert tempo.seconds_for(1, now=now) is None


def test_what_stops_is_soon_seen_to_be_slow() -> None:
    tempo = Tempo(since=0.0)
    for _ in range(100):
        tempo.step()
    tempo.seconds_for(1, now=LOOK)

    waits = [tempo.seconds_for(100, now=LOOK * look) or 0 for look in range(2, 6)]

    assert waits == sorted(waits)
    assert waits[-1] >= 16
