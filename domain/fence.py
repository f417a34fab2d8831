"""Which copy of a database may act on the world, and which was only restored (IM-57).

The database and Kafka tell each other a word, renewed every few seconds by whoever runs: the
database first, then Kafka. So the live database is never behind Kafka, and of two copies only one
can go on: a word counts only if it follows the one before it, and Kafka's order decides which came
first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Word:
    """What database and Kafka have agreed on."""

    epoch: int
    """Grows with every word."""
    nonce: str
    previous: str | None
    """The nonce of the word before; None of the first."""
    is_confirmed: bool = False
    """Whether a person has said that this copy is the live one: it follows any word."""


@dataclass(frozen=True, slots=True)
class Bond:
    """Where a word was said: which Kafka cluster, which database."""

    cluster: str
    database: str
    """The data directory's identity and the database in it: a dump takes neither along."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says."""

    bond: Bond
    word: Word
    renewed_at: datetime


@dataclass(frozen=True, slots=True)
class Bind:
    """Neither has said anything yet: they become a pair."""


@dataclass(frozen=True, slots=True)
class Tell:
    """The database has said a word that Kafka has not heard."""


@dataclass(frozen=True, slots=True)
class Live:
    """Both say the same."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """This is not known to be the live copy."""

    reason: str


Verdict = Bind | Tell | Live | Refuse


def last_of(words: Iterable[Word]) -> Word | None:
    """Return the word that counts, of words in Kafka's order.

    The first one heard counts: what came before it may have been deleted for its age.
    """
    last: Word | None = None
    for word in words:
        last = following(last, word)
    return last


def following(last: Word | None, word: Word) -> Word:
    """Return which of the two counts after a word was said."""
    is_next = last is None or word.is_confirmed or word.previous == last.nonce
    return word if last is None or is_next else last


def judge(here: Bond, stored: Stored | None, heard: Word | None) -> Verdict:
    """Decide whether to act."""
    if stored is None:
        return Bind() if heard is None else _refuse("this Kafka belongs to another database")
    if stored.bond != here:
        return _misplaced(here, stored.bond)
    # A topic without a word was made anew, or nobody ran for longer than it keeps its records.
    if heard is None or heard.nonce == stored.word.previous:
        return Tell()
    if heard.nonce == stored.word.nonce:
        return Live()
    if heard.epoch > stored.word.epoch:
        return _refuse("the database is older than what Kafka has heard: a backup was restored")
    return _refuse("another copy of the database is the live one")


def _misplaced(here: Bond, said: Bond) -> Refuse:
    if said.cluster != here.cluster:
        return _refuse("the database belongs to another Kafka cluster")
    return _refuse("the database was restored from a dump, or copied")


def _refuse(why: str) -> Refuse:
    return Refuse(f"{why}; `sendtrail fence confirm` binds it, if it is the one live copy")
