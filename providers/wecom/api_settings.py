"""How WeCom's API is reached, and with whose secrets (IM-28, WX 1, WX 11)."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import Field, PositiveInt, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from providers.tencent.settings import CallbackApp, CallingApp, Listed

ROBOTS: Final = "robots"
"""The sender of whatever a robot says: a robot is no app, and its limit counts all who use it."""


class WecomApp(CallingApp):
    """One app that calls WeCom."""

    # Together they are the sender, which has at most 64 characters.
    corp_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    agent_id: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")] | None = None
    """Needed to write to members."""
    kf: bool = False
    """Whether it may read what customers write to the customer service."""
    customer_contact: bool = False
    """Whether it may create group sends: WeCom's page for customer contact lists it (WX 2)."""

    @property
    def account(self) -> str:
        """Return the company, whose apps differ by their secrets."""
        return self.corp_id

    @property
    def sender_id(self) -> str:
        """Return its name in requests, the same as in what members write to it.

        >>> WecomApp(corp_id="ww1", agent_id="1000002", secret=SecretStr("s")).sender_id
        'ww1.1000002'
        """
        return self.corp_id if self.agent_id is None else f"{self.corp_id}.{self.agent_id}"


class WecomRobot(CallbackApp):
    """A robot of a group chat."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """Ours: ``robot:<name>`` is the recipient."""
    key: Annotated[SecretStr, Field(min_length=1)]
    """Whoever knows it can write to the group."""


class WecomApiSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    wecom_apps: Annotated[tuple[WecomApp, ...], *Listed] = ()
    """A JSON list of ``{corpId, agentId?, secret, kf?, customerContact?}``. Empty: WeCom is not
    called, but for the robots."""
    wecom_api_base_url: str = "https://qyapi.weixin.qq.com"
    """Without ``/cgi-bin``."""
    wecom_connect_within: timedelta = timedelta(seconds=5)
    wecom_silent_for: timedelta = timedelta(seconds=20)
    """An answer in which nothing comes for so long is broken off and asked for again."""
    wecom_connections: PositiveInt = 64
    """At once, over all apps of this process. WeCom does not say how many it takes (45033)."""

    @model_validator(mode="after")
    def _one_reader(self) -> Self:
        readers = Counter(app.corp_id for app in self.wecom_apps if app.kf)
        if any(count > 1 for count in readers.values()):
            raise ValueError("WECOM_APPS must name one app with kf a company at most")
        return self


class WecomSendSettings(WecomApiSettings):
    """What sending needs on top."""

    wecom_robots: Annotated[tuple[WecomRobot, ...], *Listed] = ()
    """A JSON list of ``{name, key}``."""
    wecom_message_path: Annotated[str, Field(pattern=r"^[A-Za-z0-9_/-]+$")] = "cgi-bin/message/send"
    """Of messages to members, below the base URL (CF-12)."""
    wecom_answer_within: timedelta = timedelta(seconds=20)
    """For one whole send, with its token and uploads; a call that is out by then is in doubt."""

    @model_validator(mode="after")
    def _senders_differ(self) -> Self:
        senders = Counter(app.sender_id for app in self.wecom_apps)
        if any(count > 1 for count in senders.values()):
            raise ValueError("WECOM_APPS must not name an app twice; agentId tells two apart")
        robots = Counter(robot.name for robot in self.wecom_robots)
        if any(count > 1 for count in robots.values()):
            raise ValueError("WECOM_ROBOTS must not name a robot twice")
        return self
