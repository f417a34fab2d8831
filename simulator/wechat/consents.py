"""How many subscribe messages a user still takes of each template (WX 14.2)."""

from collections import Counter, defaultdict

from simulator.wechat.magic import openid_of

Pair = tuple[str, str]
"""Openid and template."""


class Consents:
    """A counter for each user and template: accepting adds one, each message takes one."""

    def __init__(self, users: int) -> None:
        """``users``: how many have consented at the start; how often, a knob says."""
        self._users = frozenset(openid_of(number) for number in range(1, users + 1))
        self._change: Counter[Pair] = Counter()
        self._off: set[Pair] = set()
        self._last_sent: defaultdict[Pair, float] = defaultdict(lambda: float("-inf"))

    def left(self, openid: str, template: str, at_the_start: int) -> int:
        """Return how many messages may still be sent."""
        if openid.endswith("_sentfail"):
            return 1
        if openid.endswith("_noconsent"):
            return 0
        pair = (openid, template)
        has_start = openid in self._users and pair not in self._off
        return self._change[pair] + (at_the_start if has_start else 0)

    def accept(self, openid: str, template: str, count: int = 1) -> None:
        """Let a user consent once more."""
        self._change[openid, template] += count

    def switch_off(self, openid: str, template: str) -> None:
        """Let a user refuse the template from now on."""
        self._change[openid, template] = 0
        self._off.add((openid, template))

    def is_together(self, openid: str, template: str, now: float, within_s: float) -> bool:
        """Say whether the same template went to the same user a moment ago."""
        return now - self._last_sent[openid, template] < within_s

    def use(self, openid: str, template: str, now: float) -> None:
        """Take one consent for a message."""
        self._change[openid, template] -= 1
        self._last_sent[openid, template] = now
