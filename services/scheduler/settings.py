"""What the scheduler reads from the environment."""

from pydantic import Field

from domain.pacing import Window
from runtime.settings import DatabaseSettings


class SchedulerSettings(DatabaseSettings):
    """One field a variable; defaults work on one machine."""

    http_port: int = 8083
    whatsapp_phone_number_id: str = Field(default="", max_length=64)
    """The sending account of messages and jobs that name none; empty: they must."""
    job_window: int = Field(default=Window().size, ge=1)
    """Messages of one job between `send-requests` and the provider's answer. A cancel cannot
    reach these any more; too few starve the dispatcher."""
