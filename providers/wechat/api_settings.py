"""How WeChat's API is reached, and with whose secrets (WC-06, WX 14.1)."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from providers.tencent.settings import CallingApp, Listed


class WechatApp(CallingApp):
    """One mini-program or service account that sends; its app id is the sender."""

    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    state: Literal["formal", "trial", "developer"] = "formal"
    """Which edition of the mini-program a notification leads to."""

    @property
    def account(self) -> str:
        """Return the app id."""
        return self.app_id


class WechatApiSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    wechat_apps: Annotated[tuple[WechatApp, ...], *Listed] = ()
    """A JSON list of ``{appId, secret, state?}``. Empty: nothing is sent through WeChat."""
    wechat_api_base_url: str = "https://api.weixin.qq.com"
    """Without ``/cgi-bin``."""
    wechat_connect_within: timedelta = timedelta(seconds=5)
    """A connection that did not open in this time was never opened: safe to try again."""
    wechat_answer_within: timedelta = timedelta(seconds=20)
    """For one whole send, with its token and its file; a call that is out by then is in doubt."""
    wechat_connections: PositiveInt = 64
    """At once, over all apps of this process."""
    wechat_window: Literal["enforce", "off"] = "enforce"
    """Whether customer-service messages wait for a word of the person within 48 hours (WX 14.3)."""

    @field_validator("wechat_apps")
    @classmethod
    def _differ(cls, apps: tuple[WechatApp, ...]) -> tuple[WechatApp, ...]:
        if len({app.app_id for app in apps}) < len(apps):
            raise ValueError("must not name an app twice")
        return apps
