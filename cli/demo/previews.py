"""How the demo's people answer a preview, by each road that carries an answer (PC-11, CF-27)."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from cli.demo.services import Services
from cli.reading import read_to_end
from deploy.pipeline import Pipeline
from domain.answers import Choice
from runtime.clock import now
from runtime.signed_links import token_for
from schemas.http.previews import PreviewLink, page_url
from schemas.topics.provider_events import PROVIDER_EVENTS, MessageReceived

PREVIEW: Final = "demo-preview"
TASK_NAME: Final = "Orders ready for pickup"
LINK_LASTS: Final = timedelta(days=1)

ARRIVE_WITHIN: Final = timedelta(seconds=20)
LOOK_AGAIN: Final = timedelta(milliseconds=500)

ROADS: Final[Mapping[tuple[str, str], str]] = {
    ("wecom", "button"): "WeCom: a member presses a card's button",
    ("wecom", "text"): "WeCom: a customer writes to the customer service",
    ("wechat", "text"): "WeChat: a user writes to the mini-program",
    ("wechat", "preview_answer"): "WeChat: a user opens the notification's link",
}
"""By the channel and type of the message that the answer becomes."""


def link(world: Pipeline, person: str) -> str:
    """Return the token of this person's link to the preview."""
    secrets = world.secrets
    content = PreviewLink(PREVIEW, "demo-task", TASK_NAME, "wechat", secrets.chats.app_id, person)
    return token_for(content, until=now() + LINK_LASTS, key=secrets.link_key.encode())


def page(world: Pipeline) -> str:
    """Return the address of a page on which nobody has answered yet."""
    return page_url(world.urls["ingest_webhook"], link(world, "you"))


def answer(world: Pipeline, services: Services) -> None:
    """Let a person of each kind confirm."""
    simulator = world.simulator
    simulator.order("/wecom/clicks", {"from": "wang", "key": "confirm", "task_id": PREVIEW})
    simulator.order("/wecom/kf", {"from": "wmLi", "text": "确认"})
    simulator.order("/wechat/inbound", {"from": "oZhang", "text": "确认"})
    services.confirm_preview(
        {"previewId": PREVIEW, "response": Choice.CONFIRM, "token": link(world, "oChen")}
    )


def arrived(world: Pipeline) -> dict[str, int]:
    """Return how many answers came by each road, once all have, or when the time is over."""
    deadline = time.monotonic() + ARRIVE_WITHIN.total_seconds()
    while True:
        events = asyncio.run(_answers(world))
        counts = {road: events[kind] for kind, road in ROADS.items()}
        if all(counts.values()) or time.monotonic() > deadline:
            return counts
        time.sleep(LOOK_AGAIN.total_seconds())


async def _answers(world: Pipeline) -> Counter[tuple[str, str]]:
    records = await read_to_end(world.bootstrap, PROVIDER_EVENTS.name)
    keys = world.topic_keys
    events = (keys.decode(PROVIDER_EVENTS, record) for record in records)
    return Counter(
        (event.channel, event.message_type)
        for event in events
        if isinstance(event, MessageReceived) and event.choice is Choice.CONFIRM
    )
