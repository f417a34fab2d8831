"""A named pair of servers: what `make up` starts, and what tests, demo and benchmarks stand on."""

import itertools
import json
import secrets
import shutil
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.stack import prerequisites
from deploy.stack.kafka import Kafka
from deploy.stack.locks import locked, locked_if_free
from deploy.stack.places import CHECKOUT, Places, checked_name
from deploy.stack.ports import Ports, is_free
from deploy.stack.postgres import Postgres

DEV = "dev"


@dataclass(frozen=True)
class Record:
    """What `stack.json` remembers: the ports, and PostgreSQL's password over TCP."""

    ports: Ports
    password: str

    @staticmethod
    def path(places: Places) -> Path:
        """Where it lies."""
        return places.state / "stack.json"

    @classmethod
    def read(cls, places: Places) -> "Record | None":
        """Return what was remembered; None for a stack that was never up."""
        try:
            content = json.loads(cls.path(places).read_text())
            return cls(Ports(**content["ports"]), content["password"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, places: Places) -> None:
        """Replace the file in one step; only its owner may read it."""
        places.state.mkdir(parents=True, exist_ok=True)
        unfinished = self.path(places).with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(self), indent=2) + "\n")
        unfinished.replace(self.path(places))


class Stack:
    """Kafka and PostgreSQL under one name, with their state in `.stack/<name>/`.

    `dev` listens on fixed ports (environment variables override them), every other name on free
    ones, which it keeps. Stacks of different names do not touch each other. Making a Stack starts
    nothing; the same name in another process is the same stack.
    """

    def __init__(
        self, name: str = DEV, ports: Ports | None = None, checkout: Path = CHECKOUT
    ) -> None:
        self.places = Places(checked_name(name), checkout)
        self._wanted = ports
        self._record = self._remembered()

    @property
    def name(self) -> str:
        """As `dev` or `tests`."""
        return self.places.name

    @property
    def ports(self) -> Ports:
        """The ports it listens on, or will."""
        return self._record.ports

    @property
    def kafka(self) -> Kafka:
        """Its broker."""
        return Kafka(self.places, self.ports)

    @property
    def postgres(self) -> Postgres:
        """Its database server."""
        return Postgres(self.places, self.ports, self._record.password)

    @property
    def environment(self) -> dict[str, str]:
        """What our services read from the environment to find these servers."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "DATABASE_URL": self.postgres.url,
        }

    def exists(self) -> bool:
        """Whether it was ever up, and not cleaned since."""
        return Record.read(self.places) is not None

    def up(self) -> None:
        """Start what does not run, take over what does; returns when both answer."""
        prerequisites.java()  # Said before anything is started.
        with self._alone():
            if not self.exists():
                # Left by a checkout that was deleted: of another password, and of another Kafka.
                shutil.rmtree(self.places.short, ignore_errors=True)
            self._record = self._settled()
            self._record.write(self.places)
            with ThreadPoolExecutor() as starting:
                starts = [starting.submit(server.start) for server in (self.postgres, self.kafka)]
            for start in starts:
                start.result()

    def down(self) -> None:
        """Stop both; the data stays."""
        with self._alone():
            self.kafka.stop()
            self.postgres.stop()

    def clean(self) -> None:
        """Kill both and delete the data, the logs and the chosen ports."""
        with self._alone():
            self.kafka.kill()
            self.postgres.kill()
            shutil.rmtree(self.places.short, ignore_errors=True)
            shutil.rmtree(self.places.state, ignore_errors=True)

    def _alone(self) -> AbstractContextManager[None]:
        return locked(self.places.state.parent / f"{self.name}.lock")

    def _remembered(self) -> Record:
        """Return the record, or what a first `up` will most likely write."""
        recorded = Record.read(self.places)
        password = secrets.token_urlsafe(24) if recorded is None else recorded.password
        return Record(self._wanted or self._preferred(recorded), password)

    def _preferred(self, recorded: Record | None) -> Ports:
        if self.name == DEV:
            return Ports.from_environment()
        return Ports.free() if recorded is None else recorded.ports

    def _settled(self) -> Record:
        """Choose the ports under the lock: a running server keeps its own, others may move."""
        recorded = Record.read(self.places)
        if recorded is None:
            return self._record
        running = Stack._with(self.places, recorded)
        if running.kafka.pid or running.postgres.pid:
            return recorded
        ports = self._wanted or self._preferred(recorded)
        if self.name != DEV and self._wanted is None and not _are_free(ports):
            ports = Ports.free()
        return Record(ports, recorded.password)

    @classmethod
    def _with(cls, places: Places, record: Record) -> "Stack":
        return cls(places.name, record.ports, places.checkout)


def lease(name: str, checkout: Path = CHECKOUT) -> AbstractContextManager[Stack]:
    """Lend a running stack to one user at a time, and stop it afterwards.

    Two test runs side by side get `tests` and `tests-2`. After a kill -9 the lease is free again,
    and its next holder takes the servers over.
    """
    return _lent(name, checkout, Stack.up)


def lease_empty(name: str, checkout: Path = CHECKOUT) -> AbstractContextManager[Stack]:
    """Lend a stack that begins without data, whatever its last holder left.

    Deleting topics is no substitute: a broker that still loads its groups when a topic goes keeps
    their offsets, and the next consumer of the topic's namesake passes over its first records.
    """
    return _lent(name, checkout, _start_over)


def _start_over(stack: Stack) -> None:
    stack.clean()
    stack.up()


@contextmanager
def _lent(name: str, checkout: Path, start: Callable[[Stack], None]) -> Generator[Stack]:
    for number in itertools.count(1):
        stack = Stack(name if number == 1 else f"{name}-{number}", checkout=checkout)
        with locked_if_free(stack.places.state.parent / f"{stack.name}.lease") as is_ours:
            if not is_ours:
                continue
            try:
                start(stack)
                yield stack
            finally:
                stack.down()
            return


def all_names(checkout: Path = CHECKOUT) -> list[str]:
    """Name every stack that has state in this checkout; `dev` first, whether it has or not."""
    found = [path.name for path in (checkout / ".stack").glob("*") if path.is_dir()]
    return [DEV, *sorted(set(found) - {DEV})]


def remove_outside(checkout: Path = CHECKOUT) -> None:
    """Delete what this checkout keeps outside itself, once all of its stacks are clean."""
    shutil.rmtree(Places(DEV, checkout).outside, ignore_errors=True)


def _are_free(ports: Ports) -> bool:
    return all(is_free(port) for port in (ports.kafka, ports.controller, ports.postgres))
