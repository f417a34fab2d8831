"""WeChat customer service: what customers said, to be fetched page by page (WX 10)."""

from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.clock import SimClock
from simulator.tencent.documents import Json
from simulator.wecom.cursors import cursor_at, position

_TOKEN_LIVES_S = 600
_KEPT_S = 3 * 86_400
_MINUTE_S = 60
_WITHOUT_TOKEN_A_MINUTE = 5


class Page(NamedTuple):
    """A part of what was said."""

    messages: list[Json]
    next_cursor: str
    has_more: bool


@dataclass(slots=True)
class _Account:
    """One customer-service account."""

    said: list[tuple[float, Json]] = field(default_factory=list[tuple[float, Json]])
    tokenless: list[float] = field(default_factory=list[float])


class Desk:
    """All customer-service accounts of the company, each made by its first message."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        """Token of an event -> the account it is for, and its end."""

    def add(self, open_kfid: str, message: Json) -> None:
        """Keep what was said."""
        account = self._accounts.setdefault(open_kfid, _Account())
        account.said.append((self._clock.now(), message))

    def give_token(self, open_kfid: str, token: str) -> None:
        """Let a token be used for the next ten minutes."""
        self._tokens[token] = (open_kfid, self._clock.now() + _TOKEN_LIVES_S)

    def is_known(self, open_kfid: str) -> bool:
        """Say whether there is such an account."""
        return open_kfid in self._accounts

    def is_token(self, open_kfid: str, token: str) -> bool:
        """Say whether an event gave this token for this account, not long ago."""
        account, ends_at = self._tokens.get(token, ("", 0.0))
        return account == open_kfid and self._clock.now() < ends_at

    def may_ask_without(self, open_kfid: str) -> bool:
        """Count a call without a token; false where there were too many."""
        asked = self._accounts[open_kfid].tokenless
        now = self._clock.now()
        asked[:] = [moment for moment in asked if moment > now - _MINUTE_S] + [now]
        return len(asked) <= _WITHOUT_TOKEN_A_MINUTE

    def page(self, open_kfid: str, cursor: str, size: int) -> Page | None:
        """Return what comes after a cursor; none where the cursor is not ours.

        A size of 0 makes an empty page that is not the last.
        """
        said = self._accounts[open_kfid].said
        start = position(open_kfid, cursor)
        if start is None or start > len(said):
            return None
        oldest = self._clock.now() - _KEPT_S
        while start < len(said) and said[start][0] < oldest:
            start += 1
        messages = [message for _, message in said[start : start + size]]
        end = start + len(messages)
        return Page(messages, cursor_at(open_kfid, end), end < len(said))
