"""Make `.venv` what requirements/dev.txt says; does nothing, quickly, where it is already.

Run by any Python from 3.11 on as `python3 deploy/set_up.py`, before anything is installed: standard
library only. Two at the same time take turns; one that was killed half-way is repaired.
"""

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ENVIRONMENT = CHECKOUT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
REQUIREMENTS = CHECKOUT / "requirements" / "dev.txt"
LOCK = CHECKOUT / ".cache" / "set-up.lock"
LOG = CHECKOUT / ".cache" / "set-up.log"

# Written last, so it vouches for the whole environment.
STAMP = ENVIRONMENT / ".ready"
# Present while pip works: pip takes a package it had half written for an installed one.
UNFINISHED = ENVIRONMENT / ".unfinished"


class SetUpError(Exception):
    """Set-up cannot go on; the message is one line that says what to do."""


def main() -> int:
    """Set up if needed; what goes wrong is one line on stderr and a 1."""
    try:
        LOCK.parent.mkdir(exist_ok=True)
        with LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_ready():
                _set_up()
    except (SetUpError, OSError) as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _is_ready() -> bool:
    try:
        return STAMP.read_text() == _wanted() and os.access(PYTHON, os.X_OK)
    except FileNotFoundError:
        return False


def _wanted() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def _set_up() -> None:
    started = time.monotonic()
    print("set-up: Python packages into .venv ...", flush=True)
    if UNFINISHED.exists() or not _works():
        _create()
    STAMP.unlink(missing_ok=True)
    UNFINISHED.touch()
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    _run("pip", "-m", "pip", "install", *quiet, "--require-hashes", "-r", str(REQUIREMENTS))
    UNFINISHED.unlink()
    STAMP.write_text(_wanted())
    print(f"set-up: done in {time.monotonic() - started:.0f} s", flush=True)


def _works() -> bool:
    """Whether there is an environment whose Python still runs, with pip, and is new enough."""
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return (
            subprocess.run([PYTHON, "-c", probe], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def _create() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise SetUpError(
            f"{sys.executable} cannot make virtual environments: "
            "install python3-venv (or a Python with ensurepip)"
        )
    _run("venv", "-m", "venv", "--clear", str(ENVIRONMENT), python=sys.executable)


def _run(what: str, *arguments: str, python: str = str(PYTHON)) -> None:
    with LOG.open("w") as log:
        ran = subprocess.run([python, *arguments], stdout=log, stderr=log, check=False)
    if ran.returncode != 0:
        said = [line.strip() for line in LOG.read_text().split("\n") if line.strip()]
        errors = [line for line in said if line.startswith("ERROR")] or said[-1:] or ["no word"]
        raise SetUpError(f"{what} failed, all of it in {LOG}: {errors[-1]}")


if __name__ == "__main__":
    sys.exit(main())
