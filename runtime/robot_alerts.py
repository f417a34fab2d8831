"""Alerts that a WeCom robot says in the group of whoever is on duty (NF-08, IM-54, WX 11).

They go through the pipeline like any message. They hold no content of messages, and no addresses.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.identity import MessageId
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import SendRequested

Language = Literal["zh", "en"]

CHANNEL: Final = "wecom"
ROBOTS: Final = "robots"
"""The sending account of all robots."""


class AlertSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    alert_robot: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    """The name in WECOM_ROBOTS of the robot that tells of failed pushes (NF-08) and of senders that
    cannot send (IM-54). Empty: none."""
    notice_language: Language = "zh"
    """Of notices and alerts."""


def alert(message_id: MessageId, text: str, settings: AlertSettings, at: datetime) -> SendRequested:
    """Return the request to say it; who asks has seen that there is a robot."""
    return SendRequested(
        message_id=message_id,
        channel=CHANNEL,
        sender_id=ROBOTS,
        recipient=f"robot:{settings.alert_robot}",
        content=TextContent(body=text),
        requested_at=at,
        priority="high",
    )
