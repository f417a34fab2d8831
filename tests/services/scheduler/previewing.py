"""Tasks that are previewed, previews that are asked for, and answers to them."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
import sqlalchemy as sa
from PIL import Image

from domain.answers import Choice
from domain.tasks import PushContent, content_hash
from schemas.topics.provider_events import MessageReceived
from schemas.topics.send_requests import SendRequested
from simulator.wechat.templates import PREVIEW
from tests.given import a_message_received
from tests.services.scheduler.schedulers import Tail

PATH: Final = "/api/preview"
MEDIA: Final = "/api/v1/media"
APP: Final = "wx5a1b2c3d4e5f6072"
OPENID: Final = "oSimulatedUser00000000000001"
OTHER: Final = "oSimulatedUser00000000000002"
LINK_KEY: Final = "the tests' own key of links and nobody else's"
TEXT: Final = "周一课程提醒\n请带好课本 📚"

SETTINGS: Final = {
    "WECHAT_APP_ID": APP,
    "PREVIEW_TEMPLATE_ID": PREVIEW,
    "PREVIEW_TEMPLATE_DATA": msgspec.json.encode(
        {"thing1": "{text}", "time2": "{time}", "phrase3": "待确认"}
    ).decode(),
    "LINK_SIGNING_KEYS": LINK_KEY,
    "PUBLIC_URL": "https://in.example.com",
}
"""What a scheduler needs to send previews."""


def a_task(engine: sa.Engine, *, tenant_id: str | None = None, text: str = TEXT) -> str:
    """Enter a draft; return its id."""
    task_id, now = str(uuid4()), datetime.now(UTC)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                """
                INSERT INTO t_tasks (task_id, name, schedule_type, schedule_time, content_text,
                    groups, creator_id, preview_recipients, created_at, updated_at, tenant_id,
                    timezone, content_hash)
                VALUES (:task_id, '周一课程', 'once', '2030-06-10 10:00Z', :text, '["g1"]', '1',
                    '[]', :now, :now, :tenant_id, 'Asia/Shanghai', :hash)
                """
            ),
            {
                "task_id": task_id,
                "text": text,
                "now": now,
                "tenant_id": tenant_id,
                "hash": content_hash(PushContent(text=text)),
            },
        )
    return task_id


async def ask(
    client: httpx.AsyncClient,
    task_id: str,
    *,
    language: str = "zh-CN",
    **what_matters: Any,  # noqa: ANN401 - any field
) -> httpx.Response:
    """Ask for a preview to one person."""
    body = {"taskId": task_id, "content": {"text": TEXT}, "recipients": [OPENID]} | what_matters
    return await client.post(PATH, json=body, headers={"Accept-Language": language})


async def sent(client: httpx.AsyncClient, task_id: str, **what_matters: Any) -> str:  # noqa: ANN401 - the same
    """Send a preview; return its id."""
    answer = await ask(client, task_id, **what_matters)
    assert answer.status_code == 200, answer.text
    assert answer.json()["validation"] == {"isValid": True, "errors": []}
    return answer.json()["previewId"]


def an_answer(choice: Choice = Choice.CONFIRM, **what_matters: Any) -> MessageReceived:  # noqa: ANN401 - the same
    """Return what one of those asked wrote to the mini-program."""
    ordinary: dict[str, Any] = {
        "channel": "wechat",
        "sender_id": APP,
        "author": OPENID,
        "choice": choice,
        "occurred_at": datetime.now(UTC),
    }
    return a_message_received(**(ordinary | what_matters))


def a_picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **how: Any) -> bytes:  # noqa: ANN401 - Pillow's
    """Return a picture's bytes."""
    out = BytesIO()
    Image.effect_mandelbrot(size, (-3, -2.5, 2, 2.5), 20).convert("RGB").save(out, kind, **how)
    return out.getvalue()


async def bring(
    client: httpx.AsyncClient, data: bytes, name: str = "a.png", **fields: str
) -> httpx.Response:
    """Bring a file in."""
    return await client.post(MEDIA, files={"file": (name, data)}, data=fields)


def a_user(database: sa.Engine, wechat_id: str, *, openid: str | None) -> str | None:
    """Enter a user without permissions; return the openid."""
    with database.begin() as connection:
        connection.execute(
            sa.text(
                """
                WITH role AS (
                    INSERT INTO roles (name, permissions, created_at)
                    VALUES (:wechat_id, '{}', now()) RETURNING role_id
                )
                INSERT INTO users (wechat_id, openid, name, role_id, created_at)
                SELECT :wechat_id, :openid, 'Somebody', role_id, now() FROM role
                """
            ),
            {"wechat_id": wechat_id, "openid": openid},
        )
    return openid


async def asked_of(requests: Tail[SendRequested], openid: str) -> list[SendRequested]:
    """Return what was asked to be sent to somebody."""
    return [one for one in await requests.read() if one.recipient == openid]
