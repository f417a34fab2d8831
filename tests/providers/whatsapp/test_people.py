"""Under which recipients people are written to, and what their settings say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consent import Wish
from domain.recipients import InvalidRecipient
from providers.whatsapp.people import Preference, preferences_of, recipient_behind, recipient_of
from tests.given import SENDER
from tests.providers.whatsapp.bodies import a_notice, a_value
from tests.providers.whatsapp.reading import the_notice

USER = "16505551234"
USER_ID = "US.13491208655302741918"
STOP = {"wa_id": USER, "category": "marketing_messages", "value": "stop", "timestamp": 1739321024}


@pytest.mark.parametrize(
    ("written", "recipient"),
    [
        ("+1 (650) 555-1234", "+16505551234"),
        ("+8613800138000", "+8613800138000"),
        (USER_ID, USER_ID),
    ],
)
def test_a_recipient_has_one_spelling(written: str, recipient: str) -> None:
    assert recipient_of(written) == recipient


@pytest.mark.parametrize("written", ["16505551234", "+1650", "us.1349", "US.", "US.1 2", "Ada", ""])
def test_what_is_neither_number_nor_user_id_is_refused(written: str) -> None:
    with pytest.raises(InvalidRecipient):
        recipient_of(written)


@pytest.mark.parametrize(
    ("author", "recipient"),
    [
        ("16505551234", "+16505551234"),
        # Mexico: with the 1 of former days.
        ("5215512345678", "+525512345678"),
        ("525512345678", "+525512345678"),
        # Brazil: without the ninth digit; landlines have none.
        ("551187654321", "+5511987654321"),
        ("5511987654321", "+5511987654321"),
        ("551133334444", "+551133334444"),
        (USER_ID, USER_ID),
        # Nobody could be written to under it; kept all the same.
        ("999", "+999"),
    ],
)
def test_the_author_of_a_message_is_the_recipient_of_the_answer(
    author: str, recipient: str
) -> None:
    assert recipient_behind(author) == recipient


@given(st.text(min_size=1, max_size=255))
def test_whatever_an_author_is_called_there_is_a_recipient(author: str) -> None:
    assert recipient_behind(author)


@pytest.mark.parametrize(("value", "wish"), [("stop", Wish.OPT_OUT), ("resume", Wish.OPT_IN)])
def test_the_switch_for_offers_is_read_off_its_notice(value: str, wish: Wish) -> None:
    item = {**STOP, "user_id": USER_ID, "value": value}

    notice = the_notice(a_notice("user_preferences", a_value(user_preferences=[item])))

    assert preferences_of(notice.content) == [Preference(SENDER, (USER, USER_ID), wish)]


@pytest.mark.parametrize(
    "item",
    [
        {**STOP, "category": "service_messages"},
        {**STOP, "value": "later"},
        {**STOP, "value": 1},
        {**STOP, "wa_id": None},
        {**STOP, "wa_id": ""},
        "stop",
        None,
    ],
)
def test_a_preference_that_is_not_understood_costs_no_neighbour(item: Any) -> None:  # noqa: ANN401 - any JSON
    content = {"metadata": {"phone_number_id": SENDER}, "user_preferences": [item, STOP]}

    assert preferences_of(content) == [Preference(SENDER, (USER,), Wish.OPT_OUT)]


@pytest.mark.parametrize("content", [{}, {"user_preferences": 7}, {"metadata": [], "x": {}}])
def test_a_notice_that_says_nothing_is_no_error(content: dict[str, Any]) -> None:
    assert preferences_of(content) == []


def test_a_preference_that_names_no_number_of_ours_has_no_sender() -> None:
    assert preferences_of({"user_preferences": [STOP]}) == [Preference(None, (USER,), Wish.OPT_OUT)]
