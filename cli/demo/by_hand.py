"""Lets commands by hand find the running demo: its environment in a file, for a shell to read."""

import os
import shlex
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.pipeline import Pipeline


@contextmanager
def environment_file(world: Pipeline) -> Generator[Path]:
    """Have the file for the block; it holds the run's secrets, so only its owner may read it."""
    file = world.stack.places.state / "environment"
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as opened:
        opened.write(exports(world.environment))
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def exports(environment: Mapping[str, str]) -> str:
    """Return a line of shell a variable."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
