"""Every environment variable the simulator reads (prefix SIM_); secrets have no default."""

from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

AesKey = Annotated[SecretStr, Field(min_length=43, max_length=43)]
Digits = Annotated[str, Field(pattern=r"^\d{15,17}$")]

_FLAT_PATH = "/api/v1/webhooks/whatsapp/status"


class Settings(BaseSettings):
    """Settings of one simulator process, read once at its start."""

    model_config = SettingsConfigDict(env_prefix="SIM_", frozen=True)

    host: str = "127.0.0.1"
    """Address to listen on; keep it local, the control plane asks for no password."""
    port: int = 8090
    """Port of calls and control plane; 0 takes a free one and prints it."""
    public_url: str | None = None
    """Its address in the webhooks of media; default: host and port."""
    profile: Literal["perfect", "demo", "realistic", "bench", "chaos"] = "demo"
    """Which knobs the world starts with."""
    seed: str = "sendtrail"
    """Decides every random choice."""
    time_scale: float = Field(default=1.0, ge=0)
    """Simulated seconds a real second; 0 starts with a stopped clock."""
    ledger: Literal["full", "counts"] | None = None
    """Whether calls, messages and callbacks are kept or only counted; default by profile."""

    app_secret: SecretStr
    """Key of the webhook signatures."""
    verify_token: SecretStr
    """What the verification GET presents to the callback."""
    access_token: SecretStr
    """Bearer token that calls must carry."""

    callback_url: str | None = None
    """The app's callback, e.g. http://127.0.0.1:8081/api/whatsapp/webhook; none: not subscribed."""
    flat_callback_url: str | None = None
    """Where flat callbacks go; default: the usual path on the callback's host."""
    phone_number_ids: Annotated[tuple[Digits, ...], NoDecode, Field(min_length=1)] = (
        "106540352242922",
        "106540352242923",
    )
    """Sending numbers of the account, comma-separated ids."""
    waba_id: Digits = "102290129340398"
    """The WhatsApp business account."""
    app_id: Digits = "670843887433847"
    """The app whose subscriptions and secret are used."""

    wecom_corp_id: str = "ww5a1b2c3d4e5f6071"
    """The WeCom company."""
    wecom_agent_id: int = 1000002
    """Its app."""
    wecom_secret: SecretStr | None = None
    """Secret of the app, for `gettoken`; none: every secret is wrong."""
    wecom_robot_key: SecretStr | None = None
    """Key of a group's robot, for `webhook/send`; none: every key is wrong."""
    wecom_token: SecretStr | None = None
    """Signs WeCom's callbacks; with the key: WeCom calls back."""
    wecom_aes_key: AesKey | None = None
    """EncodingAESKey of WeCom's callbacks."""
    wecom_callback_url: str | None = None
    """E.g. http://127.0.0.1:8081/api/v1/webhooks/wecom."""

    wechat_app_id: str = "wx5a1b2c3d4e5f6072"
    """The mini-program."""
    wechat_original_id: str = "gh_123456789abc"
    """Its name in the push."""
    wechat_token: SecretStr | None = None
    """Signs WeChat's push; with the key: WeChat pushes."""
    wechat_aes_key: AesKey | None = None
    """EncodingAESKey of WeChat's push."""
    wechat_callback_url: str | None = None
    """E.g. http://127.0.0.1:8081/api/v1/webhooks/wechat."""

    @field_validator("phone_number_ids", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    def flat_url_for(self, callback_url: str) -> str:
        """Return where flat callbacks go when Graph callbacks go to this URL."""
        if self.flat_callback_url:
            return self.flat_callback_url
        parts = urlsplit(callback_url)
        return urlunsplit((parts.scheme, parts.netloc, _FLAT_PATH, "", ""))


def complaints(error: ValidationError) -> list[str]:
    """Return one line a wrong or missing variable, without its value."""
    return [
        f"SIM_{'_'.join(str(part) for part in problem['loc'][:1]).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    ]
