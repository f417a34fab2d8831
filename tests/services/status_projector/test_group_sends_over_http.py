"""What people are told of group sends: all of them, one, and its customers (GS-07, GS-08)."""

from datetime import timedelta
from operator import itemgetter
from typing import Any

import pytest
from fastapi import FastAPI
from msgspec import structs

from runtime.auth import Permission
from schemas.topics.task_changes import GroupSendChanged, GroupSendStatus
from tests.callers import of_tenant
from tests.given import NOON, SENDER
from tests.services.status_projector.asking import Asker, asking
from tests.services.status_projector.facts import Projector, Record
from tests.services.status_projector.group_sends import GroupSend

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SENDS = "/api/v1/workbench/group-send/tasks"


def apply(projector: Projector, *records: Record) -> None:
    projector.apply([projector.heard(record) for record in records])


def changed(
    send: GroupSend,
    sequence: int,
    status: GroupSendStatus,
    **fields: Any,  # noqa: ANN401 - any field
) -> GroupSendChanged:
    return GroupSendChanged(
        group_send_id=send.id,
        to_status=status,
        sequence=sequence,
        targets=len(send.targets),
        updated_at=NOON + timedelta(seconds=sequence),
        tenant_id=send.tenant_id,
        **fields,
    )


async def test_a_group_send_tells_what_it_says_and_what_became_of_each_customer(
    projector: Projector, ask: Asker
) -> None:
    send = GroupSend(tenant_id="gs-detail")
    apply(projector, changed(send, 1, GroupSendStatus.PENDING, due_at=NOON))
    apply(projector, changed(send, 2, GroupSendStatus.PROCESSING), send.request())
    apply(projector, send.life.started(), send.accepted(), send.reported())
    apply(projector, send.result(0, "sent"), send.result(1, "failed"))

    told = await ask.data(f"{SENDS}/{send.id}")

    update = told.pop("updateTime")
    told["results"].sort(key=itemgetter("customerId"))
    assert update > "2026-03-02T12:00:02"
    assert told == {
        "groupSendTaskId": send.id,
        "taskName": None,
        "senderAccount": {"accountId": SENDER, "accountName": None},
        "messageContent": {"type": "TEXT", "data": {"text": "Hello"}},
        "target": None,
        "targetCount": 3,
        "successCount": 1,
        "failedCount": 1,
        "pendingCount": 1,
        "percent": 66.7,
        "status": "PROCESSING",
        "reason": None,
        "scheduledTime": None,
        "createTime": "2026-03-02T12:00:01.000Z",
        "results": [
            customer(10_000, "SUCCESS"),
            customer(10_001, "FAILED", "Recipient phone number is invalid."),
            customer(10_002, "PENDING"),
        ],
        "nextCursor": None,
    }
    steps = await ask.data(f"{SENDS}/{send.id}/history")
    assert [step["toStatus"] for step in steps] == ["PENDING", "PROCESSING"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ((), "PENDING"),
        (("sent",), "PROCESSING"),
        (("sent", "sent"), "COMPLETED"),
        (("sent", "failed"), "PARTIAL_SUCCESS"),
        (("failed", "failed"), "FAILED"),
    ],
)
async def test_where_nobody_told_of_it_its_messages_do(
    projector: Projector, ask: Asker, said: tuple[str, ...], status: str
) -> None:
    send = GroupSend(customers=2)
    apply(projector, send.request(), *[send.result(n, word) for n, word in enumerate(said)])

    told = await ask.data(f"{SENDS}/{send.id}")

    assert (told["status"], told["targetCount"]) == (status, 2)
    assert told["createTime"] == "2026-03-02T12:00:00.000Z"


