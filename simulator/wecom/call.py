"""One call of the product to WeCom, with everything its decision depends on."""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs

from starlette.types import Scope

from simulator.chance import Chance
from simulator.knobs import Knobs, patched
from simulator.rules import Subject
from simulator.tencent.documents import Json
from simulator.wecom import keys
from simulator.wecom.bodies import decoded
from simulator.wecom.refusals import Refusal
from simulator.wire import header
from simulator.world import World

_KEPT_OF_HASH = 16
_FORM = "multipart/"


@dataclass(slots=True, frozen=True)
class Call:
    """A call of the data plane."""

    method: str
    path: str
    name: str
    """What stands behind /cgi-bin/, as `media/get`."""
    query: dict[str, str]
    content_type: str
    body: bytes
    content: Json
    """The object that the body is; empty where it is none."""
    problem: Refusal | None
    """What is wrong with the body as JSON."""
    key: str
    """Of a send: what makes it the same as another; else empty."""
    attempt: int
    recipient: str
    address: str
    """Where it came from."""
    chance: Chance
    knobs: Knobs

    @property
    def hint(self) -> str:
        """What WeCom's support would ask for."""
        return self.chance.digits("hint", 24)

    @property
    def body_hash(self) -> str:
        """A short hash of the body for the ledger."""
        return sha256(self.body).hexdigest()[:_KEPT_OF_HASH]


def understand(world: World, scope: Scope, name: str, body: bytes, number: int) -> Call:
    """Read the n-th call and choose the knobs that hold for it."""
    content_type = header(scope, b"content-type") or ""
    is_json = scope["method"] == "POST" and not content_type.startswith(_FORM)
    found = decoded(body) if is_json else {}
    content = {} if isinstance(found, Refusal) else found
    key = keys.key_of(name, content, world.wecom.media.find)
    attempt = world.ledger.next_attempt(key) if key else number
    chance = world.chance("wecom", f"{key or name}#{attempt}")
    recipient = keys.recipient_of(content)
    corp_id = world.wecom.corp_id
    knobs = world.knobs.for_sender(corp_id)
    if world.rules:
        text = keys.text_of(content)
        subject = Subject(name, corp_id, recipient, "", text, key, attempt)
        ruled = world.rules.decide(subject, chance, world.clock.now())
        knobs = patched(knobs, ruled) if ruled is not None else knobs
    client: tuple[str, int] | None = scope["client"]
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return Call(
        method=scope["method"],
        path=scope["path"],
        name=name,
        query={field: values[-1] for field, values in query.items()},
        content_type=content_type,
        body=body,
        content=content,
        problem=found if isinstance(found, Refusal) else None,
        key=key,
        attempt=attempt,
        recipient=recipient,
        address=client[0] if client else "",
        chance=chance,
        knobs=knobs,
    )
