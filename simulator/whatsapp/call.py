"""One call of the product, with everything its decision depends on."""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs

from starlette.types import Scope

from simulator.chance import Chance
from simulator.knob_book import NO_ROW
from simulator.knobs import Knobs, patched
from simulator.rules import Subject
from simulator.whatsapp import magic
from simulator.whatsapp.bodies import SendBody, read
from simulator.whatsapp.recipients import digits_of
from simulator.whatsapp.refusals import Refusal
from simulator.wire import header
from simulator.world import World

PROVIDER = "whatsapp"
_BEARER = "bearer "
_KEPT_OF_HASH = 16


@dataclass(slots=True, frozen=True)
class Call:
    """A call of the data plane; `parts` are the path's parts after the version."""

    method: str
    path: str
    parts: tuple[str, ...]
    query: dict[str, str]
    token: str | None
    host: str
    """Under which name we were called."""
    content_type: str
    body: bytes
    send: SendBody
    problem: Refusal | None
    """What is wrong with the body's shape."""
    recipient: str
    """Digits, or a business-scoped user id; empty when there is none."""
    key: str
    attempt: int
    chance: Chance
    knobs: Knobs

    @property
    def sender(self) -> str:
        """The object that the path names: for a send, a phone number id."""
        return self.parts[0] if self.parts else ""

    @property
    def is_message(self) -> bool:
        """Whether it is a send, or a read mark, which share one path."""
        return self.method == "POST" and self.parts[1:] == ("messages",)

    @property
    def node(self) -> str:
        """What is asked of the object: `messages`, `subscribed_apps` ..."""
        return self.parts[1] if len(self.parts) > 1 else ""

    @property
    def body_hash(self) -> str:
        """A short hash of the body for the ledger."""
        return sha256(self.body).hexdigest()[:_KEPT_OF_HASH]


def understand(world: World, scope: Scope, parts: tuple[str, ...], body: bytes) -> Call:
    """Read a call and choose the knobs that hold for it (section 6)."""
    method: str = scope["method"]
    is_message = method == "POST" and parts[1:] == ("messages",)
    send, problem = read(body) if is_message else (SendBody(), None)
    recipient = digits_of(send)
    key = send.opaque or sha256(body or scope["path"].encode()).hexdigest()
    attempt = world.ledger.next_attempt(key) if is_message else 1
    chance = world.chance(PROVIDER, f"{key}#{attempt}")
    subject = Subject(
        call=_name(method, parts, send),
        sender=parts[0] if parts else "",
        recipient=recipient,
        template=send.template.name if send.template else "",
        text=send.text.body if send.text else "",
        opaque=send.opaque,
        attempt=attempt,
    )
    return Call(
        method=method,
        path=scope["path"],
        parts=parts,
        query=_query(scope["query_string"]),
        token=_token(header(scope, b"authorization")),
        host=header(scope, b"host") or "",
        content_type=header(scope, b"content-type") or "",
        body=body,
        send=send,
        problem=problem,
        recipient=recipient,
        key=key,
        attempt=attempt,
        chance=chance,
        knobs=_knobs_for(world, subject, chance),
    )


def _name(method: str, parts: tuple[str, ...], send: SendBody) -> str:
    if method == "POST" and parts[1:] == ("messages",):
        return send.status or "send"
    return parts[-1] if parts else ""


def _query(query_string: bytes) -> dict[str, str]:
    if not query_string:
        return {}
    return {name: values[-1] for name, values in parse_qs(query_string.decode()).items()}


def _token(authorization: str | None) -> str | None:
    if authorization is None or not authorization.lower().startswith(_BEARER):
        return None
    return authorization[len(_BEARER) :].strip()


def _knobs_for(world: World, subject: Subject, chance: Chance) -> Knobs:
    row = _magic_row(world, subject)
    changes = magic.changes_of(row) if row != NO_ROW else None
    knobs = world.knobs.resolve(subject.sender, row, changes)
    if world.rules:
        ruled = world.rules.decide(subject, chance, world.clock.now())
        if ruled is not None:
            return patched(knobs, ruled)
    return knobs


def _magic_row(world: World, subject: Subject) -> int:
    row = magic.row_of(subject.recipient)
    if row is None:
        return NO_ROW
    chosen = magic.TABLE[row]
    if chosen.calls is not None and subject.attempt > chosen.calls:
        return 0
    if chosen.span_s is not None:
        is_over = world.account.since_first_call(subject.recipient) >= chosen.span_s
        return 0 if is_over else row
    return row
