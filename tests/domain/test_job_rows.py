from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.breaker import Outcomes
from domain.job_rows import News, RowState, Unsent, after, counted, unsent

news = st.lists(st.sampled_from(News), max_size=8)
states = st.sampled_from(RowState)


@given(st.sampled_from([RowState.WAITING, RowState.FED]), news, st.booleans())
def test_a_row_counts_once_whatever_is_heard_of_it(
    first: RowState,
    heard: list[News],
    cancelled: bool,  # noqa: FBT001 - drawn
) -> None:
    state, total = first, Outcomes()
    for one in heard:
        becomes = after(state, one, cancelled=cancelled)
        total += counted(state, becomes)
        state = becomes

    assert total == Outcomes(int(state is RowState.SETTLED), int(state is RowState.FAILED))


@given(st.sampled_from([RowState.WAITING, RowState.FED, RowState.CANCELLED]), news, st.booleans())
def test_a_row_that_is_cancelled_counts_once_and_as_recalled_where_it_was_heard_of(
    first: RowState,
    heard: list[News],
    cancelled: bool,  # noqa: FBT001 - drawn
) -> None:
    state, recalled, total = first, False, Unsent(cancelled=int(first is RowState.CANCELLED))
    for one in heard:
        becomes = after(state, one, cancelled=cancelled)
        total += unsent(state, becomes, recalled=recalled)
        state, recalled = becomes, becomes is RowState.CANCELLED

    ended = int(state is RowState.CANCELLED)
    assert total == Unsent(cancelled=ended, recalled=ended if heard else 0)


@given(states, st.sampled_from(News), st.booleans())
def test_the_same_news_again_changes_nothing(
    state: RowState,
    one: News,
    cancelled: bool,  # noqa: FBT001 - drawn
) -> None:
    once = after(state, one, cancelled=cancelled)

    assert after(once, one, cancelled=cancelled) is once


@given(st.sampled_from([RowState.WAITING, RowState.FED]), news, st.booleans())
def test_a_row_that_was_heard_of_takes_no_place_any_more(
    state: RowState,
    heard: list[News],
    cancelled: bool,  # noqa: FBT001 - drawn
) -> None:
    last = reduce(lambda now, one: after(now, one, cancelled=cancelled), heard, state)

    assert (last in (RowState.WAITING, RowState.FED)) == (not heard)


@pytest.mark.parametrize(
    ("state", "heard", "expected"),
    [
        (RowState.FED, [News.NEVER_SENT], RowState.CANCELLED),
        (RowState.CANCELLED, [News.NEVER_SENT], RowState.CANCELLED),
        (RowState.FED, [News.FAILED], RowState.FAILED),
        (RowState.CANCELLED, [News.REACHED], RowState.SETTLED),
        (RowState.FED, [News.REACHED, News.FAILED], RowState.FAILED),
        (RowState.FED, [News.FAILED, News.RECOVERED, News.REACHED], RowState.SETTLED),
        (RowState.SKIPPED, [News.REACHED], RowState.SKIPPED),
    ],
)
def test_what_becomes_of_a_row_of_a_cancelled_job(
    state: RowState, heard: list[News], expected: RowState
) -> None:
    assert reduce(lambda now, one: after(now, one, cancelled=True), heard, state) is expected


def test_a_message_that_nobody_took_has_failed_where_the_job_was_not_cancelled() -> None:
    assert after(RowState.FED, News.NEVER_SENT, cancelled=False) is RowState.FAILED
