"""What a customer is told when an order has another status (WA-15, WA-16, CF-56)."""

from typing import Final

from domain.failures import ErrorCode
from providers.whatsapp.builtin_templates import order_status_update
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import Fallback

_NEWS: Final = {
    "received": "我们已收到您的维修订单，正在安排技术员处理。",
    "in_progress": "您的设备正在维修中，我们会及时更新进度。",
    "completed": "维修已完成！请您前来取件。",
    "ready_for_pickup": "您的设备已准备好取件，营业时间内随时可来。",
}


def text_of(order_number: str, status: str) -> TextContent:
    """Return the text; of a status that is not known, one with its name."""
    news = _NEWS.get(status, f"订单状态已更新为：{status}")
    return TextContent(body=f"订单 #{order_number}: {news}")


def template_of(order_number: str, status: str) -> Fallback:
    """Return what is sent where a text may not be: the customer has not written for a day.

    Whether so, is seen when the text is sent. That refusal has no code of its own (CF-38).
    """
    content = order_status_update(order_number, status.replace("_", " "))
    return Fallback(content=content, on_errors=(ErrorCode.UNKNOWN_ERROR,))
