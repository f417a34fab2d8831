from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.admission import (
    Decision,
    Desk,
    Go,
    Hold,
    HoldReason,
    Quotas,
    Refuse,
    Standing,
    Wish,
    next_day,
)
from domain.failures import ErrorCode, Failure, Origin
from domain.rates import Rate

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
A, B = "whatsapp:1", "whatsapp:2"


def a_desk(quotas: Quotas | None = None, **standings: Standing) -> Desk:
    by_name = {"a": A, "b": B}
    return Desk(
        NOON,
        SHANGHAI,
        {by_name[name]: standing for name, standing in standings.items()},
        quotas or Quotas(),
    )


def a_wish(sender: str = A, **what_matters: object) -> Wish:
    return Wish(**({"sender": sender, "recipient": "whatsapp:+16505550001"} | what_matters))  # type: ignore[arg-type]


def code_of(decision: Decision) -> ErrorCode | None:
    return None if isinstance(decision, Go) else decision.failure.code


def test_what_nothing_speaks_against_goes() -> None:
    assert a_desk().decide(a_wish()) == Go()


@given(st.integers(0, 20), st.integers(0, 30))
def test_a_daily_limit_lets_through_exactly_what_is_left_of_it(limit: int, asked: int) -> None:
    desk = a_desk(a=Standing(daily_limit=limit))

    decisions = [desk.decide(a_wish()) for _ in range(asked)]

    assert decisions.count(Go()) == min(limit, asked)
    assert {code_of(d) for d in decisions} <= {None, ErrorCode.DAILY_LIMIT_EXCEEDED}
    assert desk.used.get(f"sender:{A}", 0) == min(limit, asked)


def test_what_may_wait_waits_for_the_next_day_of_the_zone() -> None:
    desk = a_desk(a=Standing(daily_limit=0))

    refused = desk.decide(a_wish())
    held = desk.decide(a_wish(may_wait=True))

    assert isinstance(refused, Refuse)
    assert refused.failure.detail == "Daily limit exceeded for this number."
    assert isinstance(held, Hold)
    assert held.until == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert not held.sender_is_full


def test_a_retry_is_not_counted_again() -> None:
    desk = a_desk(a=Standing(daily_limit=0), quotas=Quotas(case_interval=timedelta(days=1)))

    assert desk.decide(a_wish(admitted=True, case="t:c")) == Go()
    assert desk.used == {}


@pytest.mark.parametrize(
    ("quotas", "said"),
    [
        (Quotas(per_case=1), "Daily limit per case exceeded."),
        (Quotas(per_recipient=1), "Daily limit exceeded for this recipient."),
        (Quotas(case_interval=timedelta(minutes=5)), "Send interval limit."),
    ],
)
def test_the_products_own_limits_hold_whoever_sends(quotas: Quotas, said: str) -> None:
    desk = a_desk(quotas)

    assert desk.decide(a_wish(A, case="acme:7")) == Go()
    second = desk.decide(a_wish(B, case="acme:7"))

    assert isinstance(second, Refuse)
    assert second.failure.detail == said
    assert desk.decide(a_wish(B, recipient="whatsapp:+16505550002", case="acme:8")) == Go()


def test_an_interval_holds_what_may_wait_until_it_is_over() -> None:
    desk = a_desk(Quotas(case_interval=timedelta(minutes=5)))

    desk.decide(a_wish(case="acme:7"))
    second = desk.decide(a_wish(case="acme:7", may_wait=True))

    assert isinstance(second, Hold)
    assert second.until == NOON + timedelta(minutes=5)


def test_a_full_pair_holds_its_own_message_alone() -> None:
    desk = a_desk(a=Standing(pair_rate=Rate(1 / 6), rate=Rate(80, burst=80)))

    assert desk.decide(a_wish()) == Go()
    held = desk.decide(a_wish())
    assert isinstance(held, Hold)
    assert (held.until, held.sender_is_full) == (NOON + timedelta(seconds=6), False)
    assert desk.decide(a_wish(recipient="whatsapp:+16505550002")) == Go()


def test_a_full_sender_holds_its_own_messages_and_nobody_elses() -> None:
    full = Standing(rate=Rate(2, burst=1))
    desk = a_desk(a=full, b=full)

    assert desk.decide(a_wish(A)) == Go()
    held = desk.decide(a_wish(A))
    assert isinstance(held, Hold)
    assert (held.until, held.sender_is_full) == (NOON + timedelta(seconds=0.5), True)
    assert desk.decide(a_wish(B)) == Go()


