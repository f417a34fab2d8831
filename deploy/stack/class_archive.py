"""Kafka's classes as the JVM keeps them in memory, so that a start need not read the jars again.

The first broker that is stopped cleanly writes the archive (about 3 s, once a checkout); every
later one maps it. Measured on 2 cores: 1.0 s until the broker answers, 2.3 s without. The JVM
checks the archive against itself and the jars, and does without where they do not fit.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from deploy.stack import prerequisites


@dataclass(frozen=True)
class ClassArchive:
    """The archive for one set of jars; `state` is the directory of the stack that may write it."""

    jars: Path
    state: Path

    def to_use(self) -> list[str]:
        """Return the JVM's options to start from the archive, where there is one."""
        return [f"-XX:SharedArchiveFile={self._kept}"] if self._kept.exists() else []

    def to_use_or_write(self) -> list[str]:
        """Return the same options, or those that write the archive at the JVM's end."""
        self._written.unlink(missing_ok=True)
        quiet = "-Xlog:cds=off,cds+dynamic=off"  # It warns of every class it has to leave out.
        return self.to_use() or [f"-XX:ArchiveClassesAtExit={self._written}", quiet]

    def keep(self) -> None:
        """Take over what a JVM wrote; only after it ended by itself, so it is whole."""
        if self._written.exists():
            self._written.replace(self._kept)

    @property
    def _written(self) -> Path:
        return self.state / "classes.jsa"

    @property
    def _kept(self) -> Path:
        java = hashlib.sha256(prerequisites.java_build().encode()).hexdigest()[:8]
        return self.jars.with_name(f"{self.jars.name}-java-{java}.jsa")
