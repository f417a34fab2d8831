"""Which knobs hold for a call: world, then sender, then magic recipient, then rule (section 7)."""

from simulator.knobs import Changes, Knobs, as_dict, patched
from simulator.profiles import PROFILES

NOBODY = ""  # the scope of the whole world
NO_ROW = -1


class KnobBook:
    """The world's knobs and the changes ordered for single senders."""

    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.age = 0
        """How often it has started over."""
        self._world = PROFILES[profile]
        self._changes: dict[str, dict[str, object]] = {}
        self._resolved: dict[tuple[str, int], Knobs] = {}

    @property
    def world(self) -> Knobs:
        """The knobs of the whole world."""
        return self._world

    def start_over(self, profile: str) -> None:
        """Drop every change and take this profile."""
        self.profile = profile
        self.age += 1
        self._world = PROFILES[profile]
        self._changes.clear()
        self._resolved.clear()

    def change(self, changes: Changes, sender: str = NOBODY) -> Changes:
        """Set knobs for the world or one sender; return what undoes it.

        Raises KnobError before anything has changed.
        """
        held = as_dict(self.for_sender(sender))
        if sender == NOBODY:
            self._world = patched(self._world, changes)
        else:
            patched(self._world, changes)
            self._changes.setdefault(sender, {}).update(changes)
        self._resolved.clear()
        return {name: held[name] for name in changes}

    def undo(self, was: Changes, sender: str, age: int) -> None:
        """Put back what a change returned, unless the book of that age is gone."""
        if age == self.age:
            self.change(was, sender)

    def for_sender(self, sender: str) -> Knobs:
        """Return the knobs that hold for a sender."""
        return self.resolve(sender, NO_ROW, None)

    def resolve(self, sender: str, row: int, changes: Changes | None) -> Knobs:
        """Return the knobs for a sender with the changes of one row of a table laid over them.

        The row number (NO_ROW: none) names the changes, so that the result can be kept.
        """
        key = (sender, row)
        knobs = self._resolved.get(key)
        if knobs is None:
            knobs = patched(self._world, self._changes.get(sender, {}))
            knobs = patched(knobs, changes) if changes else knobs
            self._resolved[key] = knobs
        return knobs
