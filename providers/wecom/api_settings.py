"""How WeCom's API is reached, and with whose secrets (IM-28, WX 1)."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from providers.tencent.settings import CallbackApp, Listed


class WecomApp(CallbackApp):
    """One app that calls WeCom."""

    corp_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    secret: Annotated[SecretStr, Field(min_length=1)]
    """Each app has its own, and its own access tokens."""
    kf: bool = False
    """Whether it may read what customers write to the customer service."""


class WecomApiSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    wecom_apps: Annotated[tuple[WecomApp, ...], *Listed] = ()
    """A JSON list of ``{corpId, secret, kf?}``. Empty: WeCom is not called."""
    wecom_api_base_url: str = "https://qyapi.weixin.qq.com"
    """Without ``/cgi-bin``."""
    wecom_connect_within: timedelta = timedelta(seconds=5)
    wecom_silent_for: timedelta = timedelta(seconds=20)
    """An answer in which nothing comes for so long is broken off and asked for again."""

    @model_validator(mode="after")
    def _one_reader(self) -> Self:
        readers = Counter(app.corp_id for app in self.wecom_apps if app.kf)
        if any(count > 1 for count in readers.values()):
            raise ValueError("WECOM_APPS must name one app with kf a company at most")
        return self
