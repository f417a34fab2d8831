"""``provider-events``: what dispatchers and providers tell, about a message or an account."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec

from domain.admission import HoldReason
from domain.answers import Choice
from domain.failures import ErrorCode, Origin
from domain.identity import (
    MessageId,
    callback_event_id,
    feedback_event_id,
    hold_event_id,
    media_event_id,
    reply_event_id,
)
from domain.opinions import LONGEST_OPINION
from schemas.topics.records import (
    Attempt,
    ChannelName,
    ContextId,
    MessageIdField,
    Moment,
    ProviderIdField,
    Record,
    SenderIdField,
)
from schemas.topics.topic import Topic


class FailureReason(Record, frozen=True, kw_only=True, rename="camel"):
    """Why a message failed, in our words and in the provider's (CF-38, IM-09)."""

    code: ErrorCode
    origin: Origin
    provider_code: str | None = None
    detail: str | None = None


class SendStarted(Record, frozen=True, kw_only=True, rename="camel", tag="send.started"):
    """A dispatcher took the message and is about to call the provider."""

    message_id: MessageIdField
    attempt: Attempt
    at: Moment


class SendAccepted(Record, frozen=True, kw_only=True, rename="camel", tag="send.accepted"):
    """The provider accepted the message and named it."""

    message_id: MessageIdField
    provider_message_id: ProviderIdField
    attempt: Attempt
    at: Moment
    results_follow: bool = False
    """Whether it has only been taken: that it was sent is told by its results (CF-12)."""


class SendRejected(Record, frozen=True, kw_only=True, rename="camel", tag="send.rejected"):
    """The message will not be sent."""

    message_id: MessageIdField
    attempt: Attempt
    at: Moment
    failure: FailureReason


class SendDeferred(Record, frozen=True, kw_only=True, rename="camel", tag="send.deferred"):
    """Nothing was sent; the next attempt is at ``until``, or is thought about again then."""

    message_id: MessageIdField
    attempt: Attempt
    """The one that ended; with ``held``, the one that has not begun."""
    at: Moment
    until: Moment
    failure: FailureReason
    held: HoldReason | None = None
    """What it waits for before it is called; absent where a call had no success."""


Channel = Literal["whatsapp", "wecom", "wechat"]
AccountId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=64,
        description="Whose account it is: WhatsApp business account, WeCom corp id, WeChat app id.",
    ),
]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
PersonId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=255,
        description="A phone number in digits, a business-scoped user id, a user id or an openid.",
    ),
]


class Pricing(Record, frozen=True, kw_only=True, rename="camel"):
    """What the provider charges for a message; each word as the provider writes it."""

    model: Word | None = None
    """``PMP`` (a message) or ``CBP`` (a conversation)."""
    kind: Word | None = None
    """``regular`` (charged), ``free_customer_service``, ``free_entry_point``."""
    category: Word | None = None
    """``marketing``, ``utility``, ``service``, …"""
    billable: bool | None = None


class Conversation(Record, frozen=True, kw_only=True, rename="camel"):
    """The conversation a message was counted in; only older payload versions tell."""

    id: Word
    origin: Word | None = None
    expires_at: Moment | None = None


class ProviderError(Record, frozen=True, kw_only=True, rename="camel"):
    """One error as the provider words it."""

    code: Word | None = None
    title: str | None = None
    detail: str | None = None


class StatusReported(Record, frozen=True, kw_only=True, rename="camel", tag="status.reported"):
    """A provider's word about a message: a callback, or a result we asked for (PC-01, PC-10)."""

    channel: ChannelName
    provider_message_id: ProviderIdField
    message_id: MessageIdField | None = None
    """Ours, where the provider gave it back (``biz_opaque_callback_data``)."""
    status: Literal["sent", "delivered", "read", "failed"]
    occurred_at: Moment
    sender_id: SenderIdField | None = None
    failure: FailureReason | None = None
    """With ``failed`` only: the first error, in our words."""
    errors: tuple[ProviderError, ...] = ()
    """All of them, as they came."""
    account_id: AccountId | None = None
    participant: PersonId | None = None
    """Which of several recipients, or which member of a group, it is about.

    It moves that participant's status; without, the message's own.
    """
    polled: bool = False
    """Whether we asked for it (CF-54)."""
    pricing: Pricing | None = None
    conversation: Conversation | None = None


class InboundMedia(Record, frozen=True, kw_only=True, rename="camel"):
    """A file that came with a message and is still at the provider."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    mime_type: Word | None = None
    sha256: Word | None = None
    """Of the file's bytes, Base64, as WhatsApp announces it."""
    file_name: Annotated[str, msgspec.Meta(max_length=255)] | None = None


class MessageReceived(Record, frozen=True, kw_only=True, rename="camel", tag="message.received"):
    """Somebody wrote to one of our accounts (PC-06, PC-11, IN-01)."""

    channel: Channel
    provider_message_id: ProviderIdField
    sender_id: SenderIdField
    """The account of ours that was written to."""
    author: PersonId
    """Who wrote; the phone number where it is known."""
    message_type: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    content: dict[str, Any]
    """The typed part as received: ``{"body": …}`` for a text."""
    occurred_at: Moment
    account_id: AccountId | None = None
    author_user_id: PersonId | None = None
    """The business-scoped user id: stays the same where the number is hidden or changes."""
    author_name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    group_id: PersonId | None = None
    context: dict[str, Any] | None = None
    """What it answers or forwards, as received: ``{"from": …, "id": …}``."""
    referral: dict[str, Any] | None = None
    """The advertisement it came through, as received."""
    errors: tuple[ProviderError, ...] = ()
    """Why the provider could not hand over the content (type ``unsupported``)."""
    media: InboundMedia | None = None
    choice: Choice | None = None
    """What it decides, where its words or its button are one of a preview's answers (PC-11)."""
    about: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    """The card or menu it answers: the ``task_id`` that was given when it was sent."""


