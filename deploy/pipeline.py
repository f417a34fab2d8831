"""One running system on this machine: stack, simulator and services, wired together.

```python
with Pipeline("demo", copies={"dispatcher": 2}) as world:  # or `async with`
    world.urls["scheduler"]  # "http://127.0.0.1:23456"
    world.process("dispatcher", 1).kill()
    world.stack.kafka.kill()
    world.simulator.verdict().sent_twice
```

Each run begins with empty topics, empty tables and secrets of its own. Every service is a process
that dies with this one, however this one ends; its output is `.stack/<name>/logs/<service>.log`.
"""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from deploy import wiring
from deploy.processes import Process, python_module, stop_all
from deploy.simulated_provider import SimulatedProvider
from deploy.stack import Stack, lease_empty
from deploy.wiring import Seat, Secrets
from runtime.auth import Caller, Permission, issue
from runtime.clock import now
from runtime.kafka.sealing import TopicKeys, TopicKeySettings
from runtime.kafka.topics import ensure_topics
from runtime.postgres import connect
from schemas.tables.migrate import migrate

STARTS_WITHIN = timedelta(seconds=60)
"""Seven Pythons on two busy cores take some 7 s."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a system stands on: servers that run, topics and tables that are empty."""

    stack: Stack
    database_url: str

    @property
    def environment(self) -> dict[str, str]:
        """What services read to find it."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka.bootstrap,
            "DATABASE_URL": self.database_url,
        }


@contextmanager
def ground_of_its_own(name: str) -> Generator[Ground]:
    """Start the stack of that name without its old data, and stop it at the end.

    Two at a time get stacks of their own (`demo`, `demo-2`). Raises StackError.
    """
    with lease_empty(name) as stack:
        asyncio.run(ensure_topics(stack.kafka.bootstrap))
        engine = connect(stack.postgres.url, pool=1)
        migrate(engine)
        engine.dispose()
        yield Ground(stack, stack.postgres.url)


class Pipeline:
    """The system under one name. Making it starts nothing; every method may block.

    `copies` counts the processes of a service (default: one of each); the two environments are laid
    over what the simulator and all the services get; `ground` is lent by a caller who has one. What
    the providers and the services share is in `secrets`.
    """

    def __init__(
        self,
        name: str,
        *,
        copies: Mapping[str, int] | None = None,
        simulator_env: Mapping[str, str] | None = None,
        service_env: Mapping[str, str] | None = None,
        ground: Ground | None = None,
    ) -> None:
        self.name = name
        self._copies = dict(copies or {})
        self._simulator_env = dict(simulator_env or {})
        self._service_env = dict(service_env or {})
        self._lent = ground
        self._ground = ground
        self._members: dict[Seat, Process] = {}
        self.secrets = Secrets()
        self._open = ExitStack()

    def start(self) -> Self:
        """Start everything; returns when every process is ready.

        Raises StackError or ProcessError, one line each, and leaves nothing running.
        """
        try:
            if self._lent is None:
                self._ground = self._open.enter_context(ground_of_its_own(self.name))
            self._members = self._seated(wiring.seats(self._copies))
            self._open.callback(self._stop_members)
            for process in self._members.values():
                process.start()
            for seat, process in self._members.items():
                process.wait_ready(seat.health_url, STARTS_WITHIN)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the services, then the stack unless it was lent."""
        self._open.close()

    def process(self, service: str, copy: int = 0) -> Process:
        """Return a service's process: `kill`, `restart`, `suspend`, `cpu_seconds` and so on."""
        return self._members[self._seat(service, copy)]

    def wait_ready(self, service: str, copy: int = 0) -> None:
        """Return when the service answers that it can do its work. Raises ProcessError."""
        seat = self._seat(service, copy)
        self._members[seat].wait_ready(seat.health_url, STARTS_WITHIN)

    @property
    def processes(self) -> dict[str, Process]:
        """Every process by its name: `simulator`, `dispatcher`, `dispatcher-2`."""
        return {seat.name: process for seat, process in self._members.items()}

    @property
    def urls(self) -> dict[str, str]:
        """Where each process answers, by the same names."""
        return {seat.name: seat.url for seat in self._members}

    @property
    def environment(self) -> dict[str, str]:
        """What a command by hand reads to work in this system, as its services do."""
        media = wiring.media_store(self._scratch)
        return wiring.NO_PROXY | self._served(self.urls[wiring.SIMULATOR]) | media

    @property
    def topic_keys(self) -> TopicKeys:
        """What opens the records that the services of this system write."""
        key = SecretStr(self.environment["TOPIC_ENCRYPTION_KEY"])
        return TopicKeys(TopicKeySettings(topic_encryption_key=key))

    @property
    def token(self) -> str:
        """What opens every API of this system, of every tenant, for a day."""
        caller = Caller("pipeline", None, frozenset(Permission))
        return issue(caller, until=now() + timedelta(days=1), key=self.secrets.auth_key)

    @property
    def headers(self) -> dict[str, str]:
        """What a client of its APIs sends with each call."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def simulator(self) -> SimulatedProvider:
        """The provider's side: its ledger, its verdict, its knobs."""
        return SimulatedProvider(self.urls[wiring.SIMULATOR])

    @property
    def stack(self) -> Stack:
        """The servers below."""
        return self._standing.stack

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self.stack.kafka.bootstrap

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the services' database."""
        return self._standing.database_url

    @property
    def _standing(self) -> Ground:
        if self._ground is None:
            raise RuntimeError(f"the system {self.name} was not started")
        return self._ground

    def _seat(self, service: str, copy: int) -> Seat:
        return next(s for s in self._members if (s.service, s.number) == (service, copy))

    def _seated(self, seats: Sequence[Seat]) -> dict[Seat, Process]:
        simulated = wiring.simulator_environment(seats, self.secrets) | self._simulator_env
        served = wiring.public_environment(seats) | self._served(seats[0].url)
        return {
            seat: self._process(seat, simulated if seat.service == wiring.SIMULATOR else served)
            for seat in seats
        }

    def _served(self, simulator_url: str) -> dict[str, str]:
        shared = wiring.service_environment(simulator_url, self.secrets)
        return self._standing.environment | shared | self._service_env

    @property
    def _scratch(self) -> Path:
        return self.stack.places.state / "scratch"

    def _process(self, seat: Seat, environment: Mapping[str, str]) -> Process:
        self._scratch.mkdir(exist_ok=True)
        log = self.stack.places.logs / f"{seat.name}.log"
        log.unlink(missing_ok=True)
        own = wiring.seat_environment(seat, self._scratch)
        argv = python_module(seat.module)
        return Process(seat.name, argv, {**wiring.NO_PROXY, **environment, **own}, log)

    def _stop_members(self) -> None:
        stop_all(list(self._members.values()))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)