async def test_the_list_is_filtered_and_comes_in_pages_newest_first(
    projector: Projector, app: FastAPI
) -> None:
    sends = [GroupSend(tenant_id="gs-list") for _ in range(3)]
    for hour, send in enumerate(sends):
        change = changed(send, 1, GroupSendStatus.PENDING)
        apply(projector, structs.replace(change, updated_at=NOON + timedelta(hours=hour)))
    apply(projector, changed(sends[0], 2, GroupSendStatus.FAILED))

    async with asking(app, of_tenant("gs-list")) as ask:
        first = await ask.data(SENDS, size=2)
        second = await ask.data(SENDS, size=2, page=2)
        failed = await ask.data(SENDS, status="FAILED")
        early = await ask.data(SENDS, endTime="2026-03-02T13:30:00Z", order="asc")
        named = await ask.data(SENDS, taskName="spring")
        file = await ask.client.get(SENDS, headers={"Accept": "text/csv"})

    assert ids(first) == [sends[2].id, sends[1].id]
    assert (first["total"], first["size"], first["current"], first["pages"]) == (3, 2, 1, 2)
    assert ids(second) == [sends[0].id]
    assert ids(failed) == [sends[0].id]
    assert ids(early) == [sends[0].id, sends[1].id]
    assert (named["records"], named["total"], named["pages"]) == ([], 0, 0)
    lines = file.text.splitlines()
    assert lines[0].startswith("\N{ZERO WIDTH NO-BREAK SPACE}groupSendTaskId,taskName,")
    assert [line.split(",")[0] for line in lines[1:]] == [str(send.id) for send in sends[::-1]]


async def test_customers_come_in_pages_by_status_and_as_a_file(
    projector: Projector, ask: Asker
) -> None:
    send = GroupSend(customers=5)
    results = [send.result(n, "failed" if n == 3 else "sent") for n in range(4)]
    apply(projector, send.request(), send.life.started(), *results)
    path = f"{SENDS}/{send.id}/results"

    first = await ask.data(path, limit=3)
    second = await ask.data(path, limit=3, cursor=first["nextCursor"])
    under_way = await ask.data(path, status="PENDING")
    file = (await ask.get(f"{path}/export", status="FAILED")).text

    found = [one["customerId"] for one in first["items"] + second["items"]]
    assert (len(first["items"]), sorted(found)) == (3, [10_000, 10_001, 10_002, 10_003, 10_004])
    assert second["nextCursor"] is None
    assert under_way["items"] == [customer(10_004, "PENDING")]
    assert file.splitlines()[1:] == ["10003,,FAILED,Recipient phone number is invalid."]


async def test_another_tenants_group_sends_do_not_exist(projector: Projector, app: FastAPI) -> None:
    told, untold = GroupSend(tenant_id="gs-mine"), GroupSend(tenant_id="gs-mine")
    apply(projector, changed(told, 1, GroupSendStatus.PENDING), untold.request())
    endings = ("", "/history", "/results", "/results/export")

    async with asking(app, of_tenant("gs-others")) as other:
        for send in (told, untold):
            for ending in endings:
                assert (await other.get(f"{SENDS}/{send.id}{ending}")).status_code == 404
        assert (await other.data(SENDS))["records"] == []
    async with asking(app, of_tenant("gs-mine", Permission.GROUP_SEND_TASKS_VIEW)) as lister:
        assert len((await lister.data(SENDS))["records"]) == 2
        assert (await lister.get(f"{SENDS}/{told.id}")).status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [("/1", 404), ("/0", 400), ("/x", 400), ("?page=0", 400), ("?status=done", 400)],
)
async def test_what_cannot_be_is_refused_in_the_familys_shape(
    ask: Asker, path: str, status: int
) -> None:
    answer = await ask.client.get(SENDS + path)

    assert answer.status_code == status
    assert answer.json()["code"] == status


def customer(number: int, status: str, error: str | None = None) -> dict[str, Any]:
    return {
        "customerId": number,
        "customerName": None,
        "status": status,
        "errorMessage": error,
    }


def ids(page: dict[str, Any]) -> list[int]:
    return [record["groupSendTaskId"] for record in page["records"]]
