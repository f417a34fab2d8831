"""Who may not be written to, and by which words people say so (IM-21, CF-38)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from domain.answers import plain
from domain.failures import ErrorCode, Failure, Origin


class Wish(StrEnum):
    """What somebody wants of us."""

    OPT_OUT = "out"
    OPT_IN = "in"


class Scope(StrEnum):
    """Of which messages it is meant."""

    ALL = "all"
    MARKETING = "marketing"
    """Offers and announcements only: a switch in WhatsApp (WA 10). Orders may still be told of."""


class Reason(StrEnum):
    """How we know of it."""

    REPLY = "reply"
    """The person's own word or switch."""
    MANUAL = "manual"
    """Somebody of ours entered it, with the person's consent."""
    ERASED = "erased"
    """Everything about the person was to be forgotten. Only somebody of ours takes that back."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is known last of one person's wish."""

    wish: Wish
    scope: Scope
    reason: Reason
    since: datetime
    """When it was said."""

    @property
    def is_erasure(self) -> bool:
        """Whether the person is to be forgotten."""
        return self.reason is Reason.ERASED


@dataclass(frozen=True, slots=True)
class Words:
    """The words that are understood, as `plain` writes them."""

    opt_out: frozenset[str]
    opt_in: frozenset[str]

    @classmethod
    def of(cls, opt_out: Iterable[str], opt_in: Iterable[str]) -> Self:
        """Return the words. Raises `ValueError` where one says nothing, or means both."""
        words = cls(frozenset(map(_word, opt_out)), frozenset(map(_word, opt_in)))
        if both := words.opt_out & words.opt_in:
            raise ValueError(f"{min(both)!r} cannot mean both")
        return words


def wish_of(text: str, words: Words) -> Wish | None:
    """Return what a whole text says, None where it is about anything else.

    >>> words = Words.of(["STOP", "退订"], ["START"])
    >>> wish_of(" stop. ", words), wish_of("start", words)
    (<Wish.OPT_OUT: 'out'>, <Wish.OPT_IN: 'in'>)
    >>> wish_of("Don't stop", words) is None
    True
    """
    word = plain(text)
    if word in words.opt_out:
        return Wish.OPT_OUT
    return Wish.OPT_IN if word in words.opt_in else None


def overrules(new: Statement, old: Statement) -> bool:
    """Tell whether what was heard replaces what was known, in whatever order they are heard.

    The later one does, and of two of one moment the opt-out: providers tell whole seconds. What a
    person says does not take back an erasure.
    """
    if old.is_erasure and new.reason is Reason.REPLY:
        return False
    if new.is_erasure and old.reason is Reason.REPLY:
        return True
    return _order(new) > _order(old)


def in_force(statements: Iterable[Statement]) -> Statement | None:
    """Return the opt-out that stands against a person, None where none does.

    ``statements``: what is known for the sender and for every sender. In each scope the later one
    counts; the wider opt-out is returned.
    """
    newest: dict[Scope, Statement] = {}
    for one in statements:
        known = newest.get(one.scope)
        if known is None or overrules(one, known):
            newest[one.scope] = one
    standing = (newest.get(scope) for scope in (Scope.ALL, Scope.MARKETING))
    return next((one for one in standing if one and one.wish is Wish.OPT_OUT), None)


def refusal(opt_out: Statement | None, *, is_marketing: bool) -> Failure | None:
    """Return why a message may not be sent, given the opt-out in force."""
    if opt_out is None or (opt_out.scope is Scope.MARKETING and not is_marketing):
        return None
    if opt_out.is_erasure:
        return _local("the recipient was erased")
    if opt_out.scope is Scope.MARKETING:
        return _local("the recipient has opted out of marketing messages")
    return _local("the recipient has opted out")


def refusal_of_all(refused: Mapping[str, Failure], *, count: int) -> Failure | None:
    """Return why a message may not be sent at all: none of its ``count`` people is left.

    >>> refusal_of_all({}, count=1) is None
    True
    """
    if len(refused) < count:
        return None
    reasons = set(refused.values())
    return reasons.pop() if len(reasons) == 1 else _local("no recipient is left who wants it")


def _order(one: Statement) -> tuple[datetime, bool]:
    return one.since, one.wish is Wish.OPT_OUT


def _word(written: str) -> str:
    word = plain(written)
    if not word:
        raise ValueError(f"{written!r} is no word that somebody could answer with")
    return word


def _local(detail: str) -> Failure:
    return Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail=detail)
