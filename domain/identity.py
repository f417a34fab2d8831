"""Which identifiers exist, and how the ones that must repeat themselves are derived.

A derived identifier is a function of what it stands for, so whoever is interrupted and starts
again arrives at the same one and meets the claim made the first time (IM-01, IM-17).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NewType
from uuid import NAMESPACE_URL, UUID, uuid5

MessageId = NewType("MessageId", str)
"""Ours: one message to or from one person. At most 64 characters of ``A-Z a-z 0-9 _ . : -``."""

ProviderMessageId = NewType("ProviderMessageId", str)
"""The provider's: case-sensitive, opaque, up to 255 characters (WhatsApp: ``wamid.…``)."""

SenderId = NewType("SenderId", str)
"""The sending account at the provider (WhatsApp: the phone number id)."""

JobId = NewType("JobId", str)
"""A bulk job: a UUID in text form (CF-28)."""

_NAMESPACE = uuid5(NAMESPACE_URL, "https://sendtrail.invalid/ids")


def message_id_for_key(tenant: str, idempotency_key: str) -> MessageId:
    """Return the message id of a send with an ``Idempotency-Key`` (IM-01).

    Tenant: two tenants may choose the same key. Key: a repeated call is the same message, even
    when the first one died between publishing and answering.

    >>> message_id_for_key("acme", "order-17") == message_id_for_key("acme", "order-17")
    True
    """
    return _message_id(uuid5(_NAMESPACE, f"send\x00{tenant}\x00{idempotency_key}"))


def message_id_for_row(job_id: JobId, row: int) -> MessageId:
    """Return the message id of one row of a job.

    Job and row number: a feeder that starts again re-emits the same ids, so no recipient of a
    job is written to twice, and two rows with the same phone number stay two messages.
    """
    return _message_id(uuid5(_NAMESPACE, f"job\x00{job_id}\x00{row}"))


def push_id_for_occurrence(task_id: str, occurrence: datetime) -> str:
    """Return the id of the push that serves an occurrence, a UUID (IM-17, CF-28).

    Task and occurrence: whoever claims it, however often, arrives at the same push.
    """
    moment = occurrence.astimezone(UTC).isoformat()
    return str(uuid5(_NAMESPACE, f"push\x00{task_id}\x00{moment}"))


def message_id_for_group(push_id: str, group_id: str) -> MessageId:
    """Return the message id of one group of a push.

    Push and group: handed over again, it is the same message; the next push writes anew.
    """
    return _message_id(uuid5(_NAMESPACE, f"group\x00{push_id}\x00{group_id}"))


def message_id_for_inbound(channel: str, provider_message_id: str) -> MessageId:
    """Return our id of a message that somebody wrote to us (IM-27).

    Channel: providers choose their ids without knowing of each other. Provider's id: a callback
    that comes again is the same message.
    """
    return _message_id(uuid5(_NAMESPACE, f"inbound\x00{channel}\x00{provider_message_id}"))


def message_id_for_fallback(message_id: MessageId) -> MessageId:
    """Return the message id of what is sent instead of a message (IM-58).

    The message: it has one fallback, however often somebody finds that it is due.
    """
    return _message_id(uuid5(_NAMESPACE, f"fallback\x00{message_id}"))


def message_id_for_preview(preview_id: str, recipient: str) -> MessageId:
    """Return the message id of the notification that asks somebody to look at a preview (PV-01).

    Preview and person: each is asked once.
    """
    return _message_id(uuid5(_NAMESPACE, f"preview\x00{preview_id}\x00{recipient}"))


def message_id_for_retry(message_id: MessageId) -> MessageId:
    """Return the message id under which a failed message is sent again (RT-03).

    The message: it is sent again once, however many ask for it at the same moment (CF-37).
    """
    return _message_id(uuid5(_NAMESPACE, f"retry\x00{message_id}"))


def is_fallback_of(message_id: str, original: str | None) -> bool:
    """Tell whether a message is what is sent instead of another."""
    return original is not None and message_id == message_id_for_fallback(MessageId(original))


def notification_id(subject: str) -> str:
    """Return the id of a notification, of which there is one for each subject (IM-19)."""
    return str(uuid5(_NAMESPACE, f"notification\x00{subject}"))


