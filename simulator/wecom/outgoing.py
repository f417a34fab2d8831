"""What the app has sent to members: repetitions, recalls, limits (WX 5, 6)."""

from dataclasses import dataclass, field

from simulator.clock import SimClock
from simulator.wecom.limits import HOUR_S, MINUTE_S, MemberLimits, Window

_DAY_S = 86_400
_CODE_LIVES_S = 72 * 3600


class Outgoing:
    """The app's messages as far as later calls depend on them."""

    def __init__(self) -> None:
        self.to_members = MemberLimits((30, MINUTE_S), (1000, HOUR_S))
        self.to_chats = MemberLimits((200, MINUTE_S), (10_000, _DAY_S))
        self.person_times = Window(MINUTE_S)
        """Of all chats together."""
        self._sent: dict[str, float] = {}
        self._checked: dict[str, tuple[str, float]] = {}

    def repeated(self, key: str, now: float) -> str | None:
        """Return the id of the same message where a check for repetitions still holds."""
        msgid, until = self._checked.get(key, ("", 0.0))
        return msgid if now < until else None

    def note(self, key: str, msgid: str, now: float, checked_until: float) -> None:
        """Keep that a message was sent."""
        self._sent[msgid] = now
        self._checked[key] = (msgid, checked_until)

    def sent_at(self, msgid: str) -> float | None:
        """Return when a message was sent; none where it is not one of the app's."""
        return self._sent.get(msgid)


@dataclass(slots=True)
class Cards:
    """The cards of the app that have been sent."""

    clock: SimClock
    _task_ids: set[str] = field(default_factory=set[str])
    _codes: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, task_id: str) -> bool:
        """Keep a card's task id; false when another card of the app has it."""
        is_new = task_id not in self._task_ids
        if task_id:
            self._task_ids.add(task_id)
        return is_new

    def give(self, code: str) -> None:
        """Let a code be used once within 72 hours."""
        self._codes[code] = self.clock.now() + _CODE_LIVES_S

    def use(self, code: str) -> bool:
        """Use a code up; false when it is none, too old, or was used before."""
        return self.clock.now() < self._codes.pop(code, 0.0)


class AppChats:
    """Group chats that the app has made."""

    def __init__(self) -> None:
        self.made = Window(_DAY_S)
        self._members: dict[str, list[str]] = {}

    def add(self, chat_id: str, members: list[str]) -> bool:
        """Make a chat; false when there is one of this id."""
        return self._members.setdefault(chat_id, members) is members

    def members_of(self, chat_id: str) -> list[str] | None:
        """Return who is in a chat; none where the app has made none of this id."""
        return self._members.get(chat_id)
