import pytest

from runtime.settings import read
from services.ingest_webhook.settings import IngesterSettings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment with just what is required."""
    for name in ("WEBHOOK_VERIFY_TOKEN", "WHATSAPP_APP_SECRET_PREVIOUS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "token")
    monkeypatch.setenv("WHATSAPP_APP_SECRET", "secret")
    return monkeypatch


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        read(IngesterSettings)
    return capsys.readouterr().err


@pytest.mark.parametrize("name", ["WHATSAPP_WEBHOOK_VERIFY_TOKEN", "WHATSAPP_APP_SECRET"])
def test_a_missing_secret_is_told_in_one_line(
    name: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv(name)

    told = refusal(capsys)

    assert told == f"sendtrail: {name}: Field required\n"


@pytest.mark.parametrize("secret", ["", " ", ",", " , "])
def test_an_empty_app_secret_would_let_anybody_sign(
    secret: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("WHATSAPP_APP_SECRET", secret)

    told = refusal(capsys)

    assert told.startswith("sendtrail: WHATSAPP_APP_SECRET: ")


def test_the_older_name_of_the_verify_token_is_an_alias(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WEBHOOK_VERIFY_TOKEN", "older")
    with_both = read(IngesterSettings)

    environment.delenv("WHATSAPP_WEBHOOK_VERIFY_TOKEN")
    with_the_alias = read(IngesterSettings)

    assert with_both.whatsapp_webhook_verify_token.get_secret_value() == "token"
    assert with_the_alias.whatsapp_webhook_verify_token.get_secret_value() == "older"


def test_earlier_secrets_follow_the_present_one(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WHATSAPP_APP_SECRET_PREVIOUS", "older, oldest,")

    settings = read(IngesterSettings)

    assert settings.app_secrets == (b"secret", b"older", b"oldest")


def test_each_of_several_apps_has_its_secret_and_its_verify_token(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WHATSAPP_APP_SECRET", "one, two")
    environment.setenv("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "first,second")

    settings = read(IngesterSettings)

    assert settings.app_secrets == (b"one", b"two")
    assert settings.verify_tokens == (b"first", b"second")


def test_trusted_proxies_are_addresses_and_networks(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INGEST_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,fd00::/8,")

    settings = read(IngesterSettings)

    assert [str(one) for one in settings.ingest_trusted_proxies] == [
        "10.0.0.0/8",
        "192.0.2.1/32",
        "fd00::/8",
    ]


@pytest.mark.parametrize("given", ["somewhere", "10.0.0.1/8", "300.1.1.1"])
def test_a_proxy_that_is_no_address_is_told_by_its_variable(
    given: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("INGEST_TRUSTED_PROXIES", given)

    told = refusal(capsys)

    assert told.startswith("sendtrail: INGEST_TRUSTED_PROXIES: ")


def test_the_largest_body_must_find_room(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("INGEST_IN_FLIGHT_BYTES", "2048")

    told = refusal(capsys)

    assert told.startswith("sendtrail: INGEST_IN_FLIGHT_BYTES: ")


def test_a_key_of_links_that_could_be_guessed_is_refused_without_showing_it(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("LINK_SIGNING_KEYS", f"{'x' * 32},hunter2")

    told = refusal(capsys)

    assert told.startswith("sendtrail: LINK_SIGNING_KEYS: ")
    assert "hunter2" not in told
