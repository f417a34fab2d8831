from hypothesis import given
from hypothesis import strategies as st

from domain.answers import Choice
from domain.previews import PreviewStatus, status_after

CHOICES = st.lists(st.sampled_from(Choice), max_size=5)


@given(CHOICES, st.randoms())
def test_the_order_of_answers_decides_nothing(choices: list[Choice], chance: object) -> None:
    shuffled = sorted(choices, key=lambda _: chance.random())  # type: ignore[attr-defined]

    assert status_after(shuffled) is status_after(choices)


@given(CHOICES)
def test_who_wants_it_modified_wins(choices: list[Choice]) -> None:
    assert status_after([*choices, Choice.MODIFY]) is PreviewStatus.MODIFIED


@given(st.integers(1, 5))
def test_confirmations_alone_confirm(number: int) -> None:
    assert status_after([Choice.CONFIRM] * number) is PreviewStatus.CONFIRMED


def test_without_an_answer_it_is_sent() -> None:
    assert status_after([]) is PreviewStatus.SENT
