"""Settings that say what a day is and how much a sender may send on it (LM-01, LM-02, CF-17).

The dispatcher holds senders to it, the query API tells how much of it is used.
"""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

EmptyIsNone = Annotated[
    Annotated[int, Field(ge=0)] | None,
    BeforeValidator(lambda value: None if value == "" else value),
]


class DailyLimitSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    sender_daily_limit: EmptyIsNone = 1_000
    """Messages a day of one sending account that has no limit of its own; empty: any number
    (CF-17)."""
    app_timezone: str = "UTC"
    """The IANA zone in which days and months begin (CF-17, CF-43)."""

    @field_validator("app_timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("must be an IANA time zone") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days begin."""
        return ZoneInfo(self.app_timezone)
