"""How far a partition's records are finished, whatever the order they finish in.

Only the finished prefix may be committed: a restart then repeats what was unfinished and never
skips it (IM-12).
"""


class PartitionProgress:
    """The records of one partition that were handed out since it was assigned."""

    def __init__(self) -> None:
        # In order of offsets, because records are handed out in that order.
        self._open: dict[int, None] = {}
        # Those of them that nobody works on any more.
        self._forgotten: set[int] = set()
        self._next: int | None = None

    @property
    def in_flight(self) -> int:
        """How many records are handed out and not finished."""
        return len(self._open)

    @property
    def awaited(self) -> int:
        """How many records somebody still works on."""
        return len(self._open) - len(self._forgotten)

    def start(self, offset: int) -> None:
        """Note that the record is handed out; offsets only grow."""
        self._check(offset)
        self._open[offset] = None
        self._next = offset + 1

    def pass_over(self, offset: int) -> None:
        """Note that the record is nobody's work here: finished as soon as those before it are."""
        self._check(offset)
        self._next = offset + 1

    def finish(self, offset: int) -> None:
        """Note that the record is dealt with; doing so twice changes nothing."""
        self._open.pop(offset, None)
        self._forgotten.discard(offset)

    def forget(self, offset: int) -> None:
        """Note that the record will not be finished here: it stays open, and is not waited for."""
        if offset in self._open:
            self._forgotten.add(offset)

    @property
    def committable(self) -> int | None:
        """The offset to continue from after a restart; None before the first record."""
        return next(iter(self._open), self._next)

    def _check(self, offset: int) -> None:
        if self._next is not None and offset < self._next:
            raise ValueError(f"offset {offset} was handed out before")
