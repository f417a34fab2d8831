"""``python -m tests.chaos``: every fault at full size, and the matrix of what came of it."""

import argparse
import asyncio
import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.pipeline import Ground, ground_of_its_own
from runtime.clock import now
from tests.chaos import faults, matrix
from tests.chaos.arena import Outcome, Stage
from tests.chaos.burdens import backlog, slow_provider
from tests.chaos.callbacks import disordered_callbacks
from tests.chaos.commits import disturbed_commits
from tests.chaos.limits import daily_limit
from tests.chaos.lost_commits import lost_commits
from tests.chaos.resent import resent_callbacks
from tests.chaos.storms import rebalance_storm
from tests.chaos.upgrades import tables_change
from tests.eventually import seconds

Make = Callable[[float], Stage]
"""Makes a stage of its full size, or of a share of it."""

STAGES: dict[str, Make] = {
    "L1": lambda size: daily_limit(int(1_000 * size), over=seconds(10), when_limited="fail"),
    "L1b": lambda size: daily_limit(int(1_000 * size), over=seconds(10), when_limited="wait"),
    "R1": lambda size: faults.killed_in_turn(int(5_000 * size), over=seconds(25 + 15 * size)),
    "R2": lambda size: faults.broker_away(int(1_500 * size), over=seconds(20)),
    "R2b": lambda size: resent_callbacks(
        int(5_000 * size), over=seconds(30), away=seconds(3 + 7 * size)
    ),
    "R3": lambda size: faults.database_away(int(1_500 * size), over=seconds(20)),
    "R3b": lambda size: lost_commits(int(1_500 * size), over=seconds(20)),
    "R4": lambda size: faults.zombies(int(2_500 * size), over=seconds(30)),
    "R5": lambda size: disturbed_commits(int(2_500 * size), over=seconds(50)),
    "R6": lambda size: faults.provider_mishaps(int(20_000 * size), over=seconds(10 + 150 * size)),
    "R7": lambda size: disordered_callbacks(int(5_000 * size), over=seconds(5)),
    "R12": lambda size: rebalance_storm(int(15_000 * size), over=seconds(300 * size)),
    "R13": lambda size: slow_provider(seconds(60 * size)),
    "R14": lambda size: backlog(int(1_000_000 * size), within=seconds(60 + 210 * size)),
    "R15": lambda size: tables_change(
        int(5_000 * size), over=seconds(60 * size), times=max(1, int(10 * size))
    ),
}


COLUMNS = 160


def main() -> int:
    """Run the stages; 0 if every one passed."""
    wanted = _arguments()
    # aiokafka tells of every connection that failed; that they fail is what we are here for.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console(width=COLUMNS)
    outcomes: list[Outcome] = []
    for name in wanted.only:
        outcomes.append(_attempt(console, STAGES[name](wanted.size)))
        if wanted.size == 1:
            matrix.write(name, outcomes[-1], now(), list(STAGES))
    console.print(_table(outcomes))
    return 1 if any(outcome.problems for outcome in outcomes) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--size", type=float, default=1, help="share of the full size")
    parser.add_argument("only", nargs="*", default=list(STAGES), help="L1 R4 ...")
    return parser.parse_args()


def _attempt(console: Console, stage: Stage) -> Outcome:
    with console.status(stage.fault), ground_of_its_own("chaos") as ground:
        outcome = asyncio.run(stage.attempt(ground))
        kept = _keep_logs(ground, stage)
    said = "FAILED" if outcome.problems else "passed"
    console.print(f"{stage.fault}: {said} in {_whole(outcome.took)} s", highlight=False)
    for figure in outcome.figures:
        console.print(f"  {figure}", highlight=False)
    for problem in outcome.problems:
        console.print(f"  {problem}", highlight=False)
    if outcome.problems:
        console.print(f"  logs: {kept}", highlight=False)
    return outcome


def _keep_logs(ground: Ground, stage: Stage) -> Path:
    # The next trial begins with empty servers and empty logs.
    places = ground.stack.places
    kept = places.cache / "chaos" / stage.fault.split()[0]
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(places.logs, kept)
    return kept


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(*matrix.HEADINGS)
    for outcome in outcomes:
        table.add_row(*matrix.row(outcome))
    return table


def _whole(duration: timedelta) -> str:
    return f"{duration.total_seconds():.0f}"


if __name__ == "__main__":
    sys.exit(main())
