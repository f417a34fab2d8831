import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recipients import InvalidRecipient, to_e164


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+16505551234", "+16505551234"),
        ("+1 (650) 555-1234", "+16505551234"),
        (" +86 138 0013 8000 ", "+8613800138000"),
        ("+49 170 1234567", "+491701234567"),
        ("＋１６５０５５５１２３４", "+16505551234"),  # noqa: RUF001 - full-width, as Chinese keyboards type it
    ],
)
def test_a_number_has_one_spelling(written: str, number: str) -> None:
    assert to_e164(written) == number
    assert to_e164(number) == number


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Ada",
        "650 555 1234",
        "16505551234",
        "0016505551234",
        "+1650",
        "+999123456789",
        "+1 650 555 1234 ext. 5",
        "+16505551234;ext=5",
        "+16505551234 or so",
        "+" + "1" * 400,
        "\x00",
    ],
)
def test_what_cannot_be_written_to_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(InvalidRecipient) as caught:
        to_e164(written)

    assert not re.search(r"\d", str(caught.value))


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_is_refused(written: str) -> None:
    try:
        number = to_e164(written)
    except InvalidRecipient:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
