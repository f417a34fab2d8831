"""What a running system costs: processor time and memory, by process, servers included."""

import asyncio
from datetime import timedelta

import psutil

from deploy.pipeline import Pipeline
from deploy.wiring import SERVICES

LOOK_EVERY = timedelta(milliseconds=250)
KAFKA = "kafka"
POSTGRESQL = "postgresql"
MB = 1_000_000


class Meter:
    """Reads the processes of one started system."""

    def __init__(self, system: Pipeline) -> None:
        self._processes = {
            name: psutil.Process(process.pid) for name, process in system.processes.items()
        }
        self._kafka = _process(system.stack.kafka.pid)
        self._postmaster = _process(system.stack.postgres.pid)
        self.most_rss: dict[str, int] = {}
        """Bytes; the most that `watch` or `look` has seen, without PostgreSQL."""

    def cpu_seconds(self) -> dict[str, float]:
        """Return user and system time so far, by process."""
        spent = {name: _own_seconds(process) for name, process in self._processes.items()}
        spent[KAFKA] = _own_seconds(self._kafka)
        # Sessions that have ended count as the postmaster's children.
        times = self._postmaster.cpu_times()
        sessions = self._postmaster.children(recursive=True)
        living = sum(_own_seconds(session) for session in [self._postmaster, *sessions])
        spent[POSTGRESQL] = living + times.children_user + times.children_system
        return spent

    def look(self) -> dict[str, int]:
        """Return the resident memory now, in bytes, by process."""
        measured = self._processes | {KAFKA: self._kafka}
        rss = {name: process.memory_info().rss for name, process in measured.items()}
        for name, size in rss.items():
            self.most_rss[name] = max(size, self.most_rss.get(name, 0))
        return rss

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY.total_seconds())


def our_services(by_process: dict[str, float]) -> float:
    """Return the sum over our services: what the budget of CPU a message speaks of."""
    return sum(spent for name, spent in by_process.items() if name in SERVICES)


def difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return what was spent in between, by process."""
    return {name: after[name] - spent for name, spent in before.items()}


def _own_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0  # ended since it was listed
    return times.user + times.system


def _process(pid: int | None) -> psutil.Process:
    if pid is None:
        raise psutil.NoSuchProcess(0)
    return psutil.Process(pid)
