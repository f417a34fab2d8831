"""How apps are written in the settings, and what is said of a wrong one."""

import json
from typing import Any

import pytest

from runtime.settings import read
from services.ingest_webhook.settings import IngesterSettings
from tests.providers.tencent.sealed import ENCODING_AES_KEY, KEY, TOKEN

WECOM = "WECOM_CALLBACK_APPS"
WECHAT = "WECHAT_CALLBACK_APPS"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment with just what is required."""
    monkeypatch.setenv("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "token")
    monkeypatch.setenv("WHATSAPP_APP_SECRET", "secret")
    for name in (WECOM, WECHAT):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def an_app(**what_matters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a WeCom app as people write it; a member set to ``...`` is left out."""
    app = {"corpId": "ww_corp", "token": TOKEN, "encodingAesKey": ENCODING_AES_KEY, **what_matters}
    return {name: value for name, value in app.items() if value is not ...}


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        read(IngesterSettings)
    return capsys.readouterr().err


@pytest.mark.parametrize("written", [None, "", " ", "[]"])
def test_without_apps_nothing_has_to_be_set(
    written: str | None, environment: pytest.MonkeyPatch
) -> None:
    if written is not None:
        environment.setenv(WECOM, written)
        environment.setenv(WECHAT, written)

    settings = read(IngesterSettings)

    assert settings.wecom_callback_apps == settings.wechat_callback_apps == ()


def test_an_apps_parts_are_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(WECOM, json.dumps([an_app(agentId=1000002), an_app(agentId="7")]))
    environment.setenv(WECHAT, json.dumps([{"appId": "wx_app", "token": TOKEN}]))

    settings = read(IngesterSettings)

    first, second = (each.app for each in settings.wecom_callback_apps)
    assert (first.account_id, first.agent_id) == ("ww_corp", "1000002")
    assert (first.token, first.key) == (TOKEN.encode(), KEY)
    assert second.agent_id == "7"
    (plain,) = (each.app for each in settings.wechat_callback_apps)
    assert (plain.account_id, plain.key) == ("wx_app", None)


@pytest.mark.parametrize(
    ("app", "place", "problem"),
    [
        (an_app(corpId=...), "[1].corpId", "Field required"),
        (an_app(corpId="a.b"), "[1].corpId", "String should match pattern"),
        (an_app(corpId="x" * 33), "[1].corpId", "String should match pattern"),
        (an_app(agentId="seven"), "[1].agentId", "String should match pattern"),
        (an_app(token=...), "[1].token", "Field required"),
        (an_app(token=""), "[1].token", "must be 3 to 32 letters and digits"),
        (an_app(token="x" * 33), "[1].token", "must be 3 to 32 letters and digits"),
        (an_app(token="with-dash"), "[1].token", "must be 3 to 32 letters and digits"),
        (an_app(encodingAesKey=...), "[1].encodingAesKey", "Field required"),
        (an_app(encodingAesKey="x" * 42), "[1].encodingAesKey", "must be 43 letters and digits"),
        (an_app(encodingAesKey="ü" * 43), "[1].encodingAesKey", "must be 43 letters and digits"),
        (an_app(agentID="7"), "[1].agentID", "Extra inputs are not permitted"),
        ("words", "[1]", "Input should be a valid dictionary"),
    ],
)
def test_a_wrong_app_is_told_by_its_place(
    app: object,
    place: str,
    problem: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv(WECOM, json.dumps([an_app(), app]))

    told = refusal(capsys)

    assert told.startswith(f"sendtrail: {WECOM}{place}: ")
    assert problem in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("written", ["{", "words", "[" * 5_000])
def test_what_is_no_json_is_told(
    written: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv(WECHAT, written)

    told = refusal(capsys)

    assert told == f"sendtrail: {WECHAT}: must be a JSON list of objects\n"


def test_no_secret_is_shown_in_errors_or_settings(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv(WECOM, json.dumps([an_app()]))
    shown = repr(read(IngesterSettings))
    environment.setenv(WECOM, json.dumps([an_app(token="a-secret!", encodingAesKey="a-secret!")]))

    told = refusal(capsys)

    assert TOKEN not in shown
    assert ENCODING_AES_KEY not in shown
    assert "a-secret" not in told


def test_a_window_has_to_be_one(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("INGEST_REPLAY_WINDOW", "PT0S")

    told = refusal(capsys)

    assert told.startswith("sendtrail: INGEST_REPLAY_WINDOW: ")
