"""Messages for WeCom, and the channel under test; the arguments are what matters to a test."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from domain.identity import MessageId, SenderId
from providers.contract import Message
from providers.wecom.api_settings import WecomApp, WecomRobot, WecomSendSettings
from providers.wecom.channel import WecomChannel
from runtime.media import MediaSettings, MediaStore, open_store
from schemas.topics.contents import GroupSendContent, TextContent
from tests.given import a_message_id

CORP, AGENT = "ww5a1b2c3d4e5f6071", "1000002"
SENDER = f"{CORP}.{AGENT}"
SECRET, KEY = "the-secret-of-an-app", "the-key-of-a-robot"
MEMBER = "zhangsan"
CUSTOMER = "wmqfasd1e1927831123109rBAAAA"

APP = WecomApp(corp_id=CORP, agent_id=AGENT, secret=SecretStr(SECRET), customer_contact=True)
ROBOT = WecomRobot(name="ops", key=SecretStr(KEY))

PATIENCE = timedelta(seconds=20)
"""Far beyond what any answer of these tests takes, however busy the machine."""


def a_message(**what_matters: Any) -> Message:  # noqa: ANN401 - any field of the message
    """Return a text to one member."""
    ordinary: dict[str, Any] = {
        "message_id": MessageId(a_message_id()),
        "sender_id": SenderId(SENDER),
        "recipient": MEMBER,
        "content": TextContent(body="您的订单已发货。"),
    }
    return Message(**(ordinary | what_matters))


def a_group_send(**what_matters: Any) -> Message:  # noqa: ANN401 - any field of the content
    """Return a text to one customer."""
    ordinary: dict[str, Any] = {"targets": (CUSTOMER,), "member": MEMBER, "text": "春季特惠"}
    content = GroupSendContent(**(ordinary | what_matters))
    return a_message(recipient="spring", content=content)


def settings_for(url: str, **what_matters: Any) -> WecomSendSettings:  # noqa: ANN401 - any setting
    """Return settings with one app and one robot, which lead to that address."""
    ordinary: dict[str, Any] = {
        "wecom_api_base_url": url,
        "wecom_apps": (APP,),
        "wecom_robots": (ROBOT,),
        "wecom_answer_within": PATIENCE,
    }
    return WecomSendSettings(**(ordinary | what_matters))


def a_store(directory: Path) -> MediaStore:
    """Return an empty media store."""
    return open_store(MediaSettings(media_store_url=directory.as_uri()))


async def keep(store: MediaStore, key: str, data: bytes) -> None:
    """Put a file into a store."""

    async def pieces() -> AsyncIterator[bytes]:
        yield data

    await store.put(key, pieces())


@asynccontextmanager
async def a_channel(
    settings: WecomSendSettings, store: MediaStore, clock: Callable[[], float] = time.monotonic
) -> AsyncGenerator[WecomChannel]:
    """Return the channel."""
    channel = WecomChannel(settings, store, clock=clock)
    try:
        yield channel
    finally:
        await channel.close()