def test_a_sender_with_a_burst_is_held_until_half_of_it_may_go_at_once() -> None:
    rate = Rate(80, burst=8)
    desk = a_desk(a=Standing(rate=rate))
    for _ in range(8):
        assert desk.decide(a_wish()) == Go()

    held = desk.decide(a_wish())
    assert isinstance(held, Hold)
    later = Desk(held.until, SHANGHAI, desk.standings, arrivals=desk.arrivals)
    decisions = [later.decide(a_wish()) for _ in range(6)]

    assert decisions.count(Go()) == 5
    assert held.until - NOON <= timedelta(milliseconds=100)


def test_a_message_for_several_needs_and_takes_the_room_of_each_of_them() -> None:
    desk = a_desk(a=Standing(pair_rate=Rate(1 / 5, burst=2)))

    assert desk.decide(a_wish(recipient="ada|bob", people=("ada", "bob"))) == Go()
    assert desk.decide(a_wish(recipient="ada|eve", people=("ada", "eve"))) == Go()
    taken = dict(desk.arrivals)
    held = desk.decide(a_wish(recipient="ada|joe", people=("joe", "ada")))

    assert isinstance(held, Hold)
    assert (held.until, held.reason) == (NOON + timedelta(seconds=5), HoldReason.RATE)
    assert not held.sender_is_full
    assert desk.arrivals == taken
    assert desk.decide(a_wish(recipient="bob", people=("bob",))) == Go()
    assert desk.decide(a_wish(recipient="joe")) == Go()


def test_a_message_for_several_waits_for_the_last_of_them_at_once() -> None:
    desk = a_desk(a=Standing(pair_rate=Rate(1)))
    desk.arrivals |= {
        f"pair:{A}:{who}": NOON + timedelta(seconds=seconds)
        for who, seconds in (("ada", 4), ("bob", 9), ("eve", 0))
    }

    held = desk.decide(a_wish(people=("ada", "bob", "eve")))

    assert isinstance(held, Hold)
    assert held.until == NOON + timedelta(seconds=9)


lists = st.lists(st.sets(st.sampled_from("abcde"), min_size=1), max_size=40)


@given(
    st.integers(1, 6), lists, st.lists(st.integers(0, 4_000), min_size=40, max_size=40), st.data()
)
def test_no_member_of_any_lists_gets_more_than_its_rate_across_restarts(
    burst: int, asked: list[set[str]], pauses: list[int], data: st.DataObject
) -> None:
    rate, desk = Rate(1 / 5, burst), a_desk()
    gone: dict[str, list[datetime]] = {}
    for people, pause in zip(asked, pauses, strict=False):
        now = desk.now + timedelta(milliseconds=pause)
        # A dispatcher knows what is stored, and nothing else.
        desk = Desk(now, SHANGHAI, {A: Standing(pair_rate=rate)}, arrivals=dict(desk.arrivals))
        if desk.decide(a_wish(people=data.draw(st.permutations(sorted(people))))) == Go():
            for who in people:
                gone.setdefault(who, []).append(now)

    for moments in gone.values():
        for first in range(len(moments)):
            for last in range(first, len(moments)):
                span = moments[last] - moments[first]
                assert last - first + 1 <= burst + span / rate.interval


@given(st.integers(0, 30), st.lists(st.integers(0, 9), max_size=20))
def test_a_daily_limit_counts_the_people_of_what_goes(limit: int, sizes: list[int]) -> None:
    desk, used = a_desk(a=Standing(daily_limit=limit)), 0
    for size in sizes:
        weight = max(size, 1)
        decision = desk.decide(a_wish(people=[str(n) for n in range(size)]))
        assert (decision == Go()) == (used + weight <= limit)
        used += weight if decision == Go() else 0

    assert desk.used.get(f"sender:{A}", 0) == used


def test_a_message_for_more_people_than_the_day_ever_has_is_refused() -> None:
    desk = a_desk(a=Standing(daily_limit=2))

    refused = desk.decide(a_wish(people=("ada", "bob", "eve"), may_wait=True))
    assert isinstance(refused, Refuse)
    assert refused.failure.code is ErrorCode.DAILY_LIMIT_EXCEEDED
    assert refused.failure.detail == "More people than the daily limit for this number."
    assert desk.decide(a_wish()) == Go()
    held = desk.decide(a_wish(people=("ada", "bob"), may_wait=True))
    assert isinstance(held, Hold)
    assert held.reason is HoldReason.DAILY_LIMIT


