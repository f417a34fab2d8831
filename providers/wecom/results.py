"""What became of a WeCom group send, out of the answers that tell (PC-10, CF-12, WX 2, WX 3).

No callback tells it: ``get_groupmsg_send_result`` has to be asked until each row is final. Who asks
is the dispatcher, once it sends to WeCom. Here the rows become the same facts that other channels
tell in callbacks, so that nobody behind `provider-events` sees a difference.

Nothing later than "sent" is ever known, and a member who never confirms leaves rows unsent for
ever: when to give up on those is for who asks to decide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from domain.failures import ErrorCode, Origin
from providers.callbacks import Callback, Ignored, Reason
from schemas.topics.provider_events import FailureReason, StatusReported

_UNSENT: Final = 0
_SENT: Final = 1

_FAILURES: Final[dict[int, tuple[ErrorCode, str]]] = {
    2: (ErrorCode.INVALID_RECIPIENT, "no longer a friend of the member"),
    3: (ErrorCode.DAILY_LIMIT_EXCEEDED, "has received as many group sends as are allowed"),
}
"""Final states of a row, with what WeCom's page says of them."""

_REFUSED: Final = "fail_list"

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True, slots=True)
class GroupSend:
    """One task that ``add_msg_template`` created."""

    corp_id: str
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


def of_fail_list(task: GroupSend, recipients: Sequence[object]) -> Callback:
    """Return what the creating call says: these recipients are invalid or cannot be reached."""
    return _sorted_out(
        _of_refused(task, recipient, f"{_REFUSED}[{place}]")
        for place, recipient in enumerate(recipients)
    )


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


def _of_refused(task: GroupSend, item: object, where: str) -> StatusReported | Ignored:
    try:
        recipient = msgspec.convert(item, _Id)
    except msgspec.ValidationError as error:
        return Ignored(Reason.MALFORMED, where, str(error))
    failure = _failure(ErrorCode.INVALID_RECIPIENT, _REFUSED, "invalid, or cannot be reached")
    return _report(task, recipient, failure=failure)


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
        provider_message_id=f"{task.msgid}:{recipient}",
        status="sent" if failure is None else "failed",
        occurred_at=at or task.created_at,
        account_id=task.corp_id,
        failure=failure,
    )
