"""Which rule of the control plane decides a call (section 6, first way)."""

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from simulator.chance import Chance
from simulator.knobs import Changes, Knobs, Ratio, patched


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """What a call must look like; every condition that is set must hold."""

    call: str | None = None
    """`send`, `read`, or the last part of another call's path."""
    sender: str | None = None
    recipient: str | None = None
    """Digits without `+`."""
    recipient_prefix: str | None = None
    recipient_suffix: str | None = None
    template: str | None = None
    text_contains: str | None = None
    opaque: str | None = None
    opaque_prefix: str | None = None
    nth: int | None = None
    """The n-th call for one message, from 1."""
    ratio: Ratio = 1
    """Probability, decided once a message and attempt."""


class RuleBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as it is ordered."""

    knobs: dict[str, object]
    match: Match = Match()
    count: int | None = None
    """How often it fires; none: until it is deleted."""
    for_s: float | None = None
    """Simulated seconds it lives; none: until it is deleted."""


@dataclass(slots=True, frozen=True)
class Subject:
    """What rules look at."""

    call: str
    sender: str
    recipient: str
    template: str
    text: str
    opaque: str
    attempt: int


@dataclass(slots=True)
class Rule:
    """A rule at work."""

    id: int
    body: RuleBody
    ends_at: float | None
    fired: int = 0

    def is_alive(self, now: float) -> bool:
        """Say whether it may still fire."""
        used_up = self.body.count is not None and self.fired >= self.body.count
        return not used_up and (self.ends_at is None or now < self.ends_at)

    def matches(self, subject: Subject, chance: Chance) -> bool:
        """Say whether every condition holds."""
        match = self.body.match
        equal = (
            (match.call, subject.call),
            (match.sender, subject.sender),
            (match.recipient, subject.recipient),
            (match.template, subject.template),
            (match.opaque, subject.opaque),
            (match.nth, subject.attempt),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in equal)
            and subject.recipient.startswith(match.recipient_prefix or "")
            and subject.recipient.endswith(match.recipient_suffix or "")
            and subject.opaque.startswith(match.opaque_prefix or "")
            and (match.text_contains or "") in subject.text
            and chance.happens(f"rule.{self.id}", match.ratio)
        )


class RuleBook:
    """All rules in the order in which they were given; the first match wins."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}
        self._last_id = 0

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, body: RuleBody, now: float) -> Rule:
        """Add a rule. Raises KnobError when a knob does not exist."""
        patched(Knobs(), body.knobs)
        self._last_id += 1
        ends_at = None if body.for_s is None else now + body.for_s
        self._rules[self._last_id] = rule = Rule(self._last_id, body, ends_at)
        return rule

    def remove(self, rule_id: int) -> bool:
        """Remove a rule; false when there is none of this id."""
        return self._rules.pop(rule_id, None) is not None

    def decide(self, subject: Subject, chance: Chance, now: float) -> Changes | None:
        """Return the knobs of the first rule that matches, and count it as fired."""
        for rule in self._rules.values():
            if rule.is_alive(now) and rule.matches(subject, chance):
                rule.fired += 1
                return rule.body.knobs
        return None

    def listed(self) -> list[dict[str, object]]:
        """Return all rules, ready for JSON."""
        return [
            {"id": rule.id, "fired": rule.fired, "rule": msgspec.to_builtins(rule.body)}
            for rule in self._rules.values()
        ]