def message_id_for_notification(subject: str) -> MessageId:
    """Return the message id of a notification: claimed again after a crash, it is the same."""
    return _message_id(uuid5(_NAMESPACE, f"notification message\x00{subject}"))


def message_id_for_alert(failures: Iterable[int]) -> MessageId:
    """Return the message id of an alert: told again of the same failures, it is the same."""
    told = ",".join(map(str, sorted(failures)))
    return _message_id(uuid5(_NAMESPACE, f"alert\x00{told}"))


def message_id_for_sender_alert(sender: str, what: str, since: datetime) -> MessageId:
    """Return the message id of an alert about a sender: told by all who see it, it is the same."""
    return _message_id(uuid5(_NAMESPACE, f"sender alert\x00{sender}\x00{what}\x00{since}"))


def message_id_from(unique: UUID) -> MessageId:
    """Return the message id of a send that nobody will ever repeat, from a random UUID."""
    return _message_id(unique)


def conversation(channel: str, sender_id: SenderId, recipient: str) -> str:
    """Return the key under which one recipient's messages keep their order (IM-03)."""
    return f"{channel}:{sender_id}:{recipient}"


def callback_event_id(
    provider_message_id: str, status: str, occurred_at: str, participant: str | None = None
) -> str:
    """Return the id of a status callback, equal for every repetition of it (IM-04).

    Provider id: which message. Status: which step. Provider's time: the same step reported
    again with another time is another statement. Participant: in a group each member has steps.
    """
    step = f"{provider_message_id}:{status}:{occurred_at}"
    return step if participant is None else f"{step}:{participant}"


def notice_id(channel: str, account_id: str, kind: str, content: bytes) -> str:
    """Return the id of a notice, which has none of its own at any provider (IM-04).

    Everything it says, with its time: a provider's repetition says the same, byte for byte once
    the members are in one order.
    """
    said = b"\x00".join((channel.encode(), account_id.encode(), kind.encode(), content))
    return f"ntc_{blake2b(said, digest_size=16).hexdigest()}"


def preview_answer_id(preview_id: str, recipient: str, response: str, comment: str | None) -> str:
    """Return the id of an answer to a preview that was given on its page (PV-09, IM-04).

    Preview and person: each may answer each. Response and comment: pressed twice, it is the same
    answer; another decision, or another reason for it, is another.
    """
    parts = (preview_id, recipient, response, comment or "")
    said = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return f"preview_{blake2b(said, digest_size=16).hexdigest()}"


def feedback_event_id(push_id: str, user_id: str, content: str) -> str:
    """Return the id of an opinion: in the same words it is the same statement (IM-04)."""
    parts = (push_id, user_id, content)
    said = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return f"feedback_{blake2b(said, digest_size=16).hexdigest()}"


def feedback_id(push_id: str, person: bytes) -> str:
    """Return the id of a person's answer about a push, of which there is one (IM-42)."""
    return str(uuid5(_NAMESPACE, f"feedback\x00{push_id}\x00{person.hex()}"))


def media_event_id(provider_message_id: str, media_id: str, kind: str) -> str:
    """Return the id of what became of a file: fetched again, it is the same statement."""
    return f"{provider_message_id}:{media_id}:{kind}"


def media_name(channel: str, provider_message_id: str, media_id: str) -> str:
    """Return the name of a file that came with a message: fetched again, it replaces itself.

    Hashed: what a provider or a person wrote is no part of a path.
    """
    whole = f"{channel}\x00{provider_message_id}\x00{media_id}"
    return blake2b(whole.encode(), digest_size=16).hexdigest()


def reply_event_id(message_id: MessageId, kind: str, attempt: int) -> str:
    """Return the id of the fact a send attempt produced.

    Message and attempt: each attempt speaks once. Kind: an attempt starts, and later ends.
    """
    return f"{message_id}:{kind}:{attempt}"


def hold_event_id(message_id: str, reason: str, until: str) -> str:
    """Return the id of the fact that a message waits before its next call (IM-04).

    Message, reason and time: a message may be held several times before one attempt.
    """
    return f"{message_id}:held:{reason}:{until}"


def _message_id(unique: UUID) -> MessageId:
    return MessageId(f"msg_{unique.hex}")
