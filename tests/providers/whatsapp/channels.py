"""The channel under test, and an ordinary message for it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from domain.identity import MessageId, SenderId
from domain.outcomes import Reply
from providers.contract import Message
from providers.whatsapp.client import WhatsAppChannel
from providers.whatsapp.settings import WhatsAppSettings
from runtime.media import MediaStore
from schemas.topics.contents import TextContent
from tests.given import RECIPIENT, SENDER, a_message_id
from tests.providers.whatsapp.wire import Answer, a_wire

TOKEN = "EAAG-the-token-that-nobody-may-see"

PATIENCE = timedelta(seconds=20)
"""Far beyond what any answer of these tests takes, however busy the machine."""


@asynccontextmanager
async def a_channel(
    url: str,
    *,
    token: str = TOKEN,
    answer_within: timedelta = PATIENCE,
    store: MediaStore | None = None,
    **settings: Any,  # noqa: ANN401 - any setting
) -> AsyncGenerator[WhatsAppChannel]:
    """Return the channel to that address."""
    chosen = settings_for(url, token=token, answer_within=answer_within, **settings)
    channel = WhatsAppChannel(chosen, store)
    try:
        yield channel
    finally:
        await channel.close()


def settings_for(
    url: str,
    *,
    token: str = TOKEN,
    answer_within: timedelta = PATIENCE,
    **settings: Any,  # noqa: ANN401 - any setting
) -> WhatsAppSettings:
    """Return settings that lead to that address."""
    return WhatsAppSettings(
        whatsapp_api_base_url=url,
        whatsapp_access_token=SecretStr(token),
        whatsapp_connect_within=min(answer_within / 2, timedelta(seconds=5)),
        whatsapp_answer_within=answer_within,
        **settings,
    )


def a_message(**what_matters: Any) -> Message:  # noqa: ANN401 - any field of the message
    """Return a text to one person."""
    ordinary: dict[str, Any] = {
        "message_id": MessageId(a_message_id()),
        "sender_id": SenderId(SENDER),
        "recipient": RECIPIENT,
        "content": TextContent(body="Hi Ada, your order A-17 is ready for pickup."),
    }
    return Message(**(ordinary | what_matters))


def an_error(code: object, **more: object) -> bytes:
    """Return the body of a Graph error."""
    return json.dumps({"error": {"code": code, "message": "Title", **more}}).encode()


async def answered_by(answer: Answer, *, answer_within: timedelta = PATIENCE) -> Reply:
    """Return what a send ends in that is answered so."""
    async with (
        a_wire(answer) as wire,
        a_channel(wire.url, answer_within=answer_within) as channel,
    ):
        return await channel.send(a_message())
