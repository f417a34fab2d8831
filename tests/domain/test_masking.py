"""No phone number is left in a provider's words."""

from hypothesis import given
from hypothesis import strategies as st

from domain.masking import MASK, without_numbers

digits = st.text("0123456789", min_size=7, max_size=15)
words = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=30)


@given(words, digits, words)
def test_a_number_is_masked_wherever_it_stands(before: str, number: str, after: str) -> None:
    masked = without_numbers(f"{before}{number}{after}")

    assert number not in masked
    assert MASK in masked


@given(words, digits)
def test_masking_twice_changes_nothing(before: str, number: str) -> None:
    once = without_numbers(before + number)

    assert without_numbers(once) == once


def test_a_providers_own_codes_stay() -> None:
    assert without_numbers("(#131026) error 470, at 12:30") == "(#131026) error 470, at 12:30"


def test_a_number_as_people_write_it_is_masked_whole() -> None:
    assert without_numbers("to +1 (650) 555-0001!") == f"to {MASK}!"
