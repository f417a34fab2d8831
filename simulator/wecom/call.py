"""One call of the product to WeCom, with everything its decision depends on."""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs

from starlette.types import Scope

from simulator.chance import Chance
from simulator.knobs import Knobs, patched
from simulator.rules import Subject
from simulator.world import World

_KEPT_OF_HASH = 16


@dataclass(slots=True, frozen=True)
class Call:
    """A call of the data plane."""

    method: str
    path: str
    name: str
    """What stands behind /cgi-bin/, as `media/get`."""
    query: dict[str, str]
    body: bytes
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
    chance = world.chance("wecom", f"{name}#{number}")
    corp_id = world.wecom.corp_id
    knobs = world.knobs.for_sender(corp_id)
    if world.rules:
        subject = Subject(name, corp_id, "", "", "", "", number)
        ruled = world.rules.decide(subject, chance, world.clock.now())
        knobs = patched(knobs, ruled) if ruled is not None else knobs
    client: tuple[str, int] | None = scope["client"]
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return Call(
        method=scope["method"],
        path=scope["path"],
        name=name,
        query={field: values[-1] for field, values in query.items()},
        body=body,
        address=client[0] if client else "",
        chance=chance,
        knobs=knobs,
    )
