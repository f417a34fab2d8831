"""Times that do not go together are told at the start."""

import pytest

from runtime.settings import read
from services.dispatcher.settings import DispatcherSettings


@pytest.fixture(autouse=True)
def what_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg2://nobody@127.0.0.1/nothing")
    monkeypatch.setenv("WHATSAPP_ACCESS_TOKEN", "none")


def test_a_claim_is_abandoned_only_after_any_call_under_it_has_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHATSAPP_ANSWER_WITHIN", "PT30S")

    with pytest.raises(SystemExit):
        read(DispatcherSettings)

    told = capsys.readouterr().err
    assert told.startswith("sendtrail: DISPATCHER_ABANDONED_AFTER: must exceed ")
    assert "which is 60 s" in told
    monkeypatch.setenv("DISPATCHER_ABANDONED_AFTER", "PT61S")
    assert read(DispatcherSettings).dispatcher_abandoned_after.total_seconds() == 61
