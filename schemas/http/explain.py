"""Everything that is known of one message, in order (IM-53)."""

from schemas.http.envelope import Shape
from schemas.http.message_statistics import Money
from schemas.http.trail import Instant


class Asked(Shape):
    """The request."""

    sent_at: Instant
    """When it was accepted by us (CF-42)."""
    due_at: Instant | None = None
    """When a timed one is to be handed over; null once it has a trail."""
    published_by: str | None
    """Which producer put it on `send-requests`."""
    published_at: Instant | None
    priority: str | None
    expires_at: Instant | None
    tenant_id: str | None
    agent_id: str | None
    contact_id: str | None
    order_id: str | None
    case_id: str | None
    job_id: str | None
    job_row: int | None


class Shown(Shape):
    """What is personal; all of it null once the person was forgotten."""

    recipient: str | None
    text: str | None


class Step(Shape):
    """One thing that was heard of the message, in the order in which it was applied."""

    heard_at: Instant
    """When the first service of ours had it; of a transition, at the latest."""
    occurred_at: Instant
    """By the clock of whoever says it."""
    lag_ms: int
    """From the one to the other; below 0 where that clock is ahead of ours."""
    kind: str
    """As `send.deferred`, `status.reported/read`; of a transition `status.changed`."""
    effect: str
    """``moved``, ``added`` (a time, not a status), ``nothing`` (known before) or ``told``."""
    why: str
    """The rule that decided it, in a sentence."""
    from_status: str | None = None
    to_status: str | None = None
    source: str | None = None
    """Of a transition: webhook, polling or manual (CF-54)."""
    attempt: int | None = None
    until: Instant | None = None
    """When a wait ends."""
    error_code: str | None = None
    provider_code: str | None = None
    detail: str | None = None
    parked_ms: int | None = None
    """How long it waited for the message that it speaks of (IM-07)."""


class Dispatch(Shape):
    """What the dispatcher's ledger says."""

    state: str
    """claimed, waiting, in_doubt, accepted or rejected."""
    attempts: int
    """Calls and refused calls."""
    without_room: int
    """How many of them do not count, since there was no room or the account could not send."""
    owner: str
    """The process that claimed it last."""
    claimed_at: Instant
    due_at: Instant | None
    """While it waits or is in doubt: until when."""
    waits_for: str | None
    """While it waits: why, in a sentence."""


class Link(Shape):
    """Another message that has to do with this one."""

    message_id: str
    relation: str
    """``original`` (this one replaces it) or ``fallback`` (sent instead of this one)."""
    status: str | None
    """Null while it does not exist yet."""


class Cost(Shape):
    """What it costs by our table, and what the provider said of its price."""

    amount: Money | None
    """Null while it has not reached `sent`."""
    currency: str
    category: str | None
    billable: bool | None
    model: str | None


class Trouble(Shape):
    """Why it failed, and what to do."""

    error_code: str
    origin: str
    """``provider`` (it said so) or ``local`` (we concluded it)."""
    provider_code: str | None
    detail: str | None
    failure_class: str | None
    advice: str


class Explanation(Shape):
    """Everything that is known of one message."""

    message_id: str
    channel: str | None
    """Null, as the two others, of one that was just handed over, until it is projected."""
    sender_id: str | None
    direction: str
    message_type: str | None
    status: str
    rule: str
    """The rule that gives it this status."""
    provider_message_id: str | None
    trace_id: str
    asked: Asked
    shown: Shown
    dispatch: Dispatch | None
    """Null where no dispatcher has taken it yet."""
    steps: list[Step]
    participants: dict[str, int]
    """How many of several recipients have which status."""
    unheard_since: Instant | None
    """Its provider took it then and has not called back since."""
    cost: Cost | None
    """Null of what came in."""
    links: list[Link]
    trouble: Trouble | None
