from dataclasses import dataclass, replace
from datetime import UTC, datetime

import hypothesis.strategies as st
from hypothesis import assume
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.fence import Bind, Bond, Live, Refuse, Stored, Tell, Verdict, Word, judge, last_of

THEN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HERE = Bond("kafka-1", "7001/5")


def stored(epoch: int, *, bond: Bond = HERE) -> Stored:
    return Stored(bond, a_word(epoch), THEN)


def a_word(epoch: int, of: str = "a") -> Word:
    return Word(epoch, f"{of}{epoch}", f"{of}{epoch - 1}")


def test_an_empty_pair_is_bound() -> None:
    assert judge(HERE, None, None) == Bind()


def test_who_says_what_kafka_heard_last_is_live() -> None:
    assert judge(HERE, stored(4), a_word(4)) == Live()


def test_a_word_that_a_crash_kept_from_kafka_is_said_again() -> None:
    assert judge(HERE, stored(5), a_word(4)) == Tell()


def test_a_topic_that_was_made_anew_hears_it_again() -> None:
    assert judge(HERE, stored(5), None) == Tell()


def test_a_backup_is_told_from_the_live_database() -> None:
    reasons = {
        "older": judge(HERE, stored(4), a_word(9)),
        "another copy": judge(HERE, stored(9), a_word(4, of="b")),
        "another Kafka": judge(replace(HERE, cluster="kafka-2"), stored(4), None),
        "from a dump": judge(replace(HERE, database="7001/6"), stored(4), a_word(4)),
        "another database": judge(HERE, None, a_word(4)),
    }

    for words, verdict in reasons.items():
        assert isinstance(verdict, Refuse)
        assert words in verdict.reason


def test_only_what_follows_the_last_word_counts_or_a_persons_own() -> None:
    late_of_a_copy = Word(3, "b3", "a2")
    by_a_person = Word(9, "c9", None, is_confirmed=True)

    assert last_of([a_word(1), a_word(2), a_word(3), late_of_a_copy]) == a_word(3)
    assert last_of([a_word(3), by_a_person, a_word(4)]) == by_a_person


@dataclass
class Copy:
    """A database, and what it is in truth."""

    bond: Bond
    says: Stored | None


class Copies(RuleBasedStateMachine):
    """Databases are copied, restored and confirmed; each looks now and then, as services do.

    A look may end between what it says to the database and what it says to Kafka.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kafka: list[Word] = []
        self.copies = [Copy(HERE, None)]
        self.backups: list[Stored] = []
        self.nonces = 0

    @rule(which=st.integers(0, 9), crashes=st.booleans())
    def look(self, which: int, *, crashes: bool) -> None:
        copy = self.copies[which % len(self.copies)]
        verdict = self._verdict(copy)
        if isinstance(verdict, Bind):
            copy.says = Stored(copy.bond, self._word(1, None), THEN)
        elif isinstance(verdict, Live) and copy.says is not None:
            word = copy.says.word
            copy.says = replace(copy.says, word=self._word(word.epoch + 1, word.nonce))
        elif isinstance(verdict, Refuse):
            return
        assert copy.says is not None
        if not crashes:
            self.kafka.append(copy.says.word)

    @rule(which=st.integers(0, 9), moved=st.booleans())
    def copy(self, which: int, *, moved: bool) -> None:
        assume(len(self.copies) < 4)
        original = self.copies[which % len(self.copies)]
        bond = Bond(HERE.cluster, f"copy/{len(self.copies)}") if moved else original.bond
        self.copies.append(Copy(bond, original.says))

    @rule(which=st.integers(0, 9))
    def back_up(self, which: int) -> None:
        says = self.copies[which % len(self.copies)].says
        if says is not None:
            self.backups.append(says)

    @rule(which=st.integers(0, 9), backup=st.integers(0, 9))
    def restore(self, which: int, backup: int) -> None:
        assume(bool(self.backups))
        self.copies[which % len(self.copies)].says = self.backups[backup % len(self.backups)]

    @rule(which=st.integers(0, 9))
    def confirm(self, which: int) -> None:
        copy = self.copies[which % len(self.copies)]
        spoken = [word.epoch for word in self.kafka]
        word = replace(self._word(max([0, *spoken]) + 1, None), is_confirmed=True)
        copy.says = Stored(copy.bond, word, THEN)
        self.kafka.append(word)

    @invariant()
    def all_that_may_go_on_say_the_same(self) -> None:
        agreeing = [c for c in self.copies if isinstance(self._verdict(c), Live)]
        assert len({c.says.word for c in agreeing if c.says is not None}) <= 1

    @rule()
    def two_that_say_the_same_are_one_after_either_has_looked(self) -> None:
        for number, copy in enumerate(self.copies):
            if isinstance(self._verdict(copy), Live):
                self.look(number, crashes=False)
                others = [c for c in self.copies if c is not copy]
                assert not any(isinstance(self._verdict(c), Live) for c in others)

    def _verdict(self, copy: Copy) -> Verdict:
        return judge(copy.bond, copy.says, last_of(self.kafka))

    def _word(self, epoch: int, previous: str | None) -> Word:
        self.nonces += 1
        return Word(epoch, f"n{self.nonces}", previous)


TestCopies = Copies.TestCase
