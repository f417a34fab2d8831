"""Keeps order within a key while different keys run at once (architecture, promise 8).

A gate, not a runner: it says what may start now. At most one item of a key is outside; the next
one follows when that one is released.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerKey(Generic[T]):
    """Lets through one item a key at a time, each key's in the order they came."""

    def __init__(self, key: Callable[[T], Hashable]) -> None:
        self._key = key
        # A key is present while one of its items is outside; the items behind it wait here.
        self._waiting: dict[Hashable, deque[T]] = {}

    def admit(self, items: Iterable[T]) -> list[T]:
        """Return the items that may start now; keep the others."""
        free: list[T] = []
        for item in items:
            behind = self._waiting.get(self._key(item))
            if behind is None:
                self._waiting[self._key(item)] = deque()
                free.append(item)
            else:
                behind.append(item)
        return free

    def release(self, item: T) -> T | None:
        """Return the key's next item now that this one has ended, if there is one."""
        key = self._key(item)
        behind = self._waiting[key]
        if behind:
            return behind.popleft()
        del self._waiting[key]
        return None

    def drop(self, unwanted: Callable[[T], bool]) -> list[T]:
        """Forget the waiting items that are unwanted and return them; those outside stay there."""
        dropped: list[T] = []
        for key, behind in self._waiting.items():
            dropped += [item for item in behind if unwanted(item)]
            self._waiting[key] = deque(item for item in behind if not unwanted(item))
        return dropped
