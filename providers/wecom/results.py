"""What became of a WeCom group send, out of the answers that tell (PC-10, CF-12, WX 2, WX 3).

No callback tells it: ``get_groupmsg_send_result`` has to be asked until each row is final
(`providers.wecom.polling`). Here the rows become the same facts that other channels tell in
callbacks: one about each target, which is the message's participant.

Nothing later than "sent" is ever known, and a member who never confirms leaves rows unsent for
ever: when to give up on those is for who asks to decide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from domain.failures import ErrorCode, Failure, Origin
from domain.identity import MessageId, SenderId
from providers.callbacks import Callback, Ignored, Reason
from schemas.topics.provider_events import FailureReason, StatusReported

_UNSENT: Final = 0
_SENT: Final = 1

_FAILURES: Final[dict[int, tuple[ErrorCode, str]]] = {
    2: (ErrorCode.INVALID_RECIPIENT, "no longer a friend of the member"),
    3: (ErrorCode.DAILY_LIMIT_EXCEEDED, "has received as many group sends as are allowed"),
}
"""Final states of a row, with what WeCom's page says of them."""

_REFUSED: Final = Failure(
    ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER, "fail_list", "invalid, or cannot be reached"
)
_CANCELLED: Final = FailureReason(
    code=ErrorCode.UNKNOWN_ERROR, origin=Origin.LOCAL, detail="the group send was cancelled"
)
_UNCONFIRMED: Final = FailureReason(
    code=ErrorCode.UNKNOWN_ERROR, origin=Origin.LOCAL, detail="not confirmed"
)
"""The member has not sent it, and nobody waits any longer (CF-12)."""

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True, slots=True)
class GroupSend:
    """One task that ``add_msg_template`` created."""

    corp_id: str
    sender_id: SenderId
    message_id: MessageId
    msgid: str
    created_at: datetime
    """When the task was created: the time of whatever has none of its own. A row that failed is
    asked for again and again, and must be the same statement each time (IM-04)."""


class _Row(msgspec.Struct, gc=False):
    status: int
    external_userid: _Id | None = None
    chat_id: _Id | None = None
    send_time: Annotated[int, msgspec.Meta(ge=0, lt=2**33)] = 0


def of_send_list(task: GroupSend, rows: Sequence[object]) -> Callback:
    """Return what the rows of one ``send_list`` say; rows that are not final say nothing."""
    return _sorted_out(_of_row(task, row, f"send_list[{place}]") for place, row in enumerate(rows))


def refused_of(recipients: Iterable[object], targets: Iterable[str]) -> dict[str, Failure]:
    """Return whom the creating call refuses at once, of those whom the send is for."""
    named = {recipient for recipient in recipients if isinstance(recipient, str)}
    return {target: _REFUSED for target in targets if target in named}


def cancelled(task: GroupSend, targets: Iterable[str]) -> list[StatusReported]:
    """Return that it does not go to these any more: somebody cancelled it (41093)."""
    return [_report(task, target, failure=_CANCELLED) for target in targets]


def unconfirmed(task: GroupSend, targets: Iterable[str], at: datetime) -> list[StatusReported]:
    """Return that these have no result, and that waiting for one is over (CF-12)."""
    return [_report(task, target, at, failure=_UNCONFIRMED) for target in targets]


def _sorted_out(found: Iterable[StatusReported | Ignored | None]) -> Callback:
    told = list(found)
    return Callback(
        tuple(event for event in told if isinstance(event, StatusReported)),
        tuple(part for part in told if isinstance(part, Ignored)),
    )


def _of_row(task: GroupSend, item: object, where: str) -> StatusReported | Ignored | None:
    try:
        row = msgspec.convert(item, _Row)
    except msgspec.ValidationError as error:
        return Ignored(Reason.MALFORMED, where, str(error))
    recipient = row.external_userid or row.chat_id
    if recipient is None:
        return Ignored(Reason.MALFORMED, where, "neither external_userid nor chat_id")
    if row.status == _UNSENT:
        return None
    if row.status == _SENT:
        at = datetime.fromtimestamp(row.send_time, UTC) if row.send_time else None
        return _report(task, recipient, at)
    if row.status in _FAILURES:
        code, detail = _FAILURES[row.status]
        return _report(task, recipient, failure=_failure(code, str(row.status), detail))
    return Ignored(Reason.UNKNOWN_STATUS, f"{where}.status", str(row.status))


def _failure(code: ErrorCode, provider_code: str, detail: str) -> FailureReason:
    return FailureReason(
        code=code, origin=Origin.PROVIDER, provider_code=provider_code, detail=detail
    )


def _report(
    task: GroupSend,
    recipient: str,
    at: datetime | None = None,
    *,
    failure: FailureReason | None = None,
) -> StatusReported:
    return StatusReported(
        channel="wecom",
        provider_message_id=task.msgid,
        message_id=task.message_id,
        status="sent" if failure is None else "failed",
        occurred_at=at or task.created_at,
        sender_id=task.sender_id,
        account_id=task.corp_id,
        participant=recipient,
        failure=failure,
    )
