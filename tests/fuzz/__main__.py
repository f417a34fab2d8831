"""``python -m tests.fuzz``: every reader of bytes from outside, and the ingester's own OpenAPI."""

import argparse
import asyncio
import random
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.stack import lease_empty
from runtime.kafka.topics import ensure_topics
from tests.fuzz.api import Chance, fuzz_api
from tests.fuzz.run import Unborne, fuzz
from tests.fuzz.targets import TARGETS
from tests.services.ingest_webhook.ingesters import SECRET, start_ingester, stop_ingester

SECONDS = 120
FAST = {"INGEST_RATE_PER_SOURCE": "1000000"}
"""All requests come from one address."""


def main() -> int:
    """Share the time among all; 0 if nothing was found."""
    wanted = _arguments()
    each = timedelta(seconds=wanted.seconds / (len(TARGETS) + 1))
    sys.stdout.write(f"fuzz: seed {wanted.seed}\n")
    found = 0
    for target in TARGETS:
        try:
            run = fuzz(target, seed=wanted.seed, within=each)
        except Unborne as error:
            sys.stdout.write(f"{error}\n  {error.__cause__!r}\n")
            found += 1
        else:
            sys.stdout.write(f"{target.name}: {run.bodies} bodies, {run.accepted} accepted\n")
    sent = asyncio.run(_api(wanted.seed, each))
    sys.stdout.write(f"openapi: {sent} requests\n")
    return 1 if found else 0


async def _api(first_seed: int, within: timedelta) -> int:
    with lease_empty("fuzz") as stack, TemporaryDirectory() as logs:
        await ensure_topics(stack.kafka.bootstrap)
        running = await start_ingester(stack.kafka.bootstrap, FAST, Path(logs))
        try:
            return await asyncio.to_thread(
                fuzz_api,
                str(running.client.base_url),
                SECRET.encode(),
                first=Chance(first_seed),
                within=within,
            )
        finally:
            await stop_ingester(running)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all together")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))  # noqa: S311
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
