"""What people did in the console reaches analytics; a bad event costs only itself (IM-50)."""

from typing import Any

import pytest

from runtime.callers import Permission
from runtime.clock import now
from schemas.topics.tracking_events import TRACKING_EVENTS, TrackedEvent
from tests.callers import of_tenant, signed_in
from tests.given import a_message_id
from tests.services.scheduler.schedulers import RunningScheduler, tail_of

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

EVENTS = "/api/v1/analytics/events"
POLLED = {"type": "status_polling_success", "messageId": "msg_1", "pollingCount": 3}
EACH = [
    POLLED,
    {"type": "status_polling_failure", "errorMessage": "Network unreachable"},
    {"type": "message_retry_click", "messageId": "msg_1", "failureReason": "Not reached."},
    {"type": "message_retry_success", "originalMessageId": "msg_1", "newMessageId": "msg_2"},
]


async def test_each_event_reaches_its_topic_with_who_and_when(
    scheduler: RunningScheduler, clean_topics: str
) -> None:
    tail = await tail_of(TRACKING_EVENTS, clean_topics)
    caller = of_tenant("t", Permission.EVENTS_TRACK)

    answer = await scheduler.client.post(EVENTS, json={"events": EACH}, headers=signed_in(caller))
    found = await tail.read()
    await tail.consumer.stop()

    assert answer.status_code == 202
    assert answer.json() == {
        "code": 202,
        "message": "success",
        "data": {"accepted": 4, "refused": []},
    }
    assert {type(event) for event in found} == set(TrackedEvent.__args__)
    assert {(event.user_id, event.tenant_id) for event in found} == {(caller.user_id, "t")}


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"type": "message_status_update", "messageId": "msg_1"}, "type"),
        ({"type": "click"}, "type"),
        ({}, "type"),
        ("text", "event"),
        ({**POLLED, "pollingCount": 0}, "pollingCount"),
        ({**POLLED, "messageId": "a b"}, "messageId"),
        ({"type": "status_polling_success", "messageId": "msg_1"}, "pollingCount"),
        ({**POLLED, "userId": "somebody else"}, "userId"),
        ({**POLLED, "colour": "red"}, "colour"),
        ({**POLLED, "id": ""}, "id"),
        ({**POLLED, "at": "yesterday"}, "at"),
        ({**POLLED, "at": "1999-01-01T00:00:00Z"}, "at"),
        ({"type": "status_polling_failure", "errorMessage": "a\0b"}, "errorMessage"),
    ],
)
async def test_a_bad_event_is_named_and_its_neighbours_are_taken(
    scheduler: RunningScheduler,
    event: Any,  # noqa: ANN401 - any JSON
    field: str,
) -> None:
    answer = await scheduler.client.post(EVENTS, json={"events": [POLLED, event, POLLED]})

    data = answer.json()["data"]
    assert answer.status_code == 202
    assert data["accepted"] == 2
    assert [(one["index"], one["field"]) for one in data["refused"]] == [(1, field)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": []}, "events"),
        ({"events": [POLLED] * 501}, "events"),
        ({}, "events"),
        ({"events": [POLLED], "more": 1}, "more"),
    ],
)
async def test_a_body_that_is_none_is_refused_as_a_whole(
    scheduler: RunningScheduler,
    body: Any,  # noqa: ANN401 - any JSON
    field: str,
) -> None:
    answer = await scheduler.client.post(EVENTS, json=body)

    assert answer.status_code == 400
    assert answer.json()["data"] == {"field": field}


async def test_an_event_that_is_told_again_carries_the_same_id(
    scheduler: RunningScheduler, clean_topics: str
) -> None:
    tail = await tail_of(TRACKING_EVENTS, clean_topics)
    event = {**POLLED, "messageId": a_message_id(), "at": now().isoformat()}

    for _ in range(2):
        await scheduler.client.post(EVENTS, json={"events": [event, {**event, "id": "mine"}]})
    found = await tail.read()
    await tail.consumer.stop()

    ids = [one.event_id for one in found]
    assert ids[:2] == ids[2:]
    assert ids[1] == "mine"


async def test_whoever_may_not_track_is_refused(scheduler: RunningScheduler) -> None:
    headers = signed_in(of_tenant("t", Permission.MESSAGES_VIEW))

    answer = await scheduler.client.post(EVENTS, json={"events": [POLLED]}, headers=headers)

    assert answer.status_code == 403
