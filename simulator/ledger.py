"""What was asked, what was sent, and what really became of every message (section 9)."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

_CALLS_KEPT = 200_000
_CALLBACKS_KEPT = 50_000
_TIMINGS_KEPT = 50_000

# How far a status is along the life of a message; a failure stays what it is.
_RANK = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}


class Choice(NamedTuple):
    """A button or a row that came with a message."""

    kind: str
    """`button` (of a template), `button_reply` or `list_reply`."""
    id: str
    """What comes back; of a template's button: its payload."""
    title: str
    description: str = ""


@dataclass(slots=True)
class Message:
    """One accepted message and its true life."""

    id: str
    opaque: str
    sender: str
    recipient: str
    category: str
    accepted_at: float
    choices: tuple["Choice", ...] = ()
    """What its recipient may tap."""
    status: str = "accepted"
    life: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])


class Call(NamedTuple):
    """One call of the product and what was decided."""

    number: int
    at: float
    path: str
    sender: str
    recipient: str
    opaque: str
    body_hash: str
    decision: str
    """`accepted`, `refused`, `answered` (not a send) or `unprocessed` (a fault came before)."""
    fault: str
    """Knob whose transport fault hit the call; empty when none did."""
    code: int
    detail: str
    answer: int
    """HTTP status that was sent; 0 when it was withheld."""


class Attempt(NamedTuple):
    """One try to deliver a callback; status 0 means that no answer came."""

    at: float
    status: int
    took_ms: float


@dataclass(slots=True, eq=False)
class Callback:
    """One POST to the product with all its attempts."""

    url: str
    body: bytes
    headers: dict[str, str]
    message_ids: tuple[str, ...]
    """What it tells of: ids of messages, names of events."""
    created_at: float
    provider: str = "whatsapp"
    """Or `wecom`, `wechat`."""
    kind: str = "updates"
    """`updates`, or `forged`: not from the provider at all, must be refused."""
    state: str = "pending"
    """`pending`, `delivered`, `dropped` (tries exhausted), `lost` (never tried) or `forged`."""
    number: int = 0
    attempts: list[Attempt] = field(default_factory=list[Attempt])


class Tally:
    """Numbers that both kinds of ledger keep."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        """Calls a message key (opaque data, else a hash of the body)."""
        self.accepted: dict[str, int] = {}
        """Accepted sends an opaque data value: above 1 is a double send."""
        self.accepted_without_opaque = 0
        self.decisions: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.final: Counter[str] = Counter()
        """Messages by the status they truly have now."""
        self.answers: Counter[int] = Counter()
        """The product's answers to callbacks by HTTP status; 0: none came."""
        self.forged_answers: Counter[int] = Counter()
        self.callback_states: Counter[str] = Counter()
        self.updates_sent = 0
        self.retries = 0
        self.unsubscribed = 0
        """Updates for which no callback URL was registered."""
        self.warnings: Counter[str] = Counter()
        self.permanently_refused: dict[str, int] = {}
        self.called_after_permanent: Counter[str] = Counter()
        self.token_calls: Counter[str] = Counter()
        """Calls for an access token, by provider."""
        self.ended_tokens: Counter[str] = Counter()
        """Uses of a token that had ended, by provider."""
        self.replaced_tokens: Counter[str] = Counter()
        """Those of them that came after a younger token had been given out."""
        self.dropped: Counter[str] = Counter()
        """Messages above a member's limit, which WeCom drops without a word, by member."""
        self.timings: deque[float] = deque(maxlen=_TIMINGS_KEPT)
        """Milliseconds the product took to answer its latest callbacks."""


class Ledger:
    """Counts always; calls, messages and callbacks as records unless it only counts."""

    def __init__(self, *, keeps_records: bool) -> None:
        self.keeps_records = keeps_records
        self.tally = Tally()
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.callbacks: deque[Callback] = deque(maxlen=_CALLBACKS_KEPT)
        self.messages: dict[str, Message] = {}
        self.inbound: dict[str, float] = {}
        """Ids of inbound messages and their moments."""
        self._notices_seen = 0
        self._calls_seen = 0
        self._callbacks_seen = 0

    def next_attempt(self, key: str) -> int:
        """Count a call for this message key; 1 for the first."""
        attempt = self.tally.calls.get(key, 0) + 1
        self.tally.calls[key] = attempt
        return attempt

    def next_notice(self) -> int:
        """Return the number of something that is told by command; 1 for the first."""
        self._notices_seen += 1
        return self._notices_seen

    def note_call(self, call: Call) -> None:
        """Count a call and keep its record."""
        self._calls_seen += 1
        self.tally.decisions[call.decision] += 1
        if call.fault:
            self.tally.faults[call.fault] += 1
        if call.code:
            self.tally.codes[call.code] += 1
        if self.keeps_records:
            self.calls.append(call._replace(number=self._calls_seen))

    def note_refusal_for_good(self, opaque: str, code: int) -> None:
        """Remember that this message must not be tried again."""
        if opaque in self.tally.permanently_refused:
            self.tally.called_after_permanent[opaque] += 1
        self.tally.permanently_refused[opaque] = code

    def note_accepted(self, message: Message) -> None:
        """Count an accepted send; the same opaque data a second time is a double send."""
        if message.opaque:
            self.tally.accepted[message.opaque] = self.tally.accepted.get(message.opaque, 0) + 1
        else:
            self.tally.accepted_without_opaque += 1
        self.tally.final["accepted"] += 1
        if self.keeps_records:
            self.messages[message.id] = message

    def note_status(self, message: Message, status: str, at: float) -> None:
        """Let a message truly reach a status."""
        if self.keeps_records:
            message.life.append((status, at))
        if _RANK[status] > _RANK[message.status]:
            self.tally.final[message.status] -= 1
            self.tally.final[status] += 1
            message.status = status

    def note_callback(self, callback: Callback) -> None:
        """Give a callback its number, keep its record and count what is in it."""
        self._callbacks_seen += 1
        callback.number = self._callbacks_seen
        self.tally.callback_states[callback.state] += 1
        self.tally.updates_sent += len(callback.message_ids)
        if self.keeps_records:
            self.callbacks.append(callback)

    def note_attempt(self, callback: Callback, attempt: Attempt) -> None:
        """Count the product's answer to one try."""
        callback.attempts.append(attempt)
        if callback.kind == "forged":
            self.tally.forged_answers[attempt.status] += 1
            return
        self.tally.answers[attempt.status] += 1
        if attempt.status:
            self.tally.timings.append(attempt.took_ms)

    def settle_callback(self, callback: Callback, state: str) -> None:
        """Move a callback to another state."""
        self.tally.callback_states[callback.state] -= 1
        self.tally.callback_states[state] += 1
        callback.state = state
