"""Kafka's jars: resolved by Maven from the pinned deploy/kafka/pom.xml, kept in `.cache/kafka/`."""

import hashlib
import os
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

from deploy.stack import prerequisites
from deploy.stack.daemons import last_words
from deploy.stack.errors import StackError
from deploy.stack.locks import locked
from deploy.stack.places import CHECKOUT, check_free_space, unfinished

POM = CHECKOUT / "deploy" / "kafka" / "pom.xml"
GOAL = "dependency:copy-dependencies"

# A registry may refuse one request of fifty; Maven keeps what it has, so the second try is short.
TRIES = 2


def kafka_jars(cache: Path) -> Path:
    """Return the directory with the jars; fetches them the first time.

    The directory appears in one step when it is complete, and its name carries the hash of the
    pom, so it is never changed under a running broker.
    """
    jars = cache / "kafka" / f"{kafka_version()}-{_digest(POM)}"
    if not jars.is_dir():
        with locked(cache / "kafka" / "lock"):
            if not jars.is_dir():
                _fetch(jars)
    return jars


def kafka_version() -> str:
    """Return the version pinned in the pom."""
    tree = ET.parse(POM)  # noqa: S314  # our own file
    version = tree.findtext(".//{*}kafka.version")
    if version is None:
        raise StackError(f"{POM} names no kafka.version")
    return version


def _fetch(jars: Path) -> None:
    check_free_space(jars.parent)
    print(f"fetching Kafka {kafka_version()} with Maven (once) ...", flush=True)
    log = jars.parent / "maven.log"
    with unfinished(jars) as copies:
        if not any(_copied(copies, log) for _ in range(TRIES)):
            raise StackError(f"Maven could not fetch Kafka: {last_words(log)}")


def _copied(target: Path, log: Path) -> bool:
    """Run Maven; on failure the log's last line is its first error."""
    ran = subprocess.run(
        [prerequisites.maven(), "-B", "-q", "-ntp", "-f", POM, GOAL, f"-DoutputDirectory={target}"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MAVEN_OPTS": os.environ.get("MAVEN_OPTS", "-Xmx256m")},
    )
    errors = [line for line in ran.stdout.split("\n") if "[ERROR]" in line]
    log.write_text("\n".join([ran.stdout, ran.stderr, *errors[:1]]))
    return ran.returncode == 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
