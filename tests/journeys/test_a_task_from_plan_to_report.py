"""A task is planned, previewed, confirmed, pushed on time, answered and summed up (TP-20)."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.pipeline import Pipeline
from deploy.simulated_provider import NOTICE_TEMPLATE, ROBOT, WORLD
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from simulator.wechat.magic import openid_of
from tests.eventually import eventually, seconds
from tests.services.scheduler.schedulers import Tail, tail_of

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SOON = seconds(60)
OPENID = openid_of(1)
PASSWORD = "a password of the tests' own"
WORDS = "周一晚上六点上课，请带好课本。"  # noqa: RUF001 - Chinese


@dataclass(frozen=True, slots=True)
class Office:
    """Who plans the task: signed in, with the addresses of the services."""

    world: Pipeline
    client: httpx.AsyncClient

    async def ask(self, service: str, method: str, path: str, **what: Any) -> Any:  # noqa: ANN401
        """Return what a service answers; anything but 2xx fails the test."""
        answer = await self.client.request(method, self.world.urls[service] + path, **what)
        assert answer.is_success, answer.text
        return answer.json()


@pytest_asyncio.fixture(loop_scope="module")
async def office(world: Pipeline) -> AsyncGenerator[Office]:
    """Return somebody who has just signed in."""
    administration = world.urls["administration"]
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        roles = await client.get(f"{administration}/api/v1/roles", headers=world.headers)
        (role,) = [one for one in roles.json()["data"]["items"] if one["name"] == "administrator"]
        body = {"wechatId": "ada", "name": "Ada", "roleId": role["id"], "password": PASSWORD}
        made = await client.post(
            f"{administration}/api/v1/users",
            json=body | {"openid": OPENID},
            headers=world.headers,
        )
        assert made.is_success, made.text
        login = {"wechatId": "ada", "password": PASSWORD}
        token = (await client.post(f"{administration}/api/auth/login", json=login)).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        await enter_group(world, client)
        # Each consent is one message: for the reminder and for the result (WX 14.2).
        consent = {"from": OPENID, "template_id": NOTICE_TEMPLATE, "count": 2}
        world.simulator.order("/wechat/consents", consent)
        yield Office(world, client)


@pytest_asyncio.fixture(loop_scope="module")
async def requests(world: Pipeline) -> AsyncGenerator[Tail[SendRequested]]:
    """Return what comes to send-requests during the test."""
    tail = await tail_of(SEND_REQUESTS, world.bootstrap, world.topic_keys)
    yield tail
    await tail.consumer.stop()


async def enter_group(world: Pipeline, client: httpx.AsyncClient) -> None:
    group = {
        "groupId": "course",
        "name": "Course",
        "channel": "wecom",
        "senderId": "robots",
        "recipient": f"robot:{ROBOT}",
        "members": 4,
    }
    url = world.urls["scheduler"] + "/api/groups"
    entered = await client.put(url, json={"groups": [group]})
    assert entered.json() == {"entered": 1}, entered.text


def in_seconds(count: float) -> str:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=count)
    return at.isoformat().replace("+00:00", "Z")


async def planned(office: Office) -> str:
    """Return a draft."""
    body = {
        "name": "周一课程提醒",
        "schedule": {"type": "once", "time": in_seconds(3_600 * 24), "timezone": "Asia/Shanghai"},
        "content": {"text": WORDS},
        "groups": ["course"],
        "priority": "high",
        "status": "draft",
        "previewRecipients": ["ada"],
        "asksFeedback": True,
    }
    return (await office.ask("scheduler", "POST", "/api/tasks", json=body))["taskId"]


async def confirmed(office: Office, task_id: str) -> None:
    """Return once the recipient has written the word, by WeChat's callback."""
    asked = {"taskId": task_id, "content": {"text": WORDS}, "recipients": ["ada"]}
    preview = await office.ask("scheduler", "POST", "/api/preview", json=asked)
    assert preview["validation"] == {"isValid": True, "errors": []}

    await eventually(lambda: arrived(office.world), within=SOON)
    office.world.simulator.order("/wechat/inbound", {"from": OPENID, "text": "确认"})

    async def is_confirmed() -> bool:
        query = {"taskId": task_id}
        shown = await office.ask("scheduler", "GET", "/api/preview", params=query)
        return shown[0]["status"] == "confirmed"

    await eventually(is_confirmed, within=SOON)


