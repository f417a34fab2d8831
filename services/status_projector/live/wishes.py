"""Who wants to hear of what: wishes, and an index that finds the clients of an event by its keys.

The tenant is a part of every entry, so nobody is even looked at for another tenant's events.
"""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Annotated, Final, Generic, Protocol, TypeVar

import msgspec

from runtime.bodies import decode
from services.status_projector.live.events import EVERYTHING, Event, Key, Subject

MOST_KEYS: Final = 1_000
"""Of one client."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to hear of, each by its ids."""

    messages: tuple[Id, ...] = ()
    jobs: tuple[Id, ...] = ()
    conversations: tuple[Id, ...] = ()
    contacts: tuple[Id, ...] = ()
    orders: tuple[Id, ...] = ()
    tasks: tuple[Id, ...] = ()
    """Tasks, their pushes, group sends."""
    everything: bool = False

    def keys(self) -> set[Key]:
        """Return it as entries of the index."""
        named = {(s.value, named) for s in Subject for named in getattr(self, s.value)}
        return named | ({EVERYTHING} if self.everything else set[Key]())


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client may say while it is connected; done in this order."""

    unsubscribe: Wish | None = None
    subscribe: Wish | None = None
    resume: str | None = None
    """A cursor to go on from."""


_DECODER: Final = msgspec.json.Decoder(Order)


def order_of(text: str) -> Order:
    """Return what the client said. Raises `InvalidInput` naming the field."""
    return decode(_DECODER, text.encode())


class Listener(Protocol):
    """Whom the index keeps."""

    @property
    def tenant_id(self) -> str | None:
        """Whose events alone it hears; None: everybody's."""
        ...

    @property
    def keys(self) -> AbstractSet[Key]:
        """What it wants to hear of."""
        ...


L = TypeVar("L", bound=Listener)
_Entry = tuple[str | None, Key]


class Index(Generic[L]):
    """Listeners by what they want: an event costs a look a key of its own, however many listen."""

    def __init__(self) -> None:
        self._entries: defaultdict[_Entry, set[L]] = defaultdict(set)

    def add(self, listener: L, keys: Iterable[Key]) -> None:
        """Let it hear of the keys as well."""
        for key in keys:
            self._entries[listener.tenant_id, key].add(listener)

    def remove(self, listener: L, keys: Iterable[Key]) -> None:
        """Let it hear of the keys no more."""
        for key in keys:
            entry = (listener.tenant_id, key)
            if (listeners := self._entries.get(entry)) is not None:
                listeners.discard(listener)
                if not listeners:
                    del self._entries[entry]

    def listeners(self, event: Event) -> AbstractSet[L]:
        """Return whom the event concerns."""
        return self.of(event.tenant_id, event.keys)

    def of(self, tenant_id: str | None, keys: Iterable[Key]) -> AbstractSet[L]:
        """Return who listens to any of these of a tenant, or to everything of it."""
        tenants = (None,) if tenant_id is None else (None, tenant_id)
        entries = self._entries
        found = [
            listeners
            for key in (EVERYTHING, *keys)
            for tenant in tenants
            if (listeners := entries.get((tenant, key)))
        ]
        return found[0] if len(found) == 1 else set[L]().union(*found)


def covers(listener: Listener, event: Event) -> bool:
    """Return whether the event is among what the listener wants and may hear of."""
    if listener.tenant_id is not None and listener.tenant_id != event.tenant_id:
        return False
    keys = listener.keys
    return EVERYTHING in keys or any(key in keys for key in event.keys)
