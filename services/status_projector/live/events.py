"""What is pushed: its kinds, whom it concerns, and its words, put into bytes once for everybody."""

from enum import StrEnum
from typing import Any, Final

import msgspec

from domain.lifecycle import Status
from runtime.auth import Permission
from schemas.topics.status_changes import StatusChanged
from schemas.topics.task_changes import JobChanged

Key = tuple[str, str]
"""A subject and its id."""


class Kind(StrEnum):
    """The events (IM-36)."""

    MESSAGE_STATUS = "message.status"
    MESSAGE_INBOUND = "message.inbound"
    JOB_PROGRESS = "job.progress"
    TASK_STATUS = "task.status"


class Subject(StrEnum):
    """What can be listened to, by the names of the wishes."""

    MESSAGE = "messages"
    JOB = "jobs"
    CONVERSATION = "conversations"
    CONTACT = "contacts"
    ORDER = "orders"
    TASK = "tasks"


EVERYTHING: Final[Key] = ("everything", "")

_SUBJECTS: Final = {
    "message_id": Subject.MESSAGE,
    "job_id": Subject.JOB,
    "conversation_id": Subject.CONVERSATION,
    "contact_id": Subject.CONTACT,
    "order_id": Subject.ORDER,
    "task_id": Subject.TASK,
    "push_id": Subject.TASK,
    "group_send_id": Subject.TASK,
}
"""The fields of records that name whom they concern."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One text for a client."""

    kind: str
    text: str
    """The JSON of a WebSocket's frame, and of an event stream's data."""
    cursor: str | None = None
    """What to come back with from here on."""


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened, and whom it concerns. Not looked at by the garbage collector."""

    kind: Kind
    needs: Permission
    """What whoever hears of it has to be allowed."""
    tenant_id: str | None
    keys: tuple[Key, ...]
    data: bytes
    """JSON."""


class Told(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event at its place in the log."""

    event: Event
    frame: Frame
    place: int
    offset: int


def keys_of(record: Any) -> tuple[Key, ...]:  # noqa: ANN401 - any record of a topic
    """Return what a record concerns."""
    found = ((subject, getattr(record, name, None)) for name, subject in _SUBJECTS.items())
    return tuple((subject.value, str(named)) for subject, named in found if named is not None)


def of_status(change: StatusChanged) -> Event:
    """Return ``message.status``: the data of ST-09, the change's number, and what it belongs to."""
    status = Status.SENDING if change.to_status is Status.PENDING else change.to_status
    data = {
        "messageId": change.message_id,
        "status": status,
        "sequence": change.sequence,
        "sentAt": change.sent_at,
        "deliveredAt": change.delivered_at,
        "readAt": change.read_at,
        "failedAt": change.failed_at,
        "errorCode": None if change.error is None else change.error.code,
        "errorMessage": None if change.error is None else change.error.message,
        "jobId": change.job_id,
        "conversationId": change.conversation_id,
        "contactId": change.contact_id,
        "orderId": change.order_id,
    }
    return Event(
        kind=Kind.MESSAGE_STATUS,
        needs=Permission.MESSAGES_VIEW,
        tenant_id=change.tenant_id,
        keys=keys_of(change),
        data=msgspec.json.encode(data),
    )


def of_task(change: Any) -> Event:  # noqa: ANN401 - any record of task-changes
    """Return ``task.status``: the record as it stands on ``task-changes``."""
    is_job = isinstance(change, JobChanged)
    return Event(
        kind=Kind.TASK_STATUS,
        needs=Permission.JOBS_VIEW if is_job else Permission.TASKS_VIEW,
        tenant_id=change.tenant_id,
        keys=keys_of(change),
        data=msgspec.json.encode(change),
    )


def frame_of(event: Event, cursor: str) -> Frame:
    """Return the event in words."""
    kind = event.kind.value
    text = f'{{"type":"{kind}","cursor":"{cursor}","data":{event.data.decode()}}}'
    return Frame(kind, text, cursor)


def note(kind: str, cursor: str | None = None, **said: str) -> Frame:
    """Return what is said about the connection itself."""
    words = {"type": kind} | ({} if cursor is None else {"cursor": cursor}) | said
    return Frame(kind, msgspec.json.encode(words).decode(), cursor)
