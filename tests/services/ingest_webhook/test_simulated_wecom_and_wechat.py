"""What the simulator, written from the providers' pages alone, tells us, and what we make of it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from schemas.topics.provider_events import (
    MessageReceived,
    NoticeReceived,
    ProviderEvent,
    StatusReported,
)
from tests.eventually import eventually, seconds
from tests.services.ingest_webhook.ingesters import (
    RunningIngester,
    events_in_kafka,
    start_ingester,
    stop_ingester,
)
from tests.services.ingest_webhook.tencent_callers import WECHAT, WECOM
from tests.simulators import RunningSimulator, start_simulator

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

FORGERIES = (
    *("wrong_signature", "missing_signature", "stale", "entity_bomb", "large_body"),
    *("changed_text", "foreign_receiver", "truncated_base64", "pad_0", "pad_33", "sealed_bomb"),
)
CONTACT, GROUP, TAG = "change_external_contact", "change_external_chat", "change_external_tag"
EVENTS = (
    *((CONTACT, change) for change in ("add_external_contact", "del_follow_user")),
    *((GROUP, change) for change in ("create", "update", "dismiss")),
    *((TAG, change) for change in ("create", "shuffle")),
    *(("low_active_alert", None), ("of_the_future", None)),
)

each_form = pytest.mark.parametrize("form", ["xml", "json"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[RunningSimulator]:
    """Return a simulator whose company and mini-program call nobody yet."""
    logs = tmp_path_factory.mktemp("simulator")
    running = await asyncio.to_thread(start_simulator, {"SIM_PROFILE": "perfect"}, logs)
    yield running
    await asyncio.to_thread(running.process.terminate)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingester(
    simulator: RunningSimulator, clean_topics: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningIngester]:
    """Return an ingester that knows their tokens and keys, and is registered with both."""
    logs: Path = tmp_path_factory.mktemp("ingester")
    running = await start_ingester(clean_topics, apps_of(simulator), logs)
    for channel, path in (("wecom", WECOM), ("wechat", WECHAT)):
        url = f"http://127.0.0.1:{running.port}{path}"
        answer = await order(simulator, f"/{channel}/verification", url=url)
        assert answer == {"verified": True, "problem": None}
    yield running
    await stop_ingester(running)


def apps_of(simulator: RunningSimulator) -> dict[str, str]:
    """Return the settings of an ingester that also hears the mini-program in plain."""
    chats = simulator.chats
    served = chats.service_environment(simulator.provider.url)
    plain = {"appId": chats.app_id, "token": chats.wechat_token}
    apps = [*json.loads(served["WECHAT_CALLBACK_APPS"]), plain]
    return served | {"WECHAT_CALLBACK_APPS": json.dumps(apps)}


async def order(simulator: RunningSimulator, path: str, **body: object) -> dict[str, Any]:
    return await asyncio.to_thread(simulator.provider.order, path, body)


async def set_knobs(simulator: RunningSimulator, **knobs: object) -> None:
    named = {name.replace("_", ".", 1): value for name, value in knobs.items()}
    await asyncio.to_thread(simulator.provider.set_knobs, named)


async def heard_after(
    simulator: RunningSimulator, ingester: RunningIngester
) -> Sequence[ProviderEvent]:
    """Return all that ever came, once the simulator has been answered on everything."""
    await order(simulator, "/flush")

    async def is_told() -> bool:
        verdict = await asyncio.to_thread(simulator.provider.verdict)
        return verdict.pending_callbacks == 0

    await eventually(is_told, within=seconds(20))
    return await events_in_kafka(ingester.bootstrap)


@each_form
async def test_what_members_write_and_press_is_understood(
    simulator: RunningSimulator, ingester: RunningIngester, form: str
) -> None:
    await set_knobs(simulator, wx_cb_format=form)
    texts = {"确认": "confirm", " “修改”。": "modify", "x ]]> & <y>": None}
    person, task = f"writer-{form}", f"task-{form}"

    ids = {
        text: (await order(simulator, "/wecom/inbound", **{"from": person, "text": text}))["id"]
        for text in texts
    }
    for key in ("confirm", "modify"):
        await order(
            simulator,
            "/wecom/clicks",
            **{"from": person, "key": key, "task_id": task},
            selected={"q": ["a", "b"]},
        )

    heard = await heard_after(simulator, ingester)
    mine = [e for e in heard if isinstance(e, MessageReceived) and e.author == person]
    written = {e.provider_message_id: e for e in mine if e.message_type == "text"}
    corp = simulator.chats.corp_id
    for text, choice in texts.items():
        event = written[f"{corp}:{ids[text]}"]
        assert (event.content, event.choice) == ({"body": text}, choice)
        assert event.sender_id == f"{corp}.{simulator.chats.agent_id}"
    pressed = {e.choice: e for e in mine if e.message_type == "button"}
    assert set(pressed) == {"confirm", "modify"}
    assert {e.about for e in pressed.values()} == {task}
    assert all(e.content["selected"] == {"q": ["a", "b"]} for e in pressed.values())


@each_form
async def test_each_event_of_a_company_is_kept_in_its_words(
    simulator: RunningSimulator, ingester: RunningIngester, form: str
) -> None:
    await set_knobs(simulator, wx_cb_format=form)

    for event, change in EVENTS:
        await order(simulator, "/wecom/events", event=event, change=change, fields={"Form": form})
    await order(simulator, "/wecom/kf", **{"from": f"wm-{form}", "text": "确认"})

    heard = await heard_after(simulator, ingester)
    notices = [e for e in heard if isinstance(e, NoticeReceived) and e.channel == "wecom"]
    kinds = {e.kind for e in notices if e.content.get("Form") == form}
    assert kinds == {".".join(filter(None, words)) for words in EVENTS}
    assert "kf_msg_or_event" in {e.kind for e in notices}


@each_form
@pytest.mark.parametrize("mode", ["plain", "safe"])
async def test_what_wechat_pushes_is_understood(
    simulator: RunningSimulator, ingester: RunningIngester, form: str, mode: str
) -> None:
    await set_knobs(simulator, wc_push_format=form, wc_push_mode=mode)
    person = f"o-{form}-{mode}"

    said = await order(
        simulator, "/wechat/inbound", **{"from": person, "text": "修改", "menu_id": "102"}
    )
    sent = "subscribe_msg_sent_event"
    await order(simulator, "/wechat/events", **{"event": sent, "from": person, "entries": 2})
    await order(
        simulator,
        "/wechat/events",
        **{"event": sent, "from": person, "error_code": 43101, "error_status": person},
    )
    popup = "subscribe_msg_popup_event"
    await order(simulator, "/wechat/events", **{"event": popup, "from": person, "entries": 2})

    heard = await heard_after(simulator, ingester)
    app_id = simulator.chats.app_id
    messages = {e.provider_message_id: e for e in heard if isinstance(e, MessageReceived)}
    message = messages[f"{app_id}:{said['id']}"]
    assert (message.author, message.choice, message.about) == (person, "modify", "102")
    failures = [e.failure for e in heard if isinstance(e, StatusReported) and e.failure]
    assert [f.provider_code for f in failures if f.detail == person] == ["43101"]
    notices = [e for e in heard if isinstance(e, NoticeReceived) and e.about == person]
    assert [e.kind for e in notices] == [popup] * 2


@each_form
@pytest.mark.parametrize("kind", FORGERIES)
@pytest.mark.parametrize("channel", ["wecom", "wechat"])
async def test_whatever_is_forged_is_refused(
    simulator: RunningSimulator, ingester: RunningIngester, channel: str, kind: str, form: str
) -> None:
    await set_knobs(simulator, wx_cb_format=form, wc_push_format=form, wc_push_mode="safe")
    before = len(await events_in_kafka(ingester.bootstrap))

    made = await order(simulator, f"/{channel}/hostile", kind=kind)

    assert len(await heard_after(simulator, ingester)) == before
    told = await asyncio.to_thread(simulator.provider.callbacks, provider=channel)
    (pushed,) = [each for each in told if each["number"] == made["callback"]]
    # Who sends far too much may find the connection closed before it has read our answer.
    refusals = {"sealed_bomb": {400}, "large_body": {413, 0}}.get(kind, {403})
    assert {attempt["status"] for attempt in pushed["attempts"]} <= refusals
