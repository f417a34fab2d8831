"""When the demo counts as a success."""

from dataclasses import replace

from cli.demo.previews import ROADS
from cli.demo.report import Result
from cli.demo.services import Progress
from deploy.simulated_provider import Verdict

COUNTS = {"pending": 0, "sending": 0, "sent": 0, "delivered": 1, "read": 1, "failed": 1}
GOOD = Result(
    job_id="job",
    took_seconds=1.0,
    progress=Progress(4, COUNTS | {"skipped": 1}),
    statistics={"sent": 2, "delivered": 2, "read": 1, "failed": 1},
    reasons=[],
    durations={},
    verdict=Verdict(accepted_messages=2, sent_twice=0, pending_callbacks=0),
    answers=dict.fromkeys(ROADS.values(), 1),
)


def test_all_is_well_when_everybody_has_an_outcome_and_all_counts_agree() -> None:
    assert GOOD.problems == []


def test_each_thing_that_is_not_as_it_should_be_is_told() -> None:
    silent = next(iter(ROADS.values()))

    bad = replace(
        GOOD,
        progress=Progress(5, COUNTS | {"skipped": 1, "sent": 1}),
        verdict=Verdict(accepted_messages=2, sent_twice=1, pending_callbacks=0),
        answers={**GOOD.answers, silent: 0},
    )

    told = "; ".join(bad.problems)
    assert len(bad.problems) == 4
    for part in ("no final or delivered state", "sent twice", "do not agree", silent):
        assert part in told
