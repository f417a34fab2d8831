"""One real Kafka broker (KRaft, its own controller) as a daemon of the stack."""

import base64
import signal
import string
import subprocess
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil

from deploy.stack import prerequisites
from deploy.stack.class_archive import ClassArchive
from deploy.stack.daemons import Daemon, last_words
from deploy.stack.errors import StackError
from deploy.stack.jars import kafka_jars
from deploy.stack.locks import locked
from deploy.stack.metadata import broker_is_ready
from deploy.stack.places import CHECKOUT, Places, check_free_space, unfinished
from deploy.stack.ports import Ports

SETTINGS = CHECKOUT / "deploy" / "kafka" / "server.properties"
LOGGING = CHECKOUT / "deploy" / "kafka" / "log4j2.xml"

# The serial collector: on two cores G1's threads take turns with everything else.
JVM = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData"]

MAIN_CLASS = "kafka.Kafka"

STARTS_WITHIN = timedelta(seconds=90)  # Seen on a busy 2-core machine: 25 s.
STOPS_WITHIN = timedelta(seconds=20)


@dataclass(frozen=True)
class Kafka:
    """The broker of one stack. Every method may be called in any state, from any process."""

    places: Places
    ports: Ports

    @property
    def bootstrap(self) -> str:
        """KAFKA_BOOTSTRAP_SERVERS."""
        return f"127.0.0.1:{self.ports.kafka}"

    @property
    def pid(self) -> int | None:
        """The broker's process id, while it runs."""
        server = self._daemon.find()
        return None if server is None else server.pid

    def is_ready(self) -> bool:
        """Whether the broker answers and all its partitions have a leader."""
        return self.pid is not None and broker_is_ready(self.ports.kafka)

    def start(self) -> None:
        """Start the broker on its port and data; returns when it answers. Raises StackError.

        Takes about 2 s; 4 s after `kill`, because the controller waits for the end of the killed
        broker's session (broker.session.timeout.ms).
        """
        with self._alone():
            if self._daemon.find() is None:
                self._launch()
            self._daemon.resume()
            self._daemon.wait_until_ready(self.is_ready, STARTS_WITHIN)

    def stop(self) -> None:
        """Let the broker close its logs and end."""
        with self._alone():
            if self.pid is not None and self._daemon.stop(signal.SIGTERM, STOPS_WITHIN):
                self._classes.keep()

    def kill(self) -> None:
        """Kill -9 the broker's JVM; what it acknowledged is there again after `start`."""
        with self._alone():
            self._daemon.kill()

    def suspend(self) -> None:
        """Freeze the broker (SIGSTOP)."""
        self._daemon.suspend()

    def resume(self) -> None:
        """Let it go on after `suspend`."""
        self._daemon.resume()

    @property
    def log(self) -> Path:
        """What the broker says."""
        return self.places.logs / "kafka.log"

    @property
    def data(self) -> Path:
        """Where the broker's own files lie: the records, in the clear."""
        return self.places.state / "kafka"

    @property
    def _jars(self) -> Path:
        return kafka_jars(self.places.cache)

    @property
    def _classes(self) -> ClassArchive:
        return ClassArchive(self._jars, self.places.state)

    @property
    def _mark(self) -> str:
        return f"-Dsendtrail.stack={self.places.state}"

    @property
    def _daemon(self) -> Daemon:
        def is_it(process: psutil.Process) -> bool:
            return {self._mark, MAIN_CLASS} <= set(process.cmdline())

        return Daemon("Kafka", self.places.state / "kafka.pid", self.log, is_it)

    def _alone(self) -> AbstractContextManager[None]:
        return locked(self.places.state / "kafka.lock")

    def _launch(self) -> None:
        for field in ("kafka", "controller"):
            self.ports.check_free(field)
        self.places.logs.mkdir(parents=True, exist_ok=True)
        check_free_space(self.places.state)
        if not self.data.is_dir():
            self._format()
        settings = self.places.state / "server.properties"
        self._write_settings(settings, self.data)
        self._daemon.launch(
            self._java(MAIN_CLASS, str(settings), classes=self._classes.to_use_or_write())
        )

    def _java(self, *program: str, classes: list[str]) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={LOGGING}"
        java = [str(prerequisites.java()), *JVM, *classes, self._mark, logging]
        return [*java, "-cp", f"{self._jars}/*", *program]

    def _write_settings(self, path: Path, data: Path) -> None:
        """Write the broker's settings; again at each start, as its ports may have changed."""
        template = string.Template(SETTINGS.read_text())
        path.write_text(
            template.substitute(
                kafka_port=self.ports.kafka, controller_port=self.ports.controller, data=data
            )
        )

    def _format(self) -> None:
        """Create the storage in one step: a half-formatted one would never start."""
        with unfinished(self.data) as data:
            settings = data.with_suffix(".properties")
            self._write_settings(settings, data)
            self._run_format(settings)
            settings.unlink()

    def _run_format(self, settings: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One argument: an id may begin with a dash, which would pass for another option.
        named = f"--cluster-id={cluster}"
        format_it = ["kafka.tools.StorageTool", "format", named, "-c", str(settings)]
        argv = self._java(*format_it, classes=self._classes.to_use())
        with self.log.open("ab") as log:
            ran = subprocess.run(argv, stdout=log, stderr=log, check=False)
        if ran.returncode != 0:
            raise StackError(f"Kafka could not format its storage: {last_words(self.log)}")
