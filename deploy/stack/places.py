"""Where a stack keeps its things.

Most of it lies in `.stack/<name>/` of the checkout. Two things may have to lie elsewhere, in
`/var/tmp/sendtrail-<checkout>/`: PostgreSQL's socket, whose path must stay under about 100
characters, and, for root, PostgreSQL's programs and data, because PostgreSQL refuses to run as root
and the user it runs as may be unable to enter the checkout.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.errors import StackError

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
LEAST_FREE_BYTES = 10**9


@dataclass(frozen=True)
class Places:
    """The directories of one stack; none of them is created by asking for it."""

    name: str
    checkout: Path = CHECKOUT

    @property
    def state(self) -> Path:
        """`.stack/<name>`: Kafka's data, process ids, logs, stack.json."""
        return self.checkout / ".stack" / self.name

    @property
    def logs(self) -> Path:
        """One log file a server."""
        return self.state / "logs"

    @property
    def cache(self) -> Path:
        """What was fetched and may be fetched again: the jars of Kafka."""
        return self.checkout / ".cache"

    @property
    def outside(self) -> Path:
        """The checkout's directory outside itself, one for each user."""
        key = hashlib.sha256(f"{self.checkout}\n{os.getuid()}".encode()).hexdigest()
        return Path("/var/tmp") / f"sendtrail-{key[:12]}"  # noqa: S108  # ownership is checked below

    @property
    def short(self) -> Path:
        """This stack's part of `outside`."""
        return self.outside / self.name


def checked_name(name: str) -> str:
    """Return the name; it becomes a directory and part of a socket's path."""
    if NAME.fullmatch(name):
        return name
    raise StackError(
        f"'{name}' cannot name a stack: use up to 31 of a-z, 0-9 and -, not - at the start"
    )


def make_outside(places: Places) -> None:
    """Create `outside` so that only we write there, and others can pass but not list it."""
    places.outside.mkdir(mode=0o711, exist_ok=True)
    found = places.outside.lstat()
    if found.st_uid != os.getuid() or places.outside.is_symlink():
        raise StackError(f"{places.outside} belongs to somebody else: remove it and try again")
    places.outside.chmod(0o711)


@contextmanager
def unfinished(target: Path) -> Generator[Path]:
    """Lend a new directory that becomes `target` in one step, if all goes well.

    Each try has its own: what a killed try started may go on writing into the one it was given.
    """
    for leftover in target.parent.glob(f"{target.name}-unfinished-*"):
        _remove(leftover)
    directory = Path(tempfile.mkdtemp(prefix=f"{target.name}-unfinished-", dir=target.parent))
    yield directory
    directory.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def check_free_space(path: Path) -> None:
    """Refuse to start where the servers would soon stop on a full disk."""
    free = shutil.disk_usage(path).free
    if free < LEAST_FREE_BYTES:
        raise StackError(
            f"only {free // 10**6} MB are free on the disk of {path}: "
            f"the stack needs {LEAST_FREE_BYTES // 10**6} MB"
        )
