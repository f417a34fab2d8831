"""What people are told of tasks, and what others said about pushes (NF-03, NF-05, IM-42, IM-43)."""

from typing import Annotated, Literal

import msgspec

from schemas.http.envelope import Shape
from schemas.http.moments import Instant
from schemas.topics.records import Command

NoticeType = Literal["reminder", "result", "preview"]
Success = Literal["success", "failed"]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class NoticeContent(Command, frozen=True, kw_only=True, rename="camel"):
    """What a notification says."""

    message: Text
    status: Success | None = None
    error: Annotated[str, msgspec.Meta(max_length=1_000)] | None = None


class SendNotification(Command, frozen=True, kw_only=True, rename="camel"):
    """The body of ``POST /api/notifications`` (NF-03)."""

    user_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    """The id or the WeChat id of a user."""
    type: NoticeType
    task_id: Annotated[str, msgspec.Meta(min_length=1, max_length=36)]
    content: NoticeContent


class Done(Shape):
    """A word about what was done."""

    message: str


class ContentShown(Shape):
    """What a notification says."""

    message: str
    status: Success | None
    error: str | None


class NotificationShown(Shape):
    """A notification in its reader's list."""

    notification_id: str
    type: NoticeType
    task_id: str | None
    content: ContentShown
    delivery_status: Literal["waiting", "handed_over", "sent", "failed"]
    """What became of the service notification; it stands in the list whatever that was."""
    delivery_error: str | None
    timestamp: Instant
    read_at: Instant | None


class NotificationList(Shape):
    """A page of somebody's notifications, unread ones first."""

    notifications: list[NotificationShown]
    total: int
    unread: int
    page: int
    limit: int


class FeedbackShown(Shape):
    """What one person said about one push."""

    feedback_id: str
    task_id: str
    user_id: str
    content: str
    timestamp: Instant


class FeedbackList(Shape):
    """The answer to ``GET /api/feedback`` (NF-05)."""

    feedback: list[FeedbackShown]
    total: int


class FrequentWord(Shape):
    """A word that many speak of."""

    opinion: str
    count: int
    """Answers that hold it."""
    examples: list[str]


class FeedbackReport(Shape):
    """How many answered, and what they speak of (NF-07, IM-42)."""

    task_id: str
    pushes: int
    """Those that came to at least one group."""
    groups_reached: int
    recipients_reached: int | None
    """People in these groups; null where of some group nobody has said how many it has."""
    feedback_users: int
    """Different people who answered."""
    feedback_count: int
    interaction_rate: float | None
    """Feedback users for each recipient reached, or for each group where people are not known;
    null where nobody was reached."""
    rate_per: Literal["recipient", "group"]
    opinions: list[FrequentWord]
    opinions_read: int
    """The latest answers, from which the opinions are taken."""
