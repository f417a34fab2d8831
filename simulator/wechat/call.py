"""One call of the product to WeChat, with everything its decision depends on."""

from dataclasses import dataclass
from hashlib import sha256
from typing import cast
from urllib.parse import parse_qs

import msgspec
from starlette.types import Scope

from simulator.chance import Chance
from simulator.knobs import Knobs, patched
from simulator.rules import Subject
from simulator.tencent.documents import Json
from simulator.wire import header
from simulator.world import World

_KEPT_OF_HASH = 16


@dataclass(slots=True, frozen=True)
class Call:
    """A call of the data plane."""

    method: str
    path: str
    name: str
    """What stands behind /cgi-bin/, as `message/custom/send`."""
    query: dict[str, str]
    content_type: str
    body: bytes
    body_hash: str
    """A short hash of the body for the ledger."""
    asked: Json | None
    """The body's object; none where it is no JSON object."""
    chance: Chance
    knobs: Knobs

    @property
    def recipient(self) -> str:
        """Whom a send is for; empty: it is no send."""
        return _text(self.asked, "touser")

    @property
    def rid(self) -> str:
        """What WeChat's support would ask for: three times eight hexadecimal digits."""
        places = (f"{int(self.chance.share(f'rid{place}') * 2**32):08x}" for place in range(3))
        return "-".join(places)


def understand(world: World, scope: Scope, name: str, body: bytes) -> Call:
    """Read a call and choose the knobs that hold for it."""
    body_hash = sha256(body).hexdigest()[:_KEPT_OF_HASH]
    # The same body is the same message's next attempt, as far as anybody can tell.
    attempt = world.ledger.next_attempt(f"wechat/{name}/{body_hash}")
    chance = world.chance("wechat", f"{name}/{body_hash}#{attempt}")
    asked = _object(body)
    app_id = world.wechat.app_id
    knobs = world.knobs.for_sender(app_id)
    if world.rules:
        text = msgspec.json.encode(asked).decode() if asked else ""
        template = _text(asked, "template_id")
        subject = Subject(name, app_id, _text(asked, "touser"), template, text, "", attempt)
        ruled = world.rules.decide(subject, chance, world.clock.now())
        knobs = patched(knobs, ruled) if ruled is not None else knobs
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return Call(
        method=scope["method"],
        path=scope["path"],
        name=name,
        query={field: values[-1] for field, values in query.items()},
        content_type=header(scope, b"content-type") or "",
        body=body,
        body_hash=body_hash,
        asked=asked,
        chance=chance,
        knobs=knobs,
    )


def _object(body: bytes) -> Json | None:
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return cast("Json", found) if isinstance(found, dict) else None


def _text(held: Json | None, name: str) -> str:
    value = (held or {}).get(name)
    return value if isinstance(value, str) else ""