async def arrived(world: Pipeline) -> list[dict[str, Any]]:
    """Return what the provider has taken for the recipient."""
    url = f"{world.urls['simulator']}{WORLD}/ledger/messages"
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(url, params={"recipient": OPENID})).json()["items"]


async def notice(office: Office, task_id: str, type_: str) -> dict[str, Any]:
    """Return what stands in one's own list once the service notification was sent, too."""

    async def sent() -> dict[str, Any]:
        mine = await office.ask("scheduler", "GET", "/api/notifications")
        found = [
            one for one in mine["notifications"] if (one["taskId"], one["type"]) == (task_id, type_)
        ]
        assert [(one["deliveryStatus"], one["deliveryError"]) for one in found] == [("sent", None)]
        return found[0]

    return await eventually(sent, within=SOON)


async def push_of(requests: Tail[SendRequested]) -> SendRequested:
    """Return what went to the group."""

    async def found() -> SendRequested | None:
        return next((one for one in await requests.read() if one.contact_id == "course"), None)

    pushed = await eventually(found, within=SOON)
    assert pushed is not None
    return pushed


async def said(office: Office, form: str, content: str) -> None:
    """Fill the form in as a browser does."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as browser:
        page = await browser.get(form)
        assert "周一课程提醒" in page.text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        url = office.world.urls["ingest_webhook"] + "/api/feedback"
        kept = await browser.post(url, data=hidden | {"content": content})
    assert "已收到您的反馈" in kept.text


async def test_a_task_goes_from_its_plan_to_its_report(
    office: Office, requests: Tail[SendRequested]
) -> None:
    task_id = await planned(office)
    path = f"/api/tasks/{task_id}"
    early = await office.client.put(
        office.world.urls["scheduler"] + path, json={"status": "scheduled"}
    )
    assert (early.status_code, early.json()["error"]) == (409, "Preview not confirmed")

    await confirmed(office, task_id)
    due = in_seconds(8)
    submitted = {"status": "scheduled", "schedule": {"time": due}}
    await office.ask("scheduler", "PUT", path, json=submitted)

    reminder = await notice(office, task_id, "reminder")
    assert reminder["content"]["message"].endswith("推送到 1 个群")

    pushed = await push_of(requests)
    assert abs(pushed.requested_at - datetime.fromisoformat(due)) < timedelta(seconds=5)
    assert isinstance(pushed.content, TextContent)
    words, _, form = pushed.content.body.rpartition("\n")
    assert words == WORDS

    result = await notice(office, task_id, "result")
    assert result["content"] == {"message": "已推送到 1 个群", "status": "success", "error": None}

    async def is_shown() -> bool:
        push = await office.ask("status_projector", "GET", f"/api/push/{pushed.job_id}")
        return (push["status"], push["sentGroups"]) == ("completed", ["course"])

    await eventually(is_shown, within=SOON)
    assert (await office.ask("scheduler", "GET", path))["status"] == "completed"

    await said(office, form, "时间太晚，希望早一点")  # noqa: RUF001 - Chinese
    await said(office, form, "时间不合适")

    async def reported() -> dict[str, Any]:
        query = {"taskId": task_id}
        report = await office.ask("scheduler", "GET", "/api/feedback/report", params=query)
        return report if report["feedbackCount"] == 2 else {}

    report = await eventually(reported, within=SOON)
    assert (report["feedbackUsers"], report["recipientsReached"]) == (2, 4)
    assert report["interactionRate"] == 0.5
    assert (report["opinions"][0]["opinion"], report["opinions"][0]["count"]) == ("时间", 2)
