from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId
from domain.ledger import (
    Accept,
    Doubt,
    Halt,
    HoldUntil,
    LedgerPolicy,
    Reject,
    Tries,
    Verdict,
    WaitUntil,
    after_grace,
    after_reply,
    may_call,
)
from domain.outcomes import Accepted, Deferred, InDoubt, Rejected, Scope, SenderBroken, Throttled
from domain.retries import RetryPolicy
from tests.domain.facts import NOON

POLICY = LedgerPolicy(RetryPolicy(), settle_after=timedelta(minutes=10))
THROTTLED = Failure(ErrorCode.SEND_INTERVAL_LIMIT, Origin.LOCAL, "130429")
REFUSED = Failure(ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER, "131026")


def test_an_accepted_send_is_final_and_named() -> None:
    verdict = after_reply(
        POLICY, Accepted(ProviderMessageId("wamid.1")), Tries(1), now=NOON, chance=0
    )

    assert verdict == Accept(ProviderMessageId("wamid.1"))


def test_a_refused_send_is_final_and_keeps_its_reason() -> None:
    verdict = after_reply(POLICY, Rejected(REFUSED), Tries(1), now=NOON, chance=0)

    assert verdict == Reject(REFUSED)


@pytest.mark.parametrize("attempt", [1, 4, 99])
def test_a_send_in_doubt_is_left_alone_for_the_grace_period(attempt: int) -> None:
    verdict = after_reply(POLICY, InDoubt(THROTTLED), Tries(attempt), now=NOON, chance=0)

    assert verdict == Doubt(NOON + timedelta(minutes=10))


def test_a_deferred_send_waits_as_long_as_the_provider_asks() -> None:
    asked = Deferred(THROTTLED, retry_after=timedelta(seconds=30))

    verdict = after_reply(POLICY, asked, Tries(1), now=NOON, chance=0)

    assert verdict == WaitUntil(NOON + timedelta(seconds=30), THROTTLED)


def test_a_deferred_send_is_given_up_with_its_reason_when_its_attempts_are_used_up() -> None:
    verdict = after_reply(POLICY, Deferred(THROTTLED), Tries(4), now=NOON, chance=0)

    assert verdict == Reject(THROTTLED)


@given(st.integers(1, 1_000))
def test_a_throttled_send_is_never_given_up_for_that(throttled: int) -> None:
    tries = Tries(attempt=throttled + 1, throttled=throttled)
    no_room = Throttled(THROTTLED, Scope.SENDER)

    verdict = after_reply(POLICY, no_room, tries, now=NOON, chance=0)

    assert isinstance(verdict, HoldUntil)
    assert timedelta(0) < verdict.due_at - NOON <= timedelta(seconds=30)


def test_attempts_that_found_no_room_do_not_count_against_the_message() -> None:
    tries = Tries(attempt=9, throttled=6)

    verdict = after_reply(POLICY, Deferred(THROTTLED), tries, now=NOON, chance=0)

    assert verdict == WaitUntil(NOON + timedelta(seconds=2), THROTTLED)


def test_what_nobody_can_tell_is_failed_as_unknown_by_our_own_conclusion() -> None:
    verdict = after_grace(POLICY, Tries(1), now=NOON, resend_allowed=False)

    assert verdict == Reject(Failure(ErrorCode.UNKNOWN_OUTCOME, Origin.LOCAL))


def test_what_nobody_can_tell_is_sent_again_only_where_the_request_allows_it() -> None:
    verdict = after_grace(POLICY, Tries(3), now=NOON, resend_allowed=True)

    assert verdict == WaitUntil(NOON, Failure(ErrorCode.UNKNOWN_OUTCOME, Origin.LOCAL))


def test_even_what_may_be_sent_again_is_given_up_when_its_attempts_are_used_up() -> None:
    verdict = after_grace(POLICY, Tries(4), now=NOON, resend_allowed=True)

    assert verdict == Reject(Failure(ErrorCode.UNKNOWN_OUTCOME, Origin.LOCAL))


@given(st.timedeltas(timedelta(0), timedelta(minutes=2)))
def test_a_claim_may_be_called_under_only_while_it_is_fresh(age: timedelta) -> None:
    lasts = timedelta(minutes=1)

    allowed = may_call(claimed_at=NOON, now=NOON + age, claim_lasts=lasts)

    assert allowed == (age < lasts)


def test_a_broken_sender_is_halted_and_its_message_waits_uncounted() -> None:
    verdict = broken(Tries(1))

    assert verdict == Halt(REFUSED)
    assert Tries(2, throttled=1).counted == 1


def test_a_message_is_at_fault_itself_when_its_sender_could_send_for_others_since() -> None:
    assert broken(Tries(2, 1, broken=1)) == Reject(REFUSED)
    assert broken(Tries(2, 1, broken=1, probing=True)) == Halt(REFUSED)


def test_what_somebody_waits_for_fails_at_once_and_halts_its_sender_all_the_same() -> None:
    verdict = broken(Tries(1, urgent=True))

    assert verdict == Reject(REFUSED, halts_sender=True)


def broken(tries: Tries) -> Verdict:
    return after_reply(POLICY, SenderBroken(REFUSED), tries, now=NOON, chance=0)
