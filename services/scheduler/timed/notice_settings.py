"""What notices, alerts and links to forms read from the environment (NF-01…NF-08)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from providers.tencent.settings import Listed
from runtime.robot_alerts import AlertSettings

NoticeType = Literal["reminder", "result", "preview"]


class NoticeTemplate(BaseModel):
    """A template of a subscribe message, and how it is filled in (WX 14.2)."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    template_id: Annotated[str, Field(min_length=1, max_length=256)]
    data: Mapping[str, str]
    """Value by key; they may hold `{taskName}`, `{time}`, `{state}` and `{message}`."""
    page: str | None = None
    """Where it leads; may hold `{taskId}`."""


class NoticeSettings(AlertSettings):
    """Each field is the environment variable of the same name."""

    wechat_app_id: str = Field(default="", max_length=64)
    """The mini-program that sends service notifications."""
    notice_templates: Annotated[Mapping[NoticeType, NoticeTemplate], *Listed] = Field(
        default_factory=dict[NoticeType, NoticeTemplate]
    )
    """By type, a JSON object of ``{templateId, data, page?}``. What is of a type that it lacks is
    found in people's lists only."""
    public_url: str = Field(default="", pattern=r"^(https?://\S+[^/])?$")
    """Where the ingester is reached from outside: forms for feedback are found there. Empty: no
    push carries a link to one."""
    feedback_open_for: timedelta = Field(default=timedelta(days=30), gt=timedelta(0))
    """How long after a push its form takes answers."""