def test_the_products_own_limits_count_a_message_for_several_once() -> None:
    desk = a_desk(Quotas(per_case=1, per_recipient=1))

    assert desk.decide(a_wish(case="acme:7", people=("ada", "bob"))) == Go()
    assert set(desk.used.values()) == {1}


def test_what_is_held_by_one_limit_uses_nothing_of_the_others() -> None:
    desk = a_desk(
        Quotas(per_recipient=0), a=Standing(daily_limit=9, rate=Rate(1), pair_rate=Rate(1))
    )

    assert isinstance(desk.decide(a_wish()), Refuse)
    assert (desk.used, desk.arrivals) == ({}, {})


def test_a_halted_sender_gets_one_probe_and_the_rest_waits_or_fails_at_once() -> None:
    until = NOON + timedelta(seconds=10)
    halted = Standing(halted_until=until, may_probe=True)
    desk = a_desk(a=halted)

    assert desk.decide(a_wish()) == Go(probe=True)
    waiting, urgent = desk.decide(a_wish()), desk.decide(a_wish(urgent=True))

    assert isinstance(waiting, Hold)
    assert (waiting.until, waiting.failure.code) == (until, ErrorCode.WA_ACCOUNT_ABNORMAL)
    assert isinstance(urgent, Refuse)
    assert urgent.failure.code is ErrorCode.WA_ACCOUNT_ABNORMAL


def test_without_its_probe_a_halted_sender_sends_nothing() -> None:
    desk = a_desk(a=Standing(halted_until=NOON - timedelta(seconds=1)))

    held = desk.decide(a_wish())

    assert isinstance(held, Hold)
    assert held.until == NOON


def test_a_refusal_comes_before_every_wait() -> None:
    failure = Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="expired before it was sent")
    desk = a_desk(a=Standing(halted_until=NOON, daily_limit=0))

    assert desk.decide(a_wish(refusal=failure)) == Refuse(failure)


def test_what_has_a_later_time_waits_for_it() -> None:
    morning = NOON + timedelta(hours=20)
    desk = a_desk(a=Standing(daily_limit=1))

    held = desk.decide(a_wish(not_before=morning))

    assert isinstance(held, Hold)
    assert held.until == morning
    assert desk.decide(a_wish(not_before=NOON)) == Go()


@given(st.integers(0, 9), st.integers(0, 9), st.lists(st.sampled_from("abcdef"), max_size=40))
def test_scopes_name_everything_that_a_decision_reads_and_writes(
    limit: int, per_case: int, cases: list[str]
) -> None:
    desk = a_desk(
        Quotas(per_case=per_case, case_interval=timedelta(seconds=1), per_recipient=30),
        a=Standing(daily_limit=limit, rate=Rate(10, burst=9), pair_rate=Rate(9, burst=9)),
    )
    wishes = [a_wish(case=case, may_wait=case == "a", people=("eve", case)) for case in cases]
    counts = {scope for wish in wishes for scope in desk.scopes_of(wish)[0]}
    rates = {scope for wish in wishes for scope in desk.scopes_of(wish)[1]}

    for wish in wishes:
        desk.decide(wish)

    assert desk.used.keys() <= counts
    assert desk.arrivals.keys() <= rates
    assert desk.used.get(f"sender:{A}", 0) <= limit


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 3, 28, 22, 59, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        # The night in which the clocks are put forward there.
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_its_zones_midnight(now: datetime, expected: datetime) -> None:
    assert next_day(now, ZoneInfo("Europe/Berlin")) == expected


@pytest.mark.parametrize(("pause", "is_a_moment"), [(2, True), (60, False)])
def test_a_sender_that_its_provider_asked_to_pause_is_left_alone(
    pause: int, *, is_a_moment: bool
) -> None:
    until = NOON + timedelta(seconds=pause)
    desk = a_desk(a=Standing(held_until=until), b=Standing(held_until=NOON))

    held = desk.decide(a_wish(urgent=True))

    assert isinstance(held, Hold)
    assert (held.until, held.sender_is_full) == (until, is_a_moment)
    assert desk.decide(a_wish(B)) == Go()
