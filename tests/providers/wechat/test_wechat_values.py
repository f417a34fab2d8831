"""Which values of a notification are sent, and how long ones are cut (WX 14.2)."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.wechat.values import WrongValue, fitted
from simulator.wechat.templates import problem_of

LIMITS = {
    "thing": 20,
    "character_string": 32,
    "letter": 32,
    "symbol": 5,
    "phrase": 5,
    "name": 20,
    "number": 34,
    "amount": 45,
    "phone_number": 17,
    "car_number": 8,
}
FREE = ("time", "date", "enum", "of_the_future")
WORDS = ("thing", "character_string", "letter", "symbol", "phrase", "name")
KEYS = st.sampled_from([*LIMITS, *FREE]).map(lambda prefix: f"{prefix}1")


def one(key: str, value: str) -> str:
    return fitted({key: value})[key]


def refusal_of(key: str, value: str) -> str | None:
    """Return what the simulated provider says of the value."""
    return problem_of((key,), {key: {"value": value}})


@given(KEYS, st.text())
@example("thing1", "😀" * 21)
@example("thing1", "a\u2028b")
@example("name1", "Ada " * 9)
@example("name1", "李" * 11)
def test_whatever_is_sent_is_one_line_within_its_limit(key: str, value: str) -> None:
    try:
        sent = one(key, value)
    except WrongValue:
        return

    assert sent == sent.strip() != ""
    assert not any(unicodedata.category(each) in {"Cc", "Zl", "Zp"} for each in sent)
    assert len(sent) <= LIMITS.get(key[:-1], len(value))


@given(st.text(min_size=1).filter(lambda text: text.strip() != ""))
def test_the_provider_takes_whatever_words_there_are(words: str) -> None:
    try:
        sent = one("thing1", words)
    except WrongValue:
        assert not any(each.isalnum() for each in words)
        return

    assert refusal_of("thing1", sent) is None


@given(
    st.sampled_from(["number1", "amount1"]),
    st.from_regex(r"[-¥$]?[0-9]{1,40}(\.[0-9]{1,3})?元?", fullmatch=True),
)
def test_a_figure_is_sent_as_it_is_or_not_at_all(key: str, figure: str) -> None:
    try:
        sent = one(key, figure)
    except WrongValue:
        assert refusal_of(key, figure) is not None
        return

    assert sent == figure
    assert refusal_of(key, sent) is None


@given(st.sampled_from(WORDS), st.text(alphabet="abc", min_size=1, max_size=60))
def test_what_is_within_the_limit_is_not_touched(prefix: str, words: str) -> None:
    sent = one(f"{prefix}1", words)

    assert sent == words if len(words) <= LIMITS[prefix] else len(sent) == LIMITS[prefix]


@pytest.mark.parametrize(
    ("key", "value", "sent"),
    [
        ("thing1", "课程提醒", "课程提醒"),
        (
            "thing1",
            "一二三四五六七八九十一二三四五六七八九十一",
            "一二三四五六七八九十一二三四五六七八九…",
        ),
        ("thing1", "two\r\nlines\tand a tab", "two lines and a tab"),
        ("thing1", "🎉" * 11, "🎉" * 9 + "…"),
        ("character_string12", "A" * 40, "A" * 29 + "..."),
        ("letter3", "A" * 40, "A" * 32),
        ("symbol1", "!" * 9, "!" * 5),
        ("phrase3", "等待确认中吗", "等待确认中"),
        ("name1", "Augusta Ada King-Noel", "Augusta Ada King-Noe"),
        ("name1", "李" * 12, "李" * 10),
        ("time2", "2025-06-10 18:00~19:00", "2025-06-10 18:00~19:00"),
        ("number1", "-12.5", "-12.5"),
        ("amount1", "¥1234.50", "¥1234.50"),
        ("phone_number1", "+86-0766-66888866", "+86-0766-66888866"),
        ("car_number1", "粤A8Z888挂", "粤A8Z888挂"),
        ("tomorrow1", "x" * 99, "x" * 99),
        ("nodigit", "x" * 99, "x" * 99),
    ],
)
def test_words_are_cut_to_what_the_key_takes(key: str, value: str, sent: str) -> None:
    assert one(key, value) == sent


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("thing1", ""),
        ("thing1", " \n "),
        ("number1", "1" * 33),
        ("number1", "many"),
        ("amount1", "12345678901"),
        ("phone_number1", "1" * 18),
        ("car_number1", "123456789"),
    ],
)
def test_what_cannot_be_cut_is_refused_by_its_key(key: str, value: str) -> None:
    with pytest.raises(WrongValue, match=f"data.{key}: must "):
        one(key, value)