class NoticeReceived(Record, frozen=True, kw_only=True, rename="camel", tag="notice.received"):
    """Anything else an authentic callback said, also in words we do not know; kept as received.

    About an account, a number, a template, a customer, a group.
    """

    channel: Channel
    notice_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """Derived from everything below, so that a repetition is the same notice (IM-04)."""
    kind: Word
    """``message_template_status_update``, ``change_external_contact.del_follow_user``,
    ``status.played``, … in the provider's words."""
    account_id: AccountId
    about: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    """The one template, number, customer, group or message it speaks of."""
    content: dict[str, Any]
    occurred_at: Moment | None = None
    """Some notices carry no time."""


class FeedbackGiven(Record, frozen=True, kw_only=True, rename="camel", tag="feedback.given"):
    """Somebody said on its form what they think of a push (NF-04, IM-42)."""

    push_id: ContextId
    task_id: ContextId
    user_id: PersonId
    """Who answered, as the mini-program or the page's browser says; nobody has checked it."""
    content: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_OPINION)]
    at: Moment
    """Of several answers of one person the latest counts."""
    tenant_id: ContextId | None = None


class MediaStored(Record, frozen=True, kw_only=True, rename="camel", tag="media.stored"):
    """A file that somebody sent us is in our store (IM-27)."""

    channel: Channel
    provider_message_id: ProviderIdField
    """The message it came with."""
    media_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    """Its name in the store."""
    mime_type: Word
    """Of its bytes, whatever was announced."""
    size: Annotated[int, msgspec.Meta(ge=0, description="Bytes.")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    file_name: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    at: Moment


class MediaLost(Record, frozen=True, kw_only=True, rename="camel", tag="media.lost"):
    """A file that somebody sent us will not be fetched: too large, refused, or gone."""

    channel: Channel
    provider_message_id: ProviderIdField
    media_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    reason: Literal["too_large", "type_refused", "not_found", "not_authentic", "gave_up"]
    detail: str | None = None
    at: Moment


DispatchEvent = SendStarted | SendAccepted | SendRejected | SendDeferred
CallbackEvent = StatusReported | MessageReceived | NoticeReceived
"""What `ingest_webhook` says of callbacks."""
MediaEvent = MediaStored | MediaLost
"""What `fetcher` says."""
CustomerServiceEvent = MessageReceived | NoticeReceived
"""What `fetcher` says as well: WeCom's callbacks only point at what customers write (WX 10)."""
ProviderEvent = DispatchEvent | CallbackEvent | FeedbackGiven | MediaEvent
MessageEvent = DispatchEvent | StatusReported
"""What speaks of a message that we sent."""


def key_of(event: ProviderEvent) -> str:
    """Return our message id where it is known, else the provider's.

    Of a notice, the account's; of feedback, the push's.
    """
    match event:
        case NoticeReceived():
            return event.account_id
        case MessageReceived() | MediaStored() | MediaLost():
            return event.provider_message_id
        case FeedbackGiven():
            return event.push_id
        case StatusReported():
            return event.message_id or event.provider_message_id
        case _:
            return event.message_id


def event_id_of(event: ProviderEvent) -> str:  # noqa: PLR0911 - one line a kind of event
    """Return the id that every repetition of the event carries (IM-04)."""
    match event:
        case StatusReported():
            moment = event.occurred_at.isoformat()
            about = event.provider_message_id
            return callback_event_id(about, event.status, moment, event.participant)
        case MessageReceived():
            return event.provider_message_id
        case NoticeReceived():
            return event.notice_id
        case FeedbackGiven():
            return feedback_event_id(event.push_id, event.user_id, event.content)
        case MediaStored() | MediaLost():
            return media_event_id(event.provider_message_id, event.media_id, tag_of(event))
        case SendDeferred(held=HoldReason() as reason):
            return hold_event_id(event.message_id, reason, event.until.isoformat())
        case _:
            return reply_event_id(MessageId(event.message_id), tag_of(event), event.attempt)


def tag_of(event: ProviderEvent) -> str:
    """Return the record's ``type``."""
    return str(type(event).__struct_config__.tag)


def event_types(*kinds: type[ProviderEvent]) -> frozenset[str]:
    """Return the CloudEvents types of some kinds, for a reader that wants no others."""
    return frozenset(_event_type(kind) for kind in kinds)


def _event_type(kind: type[ProviderEvent]) -> str:
    return f"sendtrail.{kind.__struct_config__.tag}.v1"


PROVIDER_EVENTS: Topic[ProviderEvent] = Topic(
    name="provider-events",
    model=ProviderEvent,
    key=key_of,
    key_meaning="Our message id where it is known, else the provider's; a notice's account; of"
    " feedback the push.",
    event_id=event_id_of,
    subject=key_of,
    event_type=lambda event: _event_type(type(event)),
    purpose="Facts from dispatchers and providers about messages, and notices about accounts.",
    retention=timedelta(days=7),
    is_sealed=True,
)
