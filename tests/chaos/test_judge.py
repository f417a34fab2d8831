"""The judge must see what is wrong: a judge that never objects would pass every run."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from domain.failures import PROMPTS, ErrorCode
from tests.chaos.findings import Findings, Message, Step
from tests.chaos.judge import Truth, Verdict, judge

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
READ = Truth("read")


ROW = Message("read", 2, None, (NOON, NOON, NOON, NOON), NOON)


def a_message(**what_matters: Any) -> Message:  # noqa: ANN401 - any field of the row
    code = what_matters.get("error_code")
    prompt = None if code is None else PROMPTS[ErrorCode(code)]
    return replace(ROW, **({"prompt": prompt} | what_matters))


def a_history(*statuses: str) -> list[Step]:
    return [Step("m", number, *pair) for number, pair in enumerate(pairwise(statuses), start=1)]


def findings(**what_matters: Any) -> Findings:  # noqa: ANN401 - any field of the findings
    """Return the traces of one message that was sent and read, all as they must be."""
    history = a_history("pending", "sent", "read")
    whole = Findings(
        messages={"m": ROW},
        histories={"m": history},
        last_learnt={"m": NOON},
        published=Counter(history),
        ledger={"m": "accepted"},
        closed=frozenset(),
        answered=frozenset({"m"}),
        miscounted=[],
        parked=0,
        dead_letters=0,
    )
    return replace(whole, **what_matters)


def verdict_on(found: Findings, *, truth: Truth = READ, sends: int = 1) -> Verdict:
    return judge({"m": truth}, {"m": sends}, found)


def test_nothing_is_held_against_a_run_in_which_all_is_as_it_must_be() -> None:
    found = findings()

    verdict = verdict_on(found)

    assert verdict.problems == []
    assert (verdict.settled, verdict.unknown, verdict.settled_share) == (0, 0, 1)


def test_a_message_that_the_read_model_does_not_have_is_lost() -> None:
    found = findings(messages={}, histories={}, published=Counter())

    verdict = verdict_on(found)

    assert verdict.lost == ["m"]


def test_a_message_that_nobody_asked_for_is_wrong() -> None:
    found = findings()

    verdict = judge({}, {}, found)

    assert verdict.wrong == ["m was never asked for"]


def test_two_acceptances_of_one_message_are_a_double_send() -> None:
    found = findings()

    verdict = verdict_on(found, sends=2)

    assert verdict.twice == ["m x2"]


def test_a_state_that_differs_from_the_providers_account_is_wrong() -> None:
    found = findings()

    verdict = verdict_on(found, truth=Truth("delivered"))

    assert len(verdict.wrong) == 1


def test_a_failure_for_another_reason_is_wrong() -> None:
    failed = a_message(status="failed", error_code="UNKNOWN_OUTCOME")
    found = findings(messages={"m": failed})

    verdict = verdict_on(found, truth=Truth("failed", frozenset({ErrorCode.INVALID_RECIPIENT})))

    assert len(verdict.wrong) == 1


def test_a_failure_that_shows_other_words_than_its_codes_is_wrong() -> None:
    failed = a_message(status="failed", error_code="INVALID_RECIPIENT", prompt="Daily limit.")
    found = findings(messages={"m": failed})

    verdict = verdict_on(found, truth=Truth("failed", frozenset({ErrorCode.INVALID_RECIPIENT})))

    assert len(verdict.wrong) == 1


def test_other_times_than_the_models_are_wrong_where_they_are_known() -> None:
    found = findings()

    verdict = verdict_on(found, truth=Truth("read", times=(NOON, NOON, NOON, None)))

    assert len(verdict.wrong) == 1


def test_a_missing_step_is_a_gap() -> None:
    first, _, third = a_history("pending", "sending", "sent", "read")
    found = findings(histories={"m": [first, third]}, published=Counter([first, third]))

    verdict = verdict_on(found)

    assert len(verdict.gaps) == 1


def test_a_history_that_ends_elsewhere_than_the_row_is_a_gap() -> None:
    history = a_history("pending", "sent", "delivered")
    found = findings(histories={"m": history}, published=Counter(history))

    verdict = verdict_on(found)

    assert len(verdict.gaps) == 1


def test_a_change_that_was_not_published_is_missing_and_one_published_twice_too_many() -> None:
    first, second = a_history("pending", "sent", "read")
    found = findings(published=Counter({first: 2}))

    verdict = verdict_on(found)

    assert verdict.unlike == [f"m:{second.sequence} is missing", f"m:{first.sequence} is too many"]


def test_what_is_parked_dead_unfinished_or_miscounted_is_left_over() -> None:
    found = findings(
        parked=1,
        dead_letters=2,
        ledger={"m": "waiting"},
        miscounted=["job_progress j read: 3 kept, 1 counted"],
    )

    verdict = verdict_on(found)

    assert len(verdict.left_over) == 4


def test_a_send_whose_reply_was_never_heard_was_settled_by_evidence() -> None:
    found = findings(answered=frozenset())

    verdict = verdict_on(found)

    assert verdict.settled == 1
    assert verdict.problems == []


def test_a_doubt_that_was_closed_before_the_provider_reported_was_closed_in_haste() -> None:
    verdict = verdict_on(findings(ledger={"m": "rejected"}, closed=frozenset({"m"})))

    assert verdict.hasty == 1
    assert verdict.settled_share == 0


def test_of_what_was_accepted_in_silence_nobody_can_know() -> None:
    failed = a_message(status="failed", error_code="UNKNOWN_OUTCOME")
    history = a_history("pending", "sent", "failed")
    found = findings(
        messages={"m": failed},
        histories={"m": history},
        published=Counter(history),
        ledger={"m": "rejected"},
    )

    verdict = verdict_on(found, truth=Truth("sent", is_silent=True))

    assert verdict.problems == []
    assert verdict.unknown == 1
