"""What the scheduler reads from the environment."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from domain.breaker import Breaker
from domain.pacing import Bounds
from domain.task_rules import zones
from runtime.auth import AuthSettings
from runtime.kafka.sealing import TopicKeySettings
from runtime.media import MediaSettings
from runtime.settings import DatabaseSettings
from runtime.signed_links import LinkSettings
from runtime.vault import VaultSettings
from services.scheduler.timed.notice_settings import NoticeSettings


class SchedulerSettings(
    DatabaseSettings,
    AuthSettings,
    VaultSettings,
    TopicKeySettings,
    LinkSettings,
    MediaSettings,
    NoticeSettings,
):
    """One field a variable; defaults work on one machine."""

    http_port: int = 8083
    whatsapp_phone_number_id: str = Field(default="", max_length=64)
    """The sending account of WhatsApp messages and jobs that name none; empty: they must."""
    job_window: int = Field(default=Bounds().per_job, ge=1)
    """Messages of one job between `send-requests` and the provider's answer. Too few starve the
    dispatcher."""
    jobs_in_flight: int = Field(default=Bounds().of_all, ge=1)
    """The same of all jobs together; each has its part, the more urgent the larger."""
    job_breaker_share: float = Field(default=Breaker().share, gt=0, le=1)
    """A job is paused when this share of a window's outcomes, or more, are failures (IM-55)."""
    job_breaker_after: int = Field(default=Breaker().after, ge=0)
    """Outcomes that make a window; 0: no job is paused."""
    job_stalls_after: timedelta = Field(default=timedelta(minutes=10), gt=timedelta(0))
    """How long nothing may be heard of a running job's rows before it alerts (IM-60)."""
    push_stalls_after: timedelta = Field(default=timedelta(minutes=10), gt=timedelta(0))
    """The same of a push's groups."""
    preview_template_id: str = Field(default="", max_length=255)
    """Its template that asks somebody to look at a preview; empty: previews cannot be sent."""
    preview_template_data: Mapping[str, str] = Field(
        default_factory=lambda: {"thing1": "{taskName}:{text}"}
    )
    """A JSON object: a value for each key of the template (PV-02, WX 14.2)."""
    preview_page: str = Field(default="pages/confirm?token={token}", pattern=r"\{token\}")
    """The mini-program's page that opens the signed link (CF-27)."""
    preview_link_lasts: timedelta = Field(default=timedelta(days=7), gt=timedelta(0))
    """How long a preview may be answered."""
    preview_per_minute: PositiveInt = 10
    """Previews that a user may send within a minute (CF-18)."""

    @model_validator(mode="after")
    def _previews_have_all_they_need(self) -> Self:
        if self.preview_template_id and not (self.wechat_app_id and self.link_keys):
            raise ValueError(
                "PREVIEW_TEMPLATE_ID needs WECHAT_APP_ID and LINK_SIGNING_KEYS beside it"
            )
        return self

    app_timezone: str = "UTC"
    """The IANA zone that a timed push task is in which names none (CF-29)."""

    @field_validator("app_timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name not in zones():
            raise ValueError("must be an IANA time zone")
        return name
