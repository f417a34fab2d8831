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
ingester, scheduler, statistics, simulated provider), feeds it messages, and meanwhile does what
stands in the first column. When the system has settled, a judge (`tests/chaos/judge.py`) compares
every message with the provider's own account of it; in R2b and R7, where the callbacks are made up
and there is no dispatcher, with the lifecycle's pure model. A short form runs with the tests.

| column | counts |
|---|---|
| kills | processes killed with `kill -9` or frozen (R3: also commits whose answer was lost) |
| lost | messages asked for that the read model does not have |
| twice | messages that the provider accepted more than once |
| wrong state | final states that differ from what the provider did and reported |
| gaps | histories that do not lead from pending to the row's status in steps 1, 2, 3 … |
| changes ≠ history | what `status-changes` (read_committed) lacks, repeats or made up |
| left over | parked events, dead letters, unfinished entries, counters that do not add up |
| in doubt | sends of unknown outcome: settled by a callback / closed as UNKNOWN_OUTCOME |
| recovery s | from the last fault's end until ordinary messages from before it had their outcome |

UNKNOWN_OUTCOME is right where the provider never accepted the message and nobody could know: its
connection was reset first (one recipient in 170 here, more in R6), or a process died between its
claim and its call. Closing a message so that the provider accepted and reported on is a wrong
state. A run also fails if a process that was not killed ends or logs an error, and R5 if a
read_committed reader waits for a change for more than 15 s, and R2b if a callback is answered
anything but 200 and 503, or after more than a second.

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
