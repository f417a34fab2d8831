"""The table of a run: for the terminal, and for docs/chaos.md."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from deploy.stack.places import CHECKOUT
from tests.chaos.arena import Outcome

PAGE = CHECKOUT / "docs" / "chaos.md"
ROWS = CHECKOUT / "docs" / "chaos.json"

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
`python -m tests.chaos R12 R14` runs some rows alone and replaces theirs here; `--size 0.1` runs a
tenth of them, and replaces nothing.

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

What is done, and what else must hold:

- **L1**, **L1b** three dispatchers are asked for 5,000 messages of a sender that may send 1,000 a
  day: the provider accepts 1,000, each once; the other 4,000 fail with `DAILY_LIMIT_EXCEEDED`, or,
  where they may wait (L1b), are in the ledger until the next day.
- **R1** dispatchers, projectors, ingester, broker and database are killed in turn.
- **R2**, **R2b** no broker for 10 s; in R2b twice, and callbacks are sent until they are taken.
- **R3**, **R3b** no database for 10 s; commits that succeed and are not answered.
- **R4** a dispatcher and a projector are frozen for longer than their sessions, and go on.
- **R5** commits that come late, never, or without an answer, and a projector killed in one.
- **R6** 20,000 messages of four senders meet 5 % 5xx with `Retry-After`, 2 % time-outs after
  acceptance, 2 % resets before and 2 % after it, broken answers and 429; each request comes twice;
  the token is refused (190) for 5 s; one of two dispatchers is killed every 7 s. Each failure shows
  the prompt of its code, and of the doubts about accepted messages 99 % are settled by a callback.
- **R7** callbacks come one to five times, in any order, some before the reply.
- **R12** every 2 s a dispatcher or a projector joins or leaves, for five minutes; each of 100
  conversations arrives at the provider in its order.
- **R13** the provider takes 10 s for each answer to one sender, which has thousands of messages
  waiting. Another's rate is within 5 % of a third's that ran alone, and the dispatcher's memory
  grows by 10 MB at most.
- **R14** 1,000,000 requests of one sender are put on `send-requests` at once. When the dispatcher
  has put them down, urgent messages of the same sender reach the provider within 1 s of being asked
  for (p99), and no service has taken more than 200 MB.
- **R15** the tables get what a version to come adds, a column of each and an index, and lose it
  again, ten times; whoever sends and asks over HTTP meanwhile is never told of an error.

R13 and R14 run with default settings and measure; nothing is killed, nobody's end is waited for,
and there is nothing for the judge.

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
    said = "FAILED" if outcome.problems else "passed"
    if not outcome.is_judged:
        unknown = ("",) * (len(HEADINGS) - 3)
        return outcome.fault, f"{verdict.messages}", *unknown, said
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
        said,
    )


def write(name: str, outcome: Outcome, at: datetime, order: Sequence[str]) -> None:
    """Replace a stage's rows, in docs/chaos.md and beside it for programs; leave the others'."""
    former: list[dict[str, Any]] = json.loads(ROWS.read_text()) if ROWS.exists() else []
    told = {one["stage"]: one for one in former}
    told[name] = {
        "stage": name,
        "on": f"{at:%Y-%m-%d}",
        "row": row(outcome),
        "figures": outcome.figures,
        "problems": outcome.problems,
    }
    rows = [told[stage] for stage in order if stage in told]
    ROWS.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    PAGE.write_text(_page(rows))


def _page(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        (*HEADINGS, "on"),
        ("---",) * (len(HEADINGS) + 1),
        *((*one["row"], one["on"]) for one in rows),
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    measured = [f"- {one['row'][0]}: {'; '.join(one['figures'])}" for one in rows if one["figures"]]
    problems = [f"- {one['row'][0]}: {problem}" for one in rows for problem in one["problems"]]
    figures = "\n\n## What was measured\n\n" + "\n".join(measured) if measured else ""
    failures = "\n\n## What failed\n\n" + "\n".join(problems) if problems else ""
    return f"{ABOUT}## The last run of each\n\n{table}{figures}{failures}\n"
