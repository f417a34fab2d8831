"""A process to kill: reads slowly and notes each number it has dealt with, before finishing it."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.kafka.stream import Delivery
from tests.runtime.kafka.parts import Remembering, reading, topic_named


class Noting(Remembering):
    """Writes numbers to a file, a few dozen at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            with self._path.open("a") as file:
                file.write(f"{delivery.value.number}\n")
            delivery.finish()
            await asyncio.sleep(0.001)


async def main(bootstrap: str, topic: str, path: str) -> None:
    """Read until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with reading(bootstrap, topic_named(topic), Noting(Path(path)), group=topic):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
