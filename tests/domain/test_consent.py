"""Who may not be written to, and what somebody has to say for it."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consent import (
    Reason,
    Scope,
    Statement,
    Wish,
    Words,
    in_force,
    overrules,
    refusal,
    wish_of,
)
from domain.failures import ErrorCode, Origin

WORDS = Words.of(["STOP", "UNSUBSCRIBE", "退订", "TD"], ["START", "UNSTOP", "恢复订阅"])
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

around = st.text(" \t\n.,!?\"'“”。「」-_*", max_size=6)
moments = st.integers(0, 3).map(lambda minutes: NOON + timedelta(minutes=minutes))
wishes = st.sampled_from(Wish)


def said(wish: Wish, minutes: int = 0, **more: Scope | Reason) -> Statement:
    """Return what was said so many minutes after noon."""
    told = {"scope": Scope.ALL, "reason": Reason.REPLY, **more}
    return Statement(wish, since=NOON + timedelta(minutes=minutes), **told)  # type: ignore[arg-type]


statements = st.builds(
    Statement, wishes, st.just(Scope.ALL), st.sampled_from([Reason.REPLY, Reason.MANUAL]), moments
)


@given(around, st.sampled_from(["stop", "Stop", "STOP", "ＳＴＯＰ", "退订", "td"]), around)  # noqa: RUF001 - full-width, as Chinese keyboards write
def test_a_word_is_known_in_any_case_and_with_any_marks_around_it(
    before: str, word: str, after: str
) -> None:
    assert wish_of(before + word + after, WORDS) is Wish.OPT_OUT


@given(st.sampled_from(["start", "UNSTOP", "恢复订阅"]), around)
def test_the_other_words_let_in_again(word: str, after: str) -> None:
    assert wish_of(word + after, WORDS) is Wish.OPT_IN


@given(
    st.sampled_from(["stop", "退订", "START"]),
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=50),
    st.booleans(),
)
def test_a_word_among_others_says_nothing(word: str, other: str, is_first: bool) -> None:  # noqa: FBT001 - drawn
    text = f"{word} {other}" if is_first else f"{other} {word}"

    assert wish_of(text, WORDS) is None


@pytest.mark.parametrize(
    "text",
    ["please stop", "stop it", "Don't stop!", "stop start", "", "!", "s t o p", "STOP" + " " * 99],
)
def test_what_is_no_such_word_says_nothing(text: str) -> None:
    assert wish_of(text, WORDS) is None


@pytest.mark.parametrize(
    ("out", "back", "why"),
    [(["stop"], ["go", "Stop!"], "both"), (["!"], [], "no word"), ([], ["x" * 65], "no word")],
)
def test_words_that_cannot_be_told_apart_are_refused(
    out: list[str], back: list[str], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        Words.of(out, back)


@given(st.lists(statements.filter(lambda one: one.reason is Reason.REPLY), min_size=1, max_size=5))
def test_in_whatever_order_replies_are_heard_the_same_one_counts(heard: list[Statement]) -> None:
    ends: set[Statement] = set()
    for order in permutations(heard):
        known, *later = order
        for one in later:
            known = one if overrules(one, known) else known
        ends.add(known)

    [end] = ends
    assert end.since == max(one.since for one in heard)


def test_of_two_words_of_one_second_the_opt_out_counts() -> None:
    out, back = said(Wish.OPT_OUT), said(Wish.OPT_IN)

    assert overrules(out, back)
    assert not overrules(back, out)
    assert not overrules(out, out)


def test_an_erasure_gives_way_to_somebody_of_ours_only() -> None:
    erased = said(Wish.OPT_OUT, reason=Reason.ERASED)

    assert not overrules(said(Wish.OPT_IN, 5), erased)
    assert overrules(erased, said(Wish.OPT_IN, 5))
    assert overrules(said(Wish.OPT_IN, 5, reason=Reason.MANUAL), erased)
    assert not overrules(said(Wish.OPT_IN, -5, reason=Reason.MANUAL), erased)


def test_the_later_of_what_was_said_to_one_and_to_every_sender_counts() -> None:
    out_for_all, back_for_one = said(Wish.OPT_OUT, 1), said(Wish.OPT_IN, 2)

    assert in_force([out_for_all]) == out_for_all
    assert in_force([out_for_all, back_for_one]) is None
    assert in_force([said(Wish.OPT_OUT, 3), back_for_one]) == said(Wish.OPT_OUT, 3)
    assert in_force([]) is None


@given(st.permutations([said(Wish.OPT_OUT, 1), said(Wish.OPT_OUT, 2, scope=Scope.MARKETING)]))
def test_the_wider_opt_out_stands_before_the_narrower(order: list[Statement]) -> None:
    found = in_force(order)

    assert found is not None
    assert found.scope is Scope.ALL


def test_resuming_offers_takes_no_other_word_back() -> None:
    found = in_force([said(Wish.OPT_OUT, 1), said(Wish.OPT_IN, 2, scope=Scope.MARKETING)])

    assert found == said(Wish.OPT_OUT, 1)


@pytest.mark.parametrize(
    ("opt_out", "detail"),
    [
        (said(Wish.OPT_OUT), "the recipient has opted out"),
        (said(Wish.OPT_OUT, reason=Reason.MANUAL), "the recipient has opted out"),
        (said(Wish.OPT_OUT, reason=Reason.ERASED), "the recipient was erased"),
        (
            said(Wish.OPT_OUT, scope=Scope.MARKETING),
            "the recipient has opted out of marketing messages",
        ),
    ],
)
def test_a_refusal_says_why(opt_out: Statement, detail: str) -> None:
    failure = refusal(opt_out, is_marketing=True)

    assert failure is not None
    assert (failure.code, failure.origin) == (ErrorCode.UNKNOWN_ERROR, Origin.LOCAL)
    assert failure.detail == detail


def test_who_wants_no_offers_is_still_told_of_an_order() -> None:
    assert refusal(said(Wish.OPT_OUT, scope=Scope.MARKETING), is_marketing=False) is None
    assert refusal(None, is_marketing=True) is None
