from typing import Any

import httpx
import pytest

from runtime.auth import Caller, Permission
from tests.callers import signed_in
from tests.eventually import eventually
from tests.given import SENDER
from tests.services.status_projector.facts import Life
from tests.services.status_projector.projectors import SOON, RunningProjector, Writer

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


VIEWER = signed_in(Caller("ada", None, frozenset({Permission.MESSAGES_VIEW})))
WITHOUT = signed_in(Caller("ada", None, frozenset()))


async def test_who_may_view_messages_is_told_everything(
    running: RunningProjector, writer: Writer
) -> None:
    life = Life()
    path = f"/api/v1/im/messages/{life.message_id}/explain"

    async def comes_to(status: str) -> dict[str, Any]:
        async def told() -> dict[str, Any] | None:
            answer = await running.client.get(path, headers=VIEWER)
            data = answer.json().get("data")
            return data if data and data["status"] == status else None

        return await eventually(told, within=SOON) or {}

    # Known first: of what comes before its request, the explanation tells otherwise.
    await writer.write([life.request()])
    await comes_to("pending")
    await writer.write([life.started(), life.accepted()])

    found = await comes_to("sent")

    assert found["asked"]["publishedBy"] == "/test"
    assert len(found["traceId"]) == 32
    assert [step["kind"] for step in found["steps"]] == [
        "send.requested",
        "status.changed",
        "status.changed",
    ]
    async with httpx.AsyncClient(base_url=running.url, trust_env=False) as stranger:
        assert (await stranger.get(path)).status_code == 401
        assert (await stranger.get(path, headers=WITHOUT)).status_code == 403


async def test_unknown_messages_and_wrong_questions_are_told_apart(
    running: RunningProjector,
) -> None:
    async def answer(path: str) -> httpx.Response:
        return await running.client.get(f"/api/v1{path}", headers=VIEWER)

    assert (await answer("/im/messages/msg_nobody/explain")).status_code == 404
    assert (await answer("/im/messages/%00/explain")).status_code == 404
    for query in ("olderThan=PT0S", "olderThan=soon", "limit=0", "cursor=mine", "cursor=%ff"):
        refused = await answer(f"/messages/stale?{query}")
        assert refused.status_code == 400, query
        assert query.partition("=")[0] in refused.json()["message"]


async def test_what_is_silent_is_listed_page_by_page(
    running: RunningProjector, writer: Writer
) -> None:
    sender, lives = f"6{SENDER}", [Life() for _ in range(3)]
    await writer.write([life.request(sender_id=sender) for life in lives])
    await writer.write([life.accepted(second) for second, life in enumerate(lives, start=2)])

    async def page(**query: Any) -> dict[str, Any]:  # noqa: ANN401 - a query's values
        wanted = {"sender": f"whatsapp:{sender}", "limit": 2, **query}
        answer = await running.client.get("/api/v1/messages/stale", params=wanted, headers=VIEWER)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def all_three() -> bool:
        return any(one["count"] == 3 for one in (await page())["senders"])

    await eventually(all_three, within=SOON)
    first = await page()
    second = await page(cursor=first["nextCursor"])

    listed = [one["messageId"] for one in first["messages"] + second["messages"]]
    assert listed == [life.message_id for life in lives]
    assert second["nextCursor"] is None
