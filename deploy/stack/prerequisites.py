"""The programs the stack needs from the machine, and one clear line where one is missing."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from deploy.stack.errors import StackError

LEAST_JAVA = 17


@cache
def java() -> Path:
    """Find a Java that can run Kafka: JAVA_HOME's, else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    candidates = [home and shutil.which("java", path=f"{home}/bin"), shutil.which("java")]
    found = [Path(candidate) for candidate in candidates if candidate]
    if not found:
        raise StackError(f"Java is missing: install a JDK or JRE {LEAST_JAVA} or newer")
    for candidate in found:
        if _version(candidate) >= LEAST_JAVA:
            return candidate
    raise StackError(
        f"{found[0]} is Java {_version(found[0])}: Kafka needs {LEAST_JAVA} or newer "
        "(JAVA_HOME or PATH may name another)"
    )


def maven() -> Path:
    """Find mvn on PATH."""
    found = shutil.which("mvn")
    if found is None:
        raise StackError("Maven is missing: install it so that `mvn` can fetch Kafka's jars")
    return Path(found)


def java_build() -> str:
    """Say which build of Java `java()` is, in its own words."""
    return _build(java())


def _version(java: Path) -> int:
    """Return the feature release: 17 for "17.0.15", 8 for "1.8.0"; 0 if it does not run."""
    match = re.search(r'version "(?:1\.)?(\d+)', _build(java))
    return int(match[1]) if match else 0


@cache
def _build(java: Path) -> str:
    return subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
