from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.failures import Origin
from domain.lifecycle import (
    Delivered,
    Evidence,
    Fact,
    Failed,
    FailedAt,
    Read,
    Sent,
    Source,
    Started,
    Status,
    learn,
    merged,
)
from tests.domain.facts import (
    at,
    facts,
    failed_facts,
    inferred,
    known,
    moments,
    refused,
    success_facts,
)

RANK = {
    status: rank
    for rank, status in enumerate(
        [Status.PENDING, Status.SENDING, Status.SENT, Status.DELIVERED, Status.READ]
    )
}


@given(facts, st.data())
def test_any_order_and_repetition_of_the_facts_ends_in_the_same_evidence(
    heard: list[Fact], data: st.DataObject
) -> None:
    repeated = heard + data.draw(
        st.lists(st.sampled_from(heard), max_size=6) if heard else st.just(heard)
    )
    disordered = data.draw(st.permutations(repeated))

    evidence = known(disordered)

    assert evidence == known(heard)


@given(facts, failed_facts | success_facts)
def test_a_fact_heard_twice_says_nothing_new(heard: list[Fact], fact: Fact) -> None:
    once = learn(known(heard), fact)

    twice = learn(once, fact)

    assert twice == once


@given(facts, failed_facts | success_facts, failed_facts | success_facts)
def test_two_facts_may_change_places(heard: list[Fact], one: Fact, other: Fact) -> None:
    before = known(heard)

    evidence = learn(learn(before, one), other)

    assert evidence == learn(learn(before, other), one)


@given(facts, success_facts)
def test_good_news_never_takes_a_message_back(heard: list[Fact], news: Fact) -> None:
    before = known(heard).status

    after = known([*heard, news]).status

    if before is not Status.FAILED:
        assert after is not Status.FAILED
        assert RANK[after] >= RANK[before]


@given(facts)
def test_the_status_is_what_the_rules_say_of_the_set_of_facts(heard: list[Fact]) -> None:
    deliveries = [f.at for f in heard if isinstance(f, Delivered | Read)]
    refusals = [
        f.at for f in heard if isinstance(f, Failed) and f.failure.origin is Origin.PROVIDER
    ]
    kinds = {type(fact) for fact in heard}

    status = known(heard).status

    if refusals and (not deliveries or min(refusals) < min(deliveries)):
        assert status is Status.FAILED
    elif deliveries:
        assert status is (Status.READ if Read in kinds else Status.DELIVERED)
    elif Sent in kinds:
        assert status is Status.SENT
    elif Failed in kinds:
        assert status is Status.FAILED
    else:
        assert status is (Status.SENDING if Started in kinds else Status.PENDING)


@given(facts)
def test_there_is_an_error_exactly_while_the_status_is_failed(heard: list[Fact]) -> None:
    evidence = known(heard)

    error = evidence.failed

    assert (error is not None) == (evidence.status is Status.FAILED)


@given(facts, moments)
def test_a_read_message_was_delivered(heard: list[Fact], moment: datetime) -> None:
    evidence = known([*heard, Read(moment)])

    assert evidence.delivered_at is not None
    assert evidence.read_at is not None
    assert evidence.delivered_at <= evidence.read_at


@pytest.mark.parametrize(
    ("heard", "status"),
    [
        ([], Status.PENDING),
        ([Started(at(0))], Status.SENDING),
        ([Started(at(0)), Sent(at(1))], Status.SENT),
        ([Sent(at(1)), Delivered(at(2))], Status.DELIVERED),
        ([Delivered(at(2)), Read(at(3))], Status.READ),
        ([Started(at(0)), refused(1)], Status.FAILED),
        ([Started(at(0)), inferred(1)], Status.FAILED),
    ],
)
def test_a_message_takes_the_steps_of_its_life(heard: list[Fact], status: Status) -> None:
    assert known(heard).status is status


def test_a_late_delivered_after_read_fills_its_time_and_changes_nothing_else() -> None:
    read = known([Started(at(0)), Sent(at(1)), Read(at(5))])

    after = learn(read, Delivered(at(3)))

    assert after.delivered_at == at(3)
    assert (after.status, after.read_at, after.sent_at) == (Status.READ, at(5), at(1))


@given(st.lists(success_facts.filter(lambda fact: fact.at > at(1)), max_size=6))
def test_a_failure_the_provider_reported_before_any_delivery_stays(later: list[Fact]) -> None:
    failed = learn(Evidence(), refused(1, "131026"))

    after = known([refused(1, "131026"), *later])

    assert after.status is Status.FAILED
    assert after.failed == failed.failed


@pytest.mark.parametrize("proof", [Sent(at(9)), Delivered(at(9)), Read(at(9))])
def test_evidence_of_success_overrules_a_failure_we_only_inferred(proof: Fact) -> None:
    given_up = known([Started(at(0)), inferred(5)])

    after = learn(given_up, proof)

    assert after.status is not Status.FAILED
    assert after.failed is None


def test_having_merely_started_does_not_overrule_an_inferred_failure() -> None:
    evidence = known([inferred(5), Started(at(9))])

    assert evidence.status is Status.FAILED


@pytest.mark.parametrize(
    ("failed_at", "status"),
    [(1, Status.FAILED), (2, Status.DELIVERED), (3, Status.DELIVERED)],
)
def test_delivered_and_failed_are_settled_by_the_providers_clock_not_by_arrival(
    failed_at: int, status: Status
) -> None:
    pair: list[Fact] = [Delivered(at(2)), refused(failed_at)]

    assert known(pair).status is status
    assert known(reversed(pair)).status is status


def test_a_refusal_is_told_rather_than_our_own_conclusion() -> None:
    evidence = known([inferred(1), refused(4, "131031")])

    assert evidence.failed == FailedAt(at(4), refused(4, "131031").failure)


def test_an_inferred_failure_is_told_where_no_provider_reported_one() -> None:
    evidence = known([inferred(1)])

    assert evidence.failed == FailedAt(at(1), inferred(1).failure)


def test_of_two_failures_of_one_moment_the_same_one_is_told_in_either_order() -> None:
    nameless, empty = refused(1, None), refused(1, "")

    assert repr(known([nameless, empty])) == repr(known([empty, nameless]))


def test_one_moment_told_in_two_zones_is_one_moment() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))

    evidence = known([Sent(at(1)), Sent(at(1).astimezone(kathmandu))])

    assert evidence == known([Sent(at(1))])


def test_the_words_of_the_lifecycle_are_those_of_the_catalogue() -> None:
    assert [*Status] == ["pending", "sending", "sent", "delivered", "read", "failed"]
    assert [*Source] == ["webhook", "polling", "manual"]


@given(facts, facts)
def test_two_pieces_of_evidence_add_up_to_what_all_their_facts_say(
    some: list[Fact], others: list[Fact]
) -> None:
    assert merged(known(some), known(others)) == known([*some, *others])
