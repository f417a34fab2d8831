"""How people are to be treated is checked at the start."""

from datetime import time

import pytest

from domain.quiet_hours import QuietHours
from runtime.settings import read
from services.dispatcher.people_settings import PeopleSettings


def test_without_a_setting_the_usual_words_count_and_nobody_is_held() -> None:
    settings = read(PeopleSettings)

    assert settings.words.opt_out == {"stop", "unsubscribe", "退订", "td"}
    assert settings.words.opt_in == {"start", "unstop", "恢复订阅"}
    assert (settings.nights.hours, settings.nights.default_zone.key) == (None, "UTC")


def test_what_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPT_OUT_WORDS", " Halt , Basta,")
    monkeypatch.setenv("OPT_IN_WORDS", "")
    monkeypatch.setenv("DISPATCHER_QUIET_HOURS", "21:30-08:00")
    monkeypatch.setenv("DISPATCHER_DEFAULT_ZONE", "Asia/Shanghai")

    settings = read(PeopleSettings)

    assert settings.words.opt_out == {"halt", "basta"}
    assert settings.words.opt_in == set()
    assert settings.nights.hours == QuietHours(time(21, 30), time(8))
    assert settings.nights.default_zone.key == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("OPT_OUT_WORDS", "stop,!", "'!' is no word"),
        ("OPT_IN_WORDS", "go,Stop", "'stop' cannot mean both"),
        ("DISPATCHER_QUIET_HOURS", "at night", 'must be empty or look like "21:00-08:00"'),
        ("DISPATCHER_QUIET_HOURS", "08:00-08:00", "must not begin when it ends"),
        ("DISPATCHER_DEFAULT_ZONE", "Mars/Base", "timezone"),
    ],
)
def test_a_setting_that_says_nothing_is_told_by_its_name(
    name: str,
    value: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit):
        read(PeopleSettings)

    told = capsys.readouterr().err
    assert told.startswith(f"sendtrail: {name}: ")
    assert says in told
