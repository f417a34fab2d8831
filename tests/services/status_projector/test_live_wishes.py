"""What a client hears of: by what it names, whose it is, and what it may see (IM-29, IM-36)."""

from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from websockets.exceptions import InvalidStatus

from runtime.callers import Permission
from schemas.topics.provider_events import MediaStored
from schemas.topics.task_changes import TASK_CHANGES, JobChanged, JobStatus
from tests.callers import of_tenant, signed_in
from tests.given import NOON, a_message_id, a_status_changed
from tests.services.status_projector.facts import Life
from tests.services.status_projector.listening import event_stream, frames_until
from tests.services.status_projector.projectors import RunningProjector, Writer, frame_from

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


def order(**said: Any) -> str:  # noqa: ANN401 - a client's words
    return msgspec.json.encode(said).decode()


@pytest.mark.parametrize(
    ("parameter", "field"),
    [("conversationId", "conversation_id"), ("contactId", "contact_id"), ("orderId", "order_id")],
)
async def test_a_client_hears_of_what_it_names(
    running: RunningProjector, writer: Writer, parameter: str, field: str
) -> None:
    mine = a_message_id()
    wanted = a_status_changed(**{field: mine})

    async with running.live(f"?{parameter}={mine}") as socket:
        await writer.change([a_status_changed(**{field: "another"}), wanted])
        frame = await frame_from(socket)

    assert frame["data"]["messageId"] == wanted.message_id
    assert frame["data"][parameter] == mine


async def test_a_client_changes_what_it_hears_of_while_it_is_connected(
    running: RunningProjector, writer: Writer
) -> None:
    first, second, last = (a_status_changed(job_id=a_message_id()) for _ in range(3))

    async with running.live("?event=message.status") as socket:
        await socket.send(order(subscribe={"messages": [first.message_id, second.message_id]}))
        assert (await frame_from(socket))["type"] == "subscribed"
        await socket.send(order(unsubscribe={"messages": [first.message_id]}))
        await socket.send(order(subscribe={"jobs": [last.job_id]}))
        assert [(await frame_from(socket))["type"] for _ in range(2)] == ["subscribed"] * 2
        await writer.change([first])
        await writer.change([second])
        heard = {(await frame_from(socket))["data"]["messageId"]}
        await writer.change([last])
        heard |= {(await frame_from(socket))["data"]["messageId"]}

    assert heard == {second.message_id, last.message_id}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("no JSON", "body"),
        (order(subscribe={"jobs": [7]}), "subscribe.jobs[0]"),
        (order(subscribe={"everybody": ["1"]}), "subscribe.everybody"),
        (order(subscribe={"jobs": [str(n) for n in range(1_001)]}), "subscribe"),
    ],
)
async def test_a_wrong_word_of_a_client_is_named_and_changes_nothing(
    running: RunningProjector, writer: Writer, said: str, field: str
) -> None:
    change = a_status_changed()

    async with running.live(f"?messageId={change.message_id}") as socket:
        await socket.send(said)
        error = await frame_from(socket)
        await writer.change([change])
        event = await frame_from(socket)

    assert (error["type"], error["field"]) == ("error", field)
    assert event["data"]["messageId"] == change.message_id


async def test_another_tenants_events_do_not_exist(
    running: RunningProjector, writer: Writer
) -> None:
    contact = a_message_id()
    theirs = a_status_changed(contact_id=contact, tenant_id="theirs")
    nobodys = a_status_changed(contact_id=contact)
    mine = a_status_changed(contact_id=contact, tenant_id="mine")

    async with (
        running.socket("", caller=of_tenant("mine")) as everything,
        running.socket(f"?contactId={contact}", caller=of_tenant("mine")) as named,
    ):
        for socket in (everything, named):
            assert (await frame_from(socket))["type"] == "hello"
        await writer.change([theirs, nobodys])
        await writer.change([mine])
        heard = [await frame_from(socket) for socket in (everything, named)]

    assert [frame["data"]["messageId"] for frame in heard] == [mine.message_id] * 2


