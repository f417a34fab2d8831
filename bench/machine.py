"""Which machine the figures were taken on."""

import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg2

from deploy.stack import Stack

CPU_INFO = Path("/proc/cpuinfo")
KAFKA_POM = Path(__file__).resolve().parents[1] / "deploy" / "kafka" / "pom.xml"
GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader must know to compare."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    kafka: str
    postgresql: str
    measured_on: str

    @property
    def in_words(self) -> str:
        """When, and on what."""
        return (
            f"{self.measured_on}: {self.processor}, {self.cores} cores, {self.memory_gb:.0f} GB,"
            f" {self.system}, Python {self.python}, Apache Kafka {self.kafka},"
            f" PostgreSQL {self.postgresql}"
        )


def machine(stack: Stack) -> Machine:
    """Describe this machine; the stack runs."""
    return Machine(
        processor=_processor(),
        cores=psutil.cpu_count() or 1,
        memory_gb=psutil.virtual_memory().total / GB,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        kafka=_kafka_version(),
        postgresql=_postgresql_version(stack),
        measured_on=datetime.now(UTC).date().isoformat(),
    )


def _processor() -> str:
    if CPU_INFO.exists():
        named = re.search(r"^model name\s*:\s*(.+)$", CPU_INFO.read_text(), re.MULTILINE)
        if named:
            return named[1]
    return platform.processor() or platform.machine()


def _kafka_version() -> str:
    named = re.search(r"<kafka\.version>(.+?)</", KAFKA_POM.read_text())
    return named[1] if named else "unknown"


def _postgresql_version(stack: Stack) -> str:
    connection = psycopg2.connect(stack.postgres.dsn_of("postgres"))
    try:
        number = connection.server_version
    finally:
        connection.close()
    return f"{number // 10_000}.{number % 10_000}"
