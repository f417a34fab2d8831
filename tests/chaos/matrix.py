"""The table of a run: for the terminal, and for docs/chaos.md."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from deploy.stack.places import CHECKOUT
from tests.chaos.arena import Outcome

PAGE = CHECKOUT / "docs" / "chaos.md"

HEADINGS = (
    "fault",
    "messages",
    "kills",
    "lost",
    "twice",
    "wrong state",
    "gaps",
    "changes ≠ history",
    "left over",
    "in doubt: settled / unknown",
    "recovery s",
    "verdict",
)

ABOUT = """\
# Chaos: what happens when parts die

`make chaos` runs the whole system (real Kafka, real PostgreSQL, two dispatchers, two projectors,
ingester, scheduler, simulated provider), feeds it messages, and meanwhile does what stands in the
first column. When the system has settled, a judge (`tests/chaos/judge.py`) compares every message
with the provider's own account of it. A short form runs with the tests.

| column | counts |
|---|---|
| kills | killed with `kill -9` and started again, or frozen; all others keep their process id |
| lost | messages asked for that the read model does not have |
| twice | messages that the provider accepted more than once |
| wrong state | final states that differ from what the provider did and reported |
| gaps | histories that do not lead from pending to the row's status in steps 1, 2, 3 … |
| changes ≠ history | what `status-changes` (read_committed) lacks, repeats or made up |
| left over | parked events, dead letters, unfinished entries, counters that do not add up |
| in doubt | sends of unknown outcome: settled by a callback / closed as UNKNOWN_OUTCOME |
| recovery s | from the last fault's end until ordinary messages from before it had their outcome |

UNKNOWN_OUTCOME is no fault where the provider never accepted the message: a crash between claim
and call leaves nobody who could know. R5 also fails if a read_committed reader waits for a change
for more than 15 s.

"""


def row(outcome: Outcome) -> tuple[str, ...]:
    """Return a line of the matrix."""
    verdict = outcome.verdict
    return (
        outcome.fault,
        f"{verdict.messages}",
        f"{outcome.kills}",
        f"{len(verdict.lost)}",
        f"{len(verdict.twice)}",
        f"{len(verdict.wrong)}",
        f"{len(verdict.gaps)}",
        f"{len(verdict.unlike)}",
        f"{len(verdict.left_over)}",
        f"{verdict.settled} / {verdict.unknown}",
        f"{max(outcome.recovery.total_seconds(), 0):.1f}",
        "FAILED" if outcome.problems else "passed",
    )


def page(outcomes: Sequence[Outcome], at: datetime) -> str:
    """Return docs/chaos.md."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *map(row, outcomes)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    problems = [f"- {one.fault}: {problem}" for one in outcomes for problem in one.problems]
    failures = "\n\n## What failed\n\n" + "\n".join(problems) if problems else ""
    return f"{ABOUT}## The last run, {at:%Y-%m-%d}\n\n{table}{failures}\n"


def write(outcomes: Sequence[Outcome], at: datetime, to: Path = PAGE) -> None:
    """Replace the page."""
    to.write_text(page(outcomes, at))
