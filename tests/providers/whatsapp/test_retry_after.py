"""How long an answer asks us to wait."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.whatsapp.answers import retry_after

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

texts = st.text(st.characters(min_codepoint=32, max_codepoint=255))
dates = st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))


def asked(text: str) -> timedelta | None:
    answer = httpx.Response(429, headers=[(b"Retry-After", text.encode("latin-1"))])
    return retry_after(answer, NOW)


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("7", timedelta(seconds=7)),
        (" 0 ", timedelta()),
        ("Mon, 02 Mar 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Mon, 02 Mar 2026 14:01:00 +0200", timedelta(minutes=1)),
        ("Mon, 02 Mar 2026 12:00:30", timedelta(seconds=30)),
        ("Mon, 02 Mar 2020 12:00:30 GMT", timedelta()),
    ],
)
def test_seconds_and_dates_are_understood(text: str, pause: timedelta) -> None:
    assert asked(text) == pause


@pytest.mark.parametrize("text", ["", "-5", "1.5", "soon", "off", "²", "1e3"])
def test_anything_else_asks_for_nothing(text: str) -> None:
    assert asked(text) is None


def test_no_header_asks_for_nothing() -> None:
    assert retry_after(httpx.Response(429), NOW) is None


@given(texts | dates)
@example("9" * 5_000)
@example("Thu, 1 Jan 99999999999999 00:00:00 GMT")
@example("Thu, 1 Jan 2026 00:00:00 +99999999999999")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
def test_absurd_values_break_nothing(text: str) -> None:
    pause = asked(text)

    assert pause is None or pause >= timedelta()
