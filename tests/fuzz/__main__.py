"""``python -m tests.fuzz``: every reader of bytes from outside, every operation of every API."""

import argparse
import asyncio
import itertools
import os
import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.databases import Databases
from deploy.stack import lease_empty
from runtime.kafka.topics import ensure_topics
from tests.fuzz.api import Chance, ask_all
from tests.fuzz.run import Unborne, fuzz
from tests.fuzz.services import services_to_ask
from tests.fuzz.targets import TARGETS, Target
from tests.keys import KEYS

SECONDS = 120
EXAMPLES = 10
"""Of each operation, voice and mode in a round: all of them take about a minute."""


def main() -> int:
    """Give half of the time to the readers and half to the APIs; 0 if nothing was found."""
    wanted = _arguments()
    half = timedelta(seconds=wanted.seconds / 2)
    sys.stdout.write(f"fuzz: seed {wanted.seed}\n")
    unborne = [one for one in TARGETS if not _is_borne(one, wanted.seed, half / len(TARGETS))]
    os.environ |= KEYS
    found = asyncio.run(_ask_apis(wanted.seed, half))
    return 1 if unborne or found else 0


def _is_borne(target: Target, seed: int, within: timedelta) -> bool:
    try:
        run = fuzz(target, seed=seed, within=within)
    except Unborne as error:
        sys.stdout.write(f"{error}\n  {error.__cause__!r}\n")
        return False
    sys.stdout.write(f"{target.name}: {run.bodies} bodies, {run.accepted} accepted\n")
    return True


async def _ask_apis(first_seed: int, within: timedelta) -> int:
    """Ask whole rounds for that long; return how much was found."""
    found = 0
    with lease_empty("fuzzed") as stack, TemporaryDirectory() as logs:
        await ensure_topics(stack.kafka.bootstrap)
        databases = Databases(stack.postgres)
        databases.prepare()
        async with services_to_ask(
            stack.kafka.bootstrap, databases.create("fuzzed"), Path(logs)
        ) as services:
            ends = time.monotonic() + within.total_seconds()
            for seed in itertools.count(first_seed):
                for name, service in services.items():
                    done = await asyncio.to_thread(ask_all, service, Chance(seed, EXAMPLES))
                    sys.stdout.write(f"{name}: {done.answers.total()} requests, seed {seed}\n")
                    sys.stdout.writelines(f"{one}\n" for one in done.found)
                    found += len(done.found)
                if time.monotonic() > ends:
                    break
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all together")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))  # noqa: S311
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
