"""What the scheduler reads from the environment."""

from datetime import timedelta

from pydantic import Field, field_validator

from domain.breaker import Breaker
from domain.pacing import Bounds
from domain.task_rules import zones
from runtime.auth import AuthSettings
from runtime.settings import DatabaseSettings
from runtime.vault import VaultSettings


class SchedulerSettings(DatabaseSettings, AuthSettings, VaultSettings):
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
    app_timezone: str = "UTC"
    """The IANA zone that a timed push task is in which names none (CF-29)."""

    @field_validator("app_timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name not in zones():
            raise ValueError("must be an IANA time zone")
        return name
