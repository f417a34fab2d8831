"""Whatever rounds results come in, each is told once and the message has one word of its own."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from schemas.topics.provider_events import StatusReported
from services.dispatcher.results import told_by
from services.dispatcher.store.follow_ups import FollowUp
from tests.given import NOON, a_failure, a_status_reported
from tests.services.dispatcher.gazette import GAZETTE, an_issue

REQUEST = an_issue()
BEGUN = FollowUp(REQUEST.message_id, GAZETTE, "g.1", b"", NOON, NOON)


def a_result(who: str, status: Literal["sent", "failed"], second: int) -> StatusReported:
    return a_status_reported(
        channel=GAZETTE,
        provider_message_id="g.1",
        participant=who,
        status=status,
        occurred_at=NOON + timedelta(seconds=second),
        failure=a_failure() if status == "failed" else None,
    )


everybody = st.lists(
    st.builds(
        a_result, st.text("abc", min_size=1), st.sampled_from(["sent", "failed"]), st.integers(0, 9)
    ),
    unique_by=lambda one: one.participant,
    min_size=1,
)


@st.composite
def rounds(draw: st.DrawFn) -> list[list[StatusReported]]:
    """Draw results and deal them out; a provider may go on telling what it has told."""
    results = draw(everybody)
    dealt: list[list[StatusReported]] = [[] for _ in range(draw(st.integers(1, 4)))]
    for result in results:
        first = draw(st.integers(0, len(dealt) - 1))
        last = draw(st.integers(first, len(dealt) - 1))
        for some in dealt[first : last + 1]:
            some.append(result)
    return dealt


def all_told(dealt: list[list[StatusReported]]) -> list[StatusReported]:
    """Return what is told in all rounds, the last of which is the end."""
    known, events = BEGUN, list[StatusReported]()
    for number, results in enumerate(dealt, start=1):
        told = told_by(known, REQUEST, results, is_last=number == len(dealt))
        known = replace(known, already=told.already, tally=told.tally)
        events += told.events
    return events


@given(rounds())
def test_each_participants_result_is_told_once(dealt: list[list[StatusReported]]) -> None:
    told = [one for one in all_told(dealt) if one.participant is not None]

    results = {(one.participant, one.status) for some in dealt for one in some}
    assert {(one.participant, one.status) for one in told} == results
    assert len(told) == len(results)
    assert {(one.message_id, one.polled) for one in told} == {(REQUEST.message_id, True)}


@given(rounds())
def test_the_message_has_one_word_sent_if_anybody_got_it(
    dealt: list[list[StatusReported]],
) -> None:
    words = [one for one in all_told(dealt) if one.participant is None]

    statuses = {one.status for some in dealt for one in some}
    assert [one.status for one in words] == ["sent" if "sent" in statuses else "failed"]
    assert (words[0].failure is not None) == (words[0].status == "failed")


def test_a_result_that_names_nobody_is_the_messages_own_word() -> None:
    own = a_status_reported(channel=GAZETTE, status="delivered")

    told = told_by(BEGUN, REQUEST, [own], is_last=True)

    assert [(one.participant, one.status) for one in told.events] == [(None, "delivered")]
