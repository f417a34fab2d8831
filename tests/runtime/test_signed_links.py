"""Links: what we signed opens, until its time is over; whatever else does not."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from runtime.signed_links import ExpiredLink, ForgedLink, LinkSettings, opened, token_for

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UNTIL = AT + timedelta(days=1)
KEY, OTHER_KEY = b"a key of thirty-two characters!!", b"another key of that many letters"


class Letter(msgspec.Struct, frozen=True, array_like=True, tag="letter"):
    number: Annotated[int, msgspec.Meta(ge=0)]
    text: str


class Parcel(msgspec.Struct, frozen=True, array_like=True, tag="parcel"):
    number: int
    text: str


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
letters = st.builds(Letter, st.integers(0, 2**60), texts)
keys = st.binary(min_size=32, max_size=64)
LETTER = Letter(1, "三月")
TOKEN = token_for(LETTER, until=UNTIL, key=KEY)


@given(letters, keys)
def test_a_link_opens_what_was_put_into_it(letter: Letter, key: bytes) -> None:
    token = token_for(letter, until=UNTIL, key=key)

    assert opened(token, Letter, keys=[key], now=AT) == letter


@given(letters)
def test_a_link_needs_no_escaping(letter: Letter) -> None:
    token = token_for(letter, until=UNTIL, key=KEY)

    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


@given(st.integers(0, len(TOKEN) - 1), st.characters())
@example(len(TOKEN) - 1, "=")
def test_a_link_with_any_other_letter_is_forged(place: int, letter: str) -> None:
    assume(letter != TOKEN[place])
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]

    with pytest.raises(ForgedLink):
        opened(changed, Letter, keys=[KEY], now=AT)


@given(st.integers(0, len(TOKEN)), st.text(min_size=1, max_size=3))
def test_a_link_with_more_letters_is_forged(place: int, more: str) -> None:
    with pytest.raises(ForgedLink):
        opened(TOKEN[:place] + more + TOKEN[place:], Letter, keys=[KEY], now=AT)


@given(st.integers(0, len(TOKEN) - 1))
def test_a_link_that_was_cut_is_forged(place: int) -> None:
    with pytest.raises(ForgedLink):
        opened(TOKEN[:place], Letter, keys=[KEY], now=AT)


@given(st.text())
@example("....")
@example("1....")
def test_anything_else_is_forged(text: str) -> None:
    with pytest.raises(ForgedLink):
        opened(text, Letter, keys=[KEY], now=AT)


@given(keys)
def test_under_another_key_it_is_forged(key: bytes) -> None:
    assume(key != KEY)

    for known in ([key], []):
        with pytest.raises(ForgedLink):
            opened(TOKEN, Letter, keys=known, now=AT)


def test_while_keys_are_changed_links_of_both_open() -> None:
    later = token_for(LETTER, until=UNTIL, key=OTHER_KEY)

    for token in (TOKEN, later):
        assert opened(token, Letter, keys=[OTHER_KEY, KEY], now=AT) == LETTER


def test_a_link_to_one_thing_opens_no_other() -> None:
    with pytest.raises(ForgedLink):
        opened(TOKEN, Parcel, keys=[KEY], now=AT)


def test_a_link_whose_content_breaks_its_own_rules_is_forged() -> None:
    token = token_for(Letter(-1, "x"), until=UNTIL, key=KEY)

    with pytest.raises(ForgedLink):
        opened(token, Letter, keys=[KEY], now=AT)


@pytest.mark.parametrize("late", [timedelta(), timedelta(days=365)])
def test_a_link_expires(late: timedelta) -> None:
    assert opened(TOKEN, Letter, keys=[KEY], now=UNTIL - timedelta(seconds=1)) == LETTER

    with pytest.raises(ExpiredLink):
        opened(TOKEN, Letter, keys=[KEY], now=UNTIL + late)


def test_a_forged_link_is_never_told_as_expired() -> None:
    with pytest.raises(ForgedLink):
        opened(TOKEN, Letter, keys=[OTHER_KEY], now=UNTIL)


def test_keys_are_a_list_of_which_the_first_one_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINK_SIGNING_KEYS", f" {KEY.decode()}, {OTHER_KEY.decode()},")

    assert read_keys() == (KEY, OTHER_KEY)


def test_without_keys_there_are_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINK_SIGNING_KEYS", raising=False)

    assert read_keys() == ()


def read_keys() -> tuple[bytes, ...]:
    return LinkSettings().link_keys
