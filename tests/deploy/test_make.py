"""The Makefile: one handle for every door, and set-up that says what is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from deploy.stack.places import CHECKOUT


def test_help_is_the_default_and_lists_every_target() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))

    listed = make(CHECKOUT).stdout

    assert {"demo", "test", "check", "up", "down", "help"} <= targets
    assert set(re.findall(r"^ +make ([a-z]+) ", listed, re.MULTILINE)) == targets


def test_a_missing_python_is_one_line(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "Makefile", tmp_path)

    ran = make(tmp_path, "set-up", PATH=str(tmp_path))

    said = ran.stderr.split("\n")[0]
    assert ran.returncode != 0
    assert said.startswith("set-up: no Python 3.11 or newer on PATH")


def make(folder: Path, *targets: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make")
    assert program is not None
    # A make around these tests leaves its own flags in the environment.
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        [program, *targets],
        cwd=folder,
        env=own | environment,
        capture_output=True,
        text=True,
        check=False,
    )
