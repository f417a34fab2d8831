"""What is asked and answered of WeCom's group sends (GS-07, GS-08, GS-10)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from schemas.http.asking import Limit, Moment, Order
from schemas.http.envelope import Shape
from schemas.http.moments import Instant
from schemas.topics.task_changes import GroupSendStatus

ResultWord = Literal["PENDING", "SUCCESS", "FAILED"]
"""What people are told of a customer; who is under way is pending (GS-08)."""


class GroupSendsExport(Shape):
    """Which group sends; what is not given does not matter."""

    status: GroupSendStatus | None = None
    task_name: Annotated[str, StringConstraints(max_length=100, pattern="^[^\x00]*$")] | None = (
        Field(None, description="A part of the name. None has one yet, so nothing is found by it.")
    )
    start_time: Moment | None = Field(None, description="Of createTime; included.")
    end_time: Moment | None = Field(None, description="Of createTime; included.")
    sort: Literal["createTime"] = "createTime"
    order: Order = Order.DESC

    @field_validator("end_time")
    @classmethod
    def _in_order(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("start_time")
        if end is not None and start is not None and end < start:
            raise ValueError("lies before 'startTime'")
        return end


class GroupSendsQuery(GroupSendsExport):
    """A page of them."""

    page: int = Field(1, ge=1, le=100_000)
    size: Limit = 10


class GroupResultsExport(Shape):
    """The customers of a group send, as a file."""

    status: ResultWord | None = None


class GroupResultsQuery(GroupResultsExport):
    """A page of them."""

    cursor: int = Field(0, ge=0, lt=2**63, description="`nextCursor` of the page before.")
    limit: Limit = 50


class GroupSendRow(Shape):
    """A group send in a list (GS-07)."""

    group_send_task_id: int
    task_name: str | None = Field(description="Null: no service keeps names yet.")
    sender_account_name: str | None = Field(description="Null: no service keeps accounts yet.")
    target_count: int
    success_count: int
    failed_count: int
    pending_count: int
    percent: float = Field(description="Of the customers, who succeeded or failed.")
    status: GroupSendStatus
    scheduled_time: Instant | None
    create_time: Instant


class GroupSendPage(Shape):
    """One page, in the words of its family (CF-47)."""

    records: list[GroupSendRow]
    total: int
    size: int
    current: int
    pages: int


class SenderAccount(Shape):
    """Who sends."""

    account_id: str
    account_name: str | None


class CustomerResult(Shape):
    """What became of one customer (GS-10)."""

    customer_id: int
    customer_name: str | None = Field(description="Null: no service keeps customers yet.")
    status: ResultWord
    error_message: str | None


class GroupSendDetail(Shape):
    """One group send (GS-08)."""

    group_send_task_id: int
    task_name: str | None
    sender_account: SenderAccount | None = Field(description="Null before its first message.")
    message_content: Any = Field(
        description="As in WC-04 where it is of one of its forms; null before its first message."
    )
    target: Any = Field(description="Null: whom it was chosen by is not kept yet.")
    target_count: int
    success_count: int
    failed_count: int
    pending_count: int
    percent: float
    status: GroupSendStatus
    reason: str | None
    scheduled_time: Instant | None
    create_time: Instant
    update_time: Instant
    results: list[CustomerResult] = Field(description="The first thousand.")
    next_cursor: str | None = Field(
        description="Give it as `cursor` of `/results` for those behind them; null: these are all."
    )


class CustomerResultPage(Shape):
    """Some customers' results, in the order of their rows."""

    items: list[CustomerResult]
    next_cursor: str | None
