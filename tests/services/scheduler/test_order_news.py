"""POST /api/whatsapp/orders/{orderId}/status: customers hear of their orders (WA-15, IM-47)."""

import asyncio
from typing import Any

import httpx
import pytest

from domain.failures import ErrorCode
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import SendRequested
from schemas.topics.templates import TemplateContent, TextParameter
from services.scheduler.order_words import text_of
from tests.given import SENDER
from tests.services.scheduler.schedulers import RunningScheduler, Tail

PHONE = "+16505550001"

on_a_stack = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    ("status", "news"),
    [
        ("received", "我们已收到您的维修订单，正在安排技术员处理。"),  # noqa: RUF001 - Chinese
        ("in_progress", "您的设备正在维修中，我们会及时更新进度。"),  # noqa: RUF001 - Chinese
        ("completed", "维修已完成！请您前来取件。"),  # noqa: RUF001 - Chinese
        ("ready_for_pickup", "您的设备已准备好取件，营业时间内随时可来。"),  # noqa: RUF001 - Chinese
        ("waiting", "订单状态已更新为：waiting"),  # noqa: RUF001 - Chinese
    ],
)
def test_each_status_has_its_words(status: str, news: str) -> None:
    assert text_of("A-17", status) == TextContent(body=f"订单 #A-17: {news}")


class TestOverHttp:
    """What is accepted and asked for."""

    pytestmark = on_a_stack

    async def test_the_text_is_sent_and_the_template_where_a_text_may_not_be(
        self, scheduler: RunningScheduler, requests: Tail[SendRequested]
    ) -> None:
        answer = await tell(scheduler, "17", status="ready_for_pickup", orderNumber="A-17")

        told = answer.json()
        assert (answer.status_code, told["success"]) == (200, True)
        (request,) = await requests.read()
        assert (request.message_id, request.sender_id) == (told["messageId"], SENDER)
        assert (request.recipient, request.order_id, request.agent_id) == (PHONE, "17", "1")
        assert request.content == text_of("A-17", "ready_for_pickup")
        assert request.fallback is not None
        assert request.fallback.on_errors == (ErrorCode.UNKNOWN_ERROR,)
        assert request.fallback.content == TemplateContent(
            name="order_status_update",
            language="en",
            body=(TextParameter(text="A-17"), TextParameter(text="ready for pickup")),
        )

    async def test_a_customer_without_a_number_is_skipped(
        self, scheduler: RunningScheduler, requests: Tail[SendRequested]
    ) -> None:
        skipped = await tell(scheduler, "18", status="received", whatsappNumber=None)
        after = await tell(scheduler, "19", status="received")

        assert (skipped.status_code, skipped.json()["messageId"]) == (200, None)
        (request,) = await requests.read()
        assert request.message_id == after.json()["messageId"]
        assert request.content == text_of("19", "received")

    async def test_a_key_repeated_tells_once_and_is_not_a_single_sends(
        self, scheduler: RunningScheduler, requests: Tail[SendRequested]
    ) -> None:
        answers = await asyncio.gather(
            *(tell(scheduler, "20", key="20-done", status="completed") for _ in range(3))
        )
        other = await tell(scheduler, "21", key="20-done", status="completed")
        single = await scheduler.send(key="20-done")

        assert len({answer.json()["messageId"] for answer in answers}) == 1
        assert other.status_code == 409
        ids = {request.message_id for request in await requests.read()}
        assert ids == {answers[0].json()["messageId"], single.json()["data"]["messageId"]}

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"status": None}, "status"),
            ({"status": "a\nb"}, "status"),
            ({"orderNumber": "a\tb"}, "orderNumber"),
            ({"whatsappNumber": "12"}, "whatsappNumber"),
            ({"colour": "red"}, "colour"),
        ],
    )
    async def test_a_refusal_names_the_field(
        self, scheduler: RunningScheduler, wrong: dict[str, Any], field: str
    ) -> None:
        answer = await tell(scheduler, "22", **{"status": "received"} | wrong)

        assert answer.status_code == 400
        assert answer.json()["success"] is False
        assert field in answer.json()["message"]


async def tell(
    scheduler: RunningScheduler,
    order_id: str,
    *,
    key: str | None = None,
    **body: Any,  # noqa: ANN401 - any field
) -> httpx.Response:
    """Post the news of an order; None leaves a field out."""
    given = {name: value for name, value in ({"whatsappNumber": PHONE} | body).items() if value}
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/api/whatsapp/orders/{order_id}/status"
    return await scheduler.client.post(path, json=given, headers=headers)