async def test_events_that_need_another_permission_are_left_out(
    running: RunningProjector, writer: Writer
) -> None:
    job = a_message_id()
    caller = of_tenant("t", Permission.MESSAGES_VIEW)
    change = a_status_changed(tenant_id="t", job_id=job)

    async with running.socket(f"?jobId={job}", caller=caller) as socket:
        assert (await frame_from(socket))["type"] == "hello"
        await tell_of(writer, job, JobStatus.RUNNING, tenant_id="t")
        await writer.change([change])
        frame = await frame_from(socket)

    assert frame["type"] == "message.status"


async def test_whoever_may_not_see_messages_is_refused(running: RunningProjector) -> None:
    caller = of_tenant("t", Permission.JOBS_VIEW)

    with pytest.raises(InvalidStatus) as refused:
        async with running.socket("", caller=caller):
            pass
    streamed = await running.client.get("/api/v1/im/events", headers={"Authorization": ""})

    assert refused.value.response.status_code == 403
    assert streamed.status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cursor=nonsense!", "cursor"),
        ("event=nothing", "event"),
        ("jobId=", "jobId"),
        ("jobid=job_7", "jobid"),
    ],
)
async def test_a_wrong_parameter_is_named(
    running: RunningProjector, query: str, field: str
) -> None:
    headers = signed_in()
    answer = await running.client.get(f"/api/v1/im/events?{query}", headers=headers)
    with pytest.raises(InvalidStatus) as refused:
        async with running.socket(f"?{query}"):
            pass

    assert answer.json()["data"] == {"field": field}
    assert refused.value.response.status_code == 400


async def test_an_event_stream_tells_the_same_and_goes_on_where_it_ended(
    running: RunningProjector, writer: Writer
) -> None:
    order_id = a_message_id()
    changes = [a_status_changed(order_id=order_id) for _ in range(3)]

    async with event_stream(running, f"?orderId={order_id}") as events:
        assert (await anext(events)).kind == "hello"
        await writer.change(changes[:1])
        first = await anext(events)
    await writer.change(changes[1:2])
    async with event_stream(running, f"?orderId={order_id}", last_event_id=first.id) as events:
        assert (await anext(events)).kind == "hello"
        second = await anext(events)
        await writer.change(changes[2:])
        third = await anext(events)

    heard = [first, second, third]
    assert {event.kind for event in heard} == {"message.status"}
    assert [e.data["data"]["messageId"] for e in heard] == [c.message_id for c in changes]


