"""`python -m simulator`: settings, app, run."""

import asyncio
import signal
import sys

import uvloop
from pydantic import ValidationError

from simulator.app import running
from simulator.settings import Settings, complaints


async def serve(settings: Settings) -> None:
    """Run until the process is asked to end."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with running(settings) as simulator:
        sys.stdout.write(f"simulator listening on {simulator.base_url}\n")
        sys.stdout.flush()
        await stopped.wait()


def main() -> int:
    """Return the exit code: 2 when a setting is wrong or missing."""
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    except ValidationError as error:
        sys.stderr.write("\n".join(complaints(error)) + "\n")
        return 2
    uvloop.run(serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
