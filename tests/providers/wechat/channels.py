"""The channel under test, and an ordinary notification for it."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from domain.identity import MessageId, SenderId
from providers.contract import Message
from providers.tencent.shared_tokens import SharedTokens
from providers.wechat.api_settings import WechatApiSettings, WechatApp
from providers.wechat.channel import WechatChannel
from runtime.media import MediaSettings, open_store
from schemas.topics.contents import NotificationContent
from simulator.wechat.templates import PREVIEW
from tests.given import a_message_id
from tests.simulator.product import Product
from tests.simulator.pushes import APP_ID, WECHAT_SECRET

USER = "oSimulatedUser00000000000001"
OTHER_USER = "oSimulatedUser00000000000002"
DATA = {"thing1": "Course reminder", "time2": "2025-06-10 18:00", "phrase3": "待确认"}

PATIENCE = timedelta(seconds=20)
"""Far beyond what any answer of these tests takes, however busy the machine."""


@asynccontextmanager
async def a_channel(
    url: str,
    media: Path,
    *,
    secret: str = WECHAT_SECRET,
    answer_within: timedelta = PATIENCE,
    shared: SharedTokens | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[WechatChannel]:
    """Return the channel to a simulator's address."""
    settings = WechatApiSettings(
        wechat_apps=(WechatApp(app_id=APP_ID, secret=SecretStr(secret)),),
        wechat_api_base_url=f"{url}/wechat",
        wechat_answer_within=answer_within,
    )
    store = open_store(MediaSettings(media_store_url=media.as_uri()))
    channel = WechatChannel(settings, store, shared, clock=clock)
    try:
        yield channel
    finally:
        await channel.close()


def a_notification(**what_matters: Any) -> NotificationContent:  # noqa: ANN401 - any field
    """Return what is told of a preview."""
    ordinary: dict[str, Any] = {"template_id": PREVIEW, "data": DATA}
    return NotificationContent(**(ordinary | what_matters))


def a_message(**what_matters: Any) -> Message:  # noqa: ANN401 - any field of the message
    """Return a notification to one person."""
    ordinary: dict[str, Any] = {
        "message_id": MessageId(a_message_id()),
        "sender_id": SenderId(APP_ID),
        "recipient": USER,
        "content": a_notification(),
    }
    return Message(**(ordinary | what_matters))


async def accepted_by(provider: Product, user: str = USER) -> int:
    listed = await provider.order("GET", f"ledger/messages?recipient={user}&limit=10000")
    return listed.body["total"]