async def test_a_jobs_last_state_is_told_however_fast_it_changes(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    job, lives = a_message_id(), [Life() for _ in range(200)]
    enter_job(engine, job, total=len(lives))

    async with running.live(f"?jobId={job}&event=job.progress") as socket:
        began = await frames_until(socket, {"processed": 0})
        for start in range(0, len(lives), 20):
            some = lives[start : start + 20]
            await writer.write([one.request(job_id=job) for one in some])
            await writer.write([fact for one in some for fact in (one.started(), one.rejected())])
        frames = await frames_until(socket, {"failedCount": len(lives)})

    assert [frame["type"] for frame in began] == ["job.progress"]
    told = [frame["data"]["processed"] for frame in frames]
    assert told == sorted(told)
    assert len(told) < len(lives)


async def test_a_job_that_moves_is_told_with_its_progress(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    job = a_message_id()
    enter_job(engine, job, total=2)

    async with running.live(f"?jobId={job}") as socket:
        await frames_until(socket, {"jobId": job})
        await tell_of(writer, job, JobStatus.PAUSED)
        frames = [await frame_from(socket) for _ in range(2)]

    assert [frame["type"] for frame in frames] == ["task.status", "job.progress"]
    assert frames[0]["data"]["toStatus"] == "paused"


async def test_an_inbound_message_is_told_once_it_can_be_found(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    life = Life()

    async with running.live("?event=message.inbound") as socket:
        await writer.write([life.inbound()])
        frame = await frame_from(socket)
        stored = row_of(engine, frame["data"]["messageId"])

    data = frame["data"]
    assert frame["type"] == "message.inbound"
    assert (data["type"], data["text"]) == ("text", "Is it ready?")
    assert (data["from"], data["at"]) == ("16505550001", "2026-03-02T12:00:00Z")
    assert stored == ("inbound", data["conversationId"])


async def test_an_inbound_message_belongs_to_whom_its_conversation_does(
    running: RunningProjector, writer: Writer
) -> None:
    ours, answer = Life(), Life()
    request = ours.request(tenant_id="whose", contact_id="ada", order_id="A-17")

    async with (
        running.socket("?contactId=ada", caller=of_tenant("whose")) as theirs,
        running.socket("", caller=of_tenant("another")) as others,
    ):
        for socket in (theirs, others):
            assert (await frame_from(socket))["type"] == "hello"
        await writer.write([request, ours.started()])
        sending = await frame_from(theirs)
        await writer.write([answer.inbound()])
        inbound = await frame_from(theirs)
        change = a_status_changed(tenant_id="another")
        await writer.change([change])
        elsewhere = await frame_from(others)

    assert inbound["type"] == "message.inbound"
    assert inbound["data"]["orderId"] == "A-17"
    assert inbound["data"]["conversationId"] == sending["data"]["conversationId"]
    assert elsewhere["data"]["messageId"] == change.message_id


async def test_a_file_that_came_with_a_message_is_told_with_it_once_it_is_there(
    running: RunningProjector, writer: Writer
) -> None:
    life = Life()
    stored = MediaStored(
        channel="whatsapp",
        provider_message_id=life.provider_id,
        media_id="1",
        key="ab/cd",
        mime_type="image/png",
        size=7,
        sha256="0" * 64,
        file_name="door.png",
        at=NOON,
    )

    async with running.live("?event=message.inbound") as socket:
        await writer.write([life.inbound()])
        before = await frame_from(socket)
        await writer.write([stored])
        after = await frame_from(socket)

    assert before["data"]["fileUrl"] is None
    assert after["data"]["messageId"] == before["data"]["messageId"]
    assert after["data"]["fileUrl"] == "/api/v1/media/ab/cd"
    assert after["data"]["fileName"] == "door.png"


async def test_an_inbound_message_that_was_missed_is_told_to_whoever_comes_back(
    running: RunningProjector, writer: Writer
) -> None:
    first, missed = Life(), Life()

    async with running.live("?event=message.inbound") as socket:
        await writer.write([first.inbound()])
        before = await frame_from(socket)
    await writer.write([missed.inbound()])
    async with running.live(f"?event=message.inbound&cursor={before['cursor']}") as socket:
        after = await frame_from(socket)

    assert after["type"] == "message.inbound"
    assert after["data"]["messageId"] != before["data"]["messageId"]


def row_of(engine: sa.Engine, message_id: str) -> tuple[str, str] | None:
    """Return a message's direction and conversation."""
    statement = sa.text(
        "SELECT message_direction, conversation_id FROM messages WHERE message_id = :id"
    )
    with engine.connect() as connection:
        row = connection.execute(statement, {"id": message_id}).first()
    return None if row is None else (row[0], row[1])


def enter_job(engine: sa.Engine, job: str, *, total: int) -> None:
    """Let the scheduler have a job."""
    statement = sa.text(
        "INSERT INTO jobs (job_id, channel, sender_id, content, status, total, created_at,"
        " started_at) VALUES (:job, 'whatsapp', '1', '{}', 'running', :total, :at, :at)"
    )
    with engine.begin() as connection:
        connection.execute(statement, {"job": job, "total": total, "at": NOON})


async def tell_of(
    writer: Writer, job: str, status: JobStatus, *, tenant_id: str | None = None
) -> None:
    """Publish that the job moved, as the scheduler does."""
    change = JobChanged(
        job_id=job, to_status=status, sequence=2, total=2, updated_at=NOON, tenant_id=tenant_id
    )
    await writer.put([TASK_CHANGES.record(change, source="/test", at=NOON)])
