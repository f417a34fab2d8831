"""Servers that outlive the command that started them, and how they are found again.

A daemon is detached from its starter: `up` may end, or be killed, and the server stays. It is found
again by its process id together with the moment it started, so that a reused id is never mistaken
for it, or, where no id was written down, by what only it has (a mark on its command line, its
working directory).
"""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil

from deploy.stack.errors import StackError

# Puts the server in the background, prints its process id and ends. So the server is nobody's
# child: it leaves no zombie for us to collect, and does not end with us. All it prints is logged.
DETACH = '"$@" >&2 & echo $!'

# The kernel counts start times in ticks of 10 ms; psutil adds the boot time, which NTP may shift.
START_TOLERANCE = timedelta(seconds=2)
POLL = timedelta(milliseconds=20)

# A server may start a child while its children are being killed; the next round finds that child.
KILL_ROUNDS = 5
LARGEST_LOG_BYTES = 20 * 10**6
KILLED_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True)
class Identity:
    """User and group a server runs as, where that is not us."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Daemon:
    """One server: where its id is recorded, where it logs, how it is told from all others."""

    title: str
    record: Path
    log: Path
    is_it: Callable[[psutil.Process], bool]

    def find(self) -> psutil.Process | None:
        """Return the running server, if there is one."""
        recorded = self._recorded()
        if recorded is not None and _is_alive(recorded):
            return recorded
        return next(self._marked(), None)

    def launch(self, argv: Sequence[str], identity: Identity | None = None) -> psutil.Process:
        """Start the server, detached, its output appended to its log; does not wait for it."""
        self._turn_log()
        with self.log.open("ab") as log:
            launched = subprocess.run(
                ["/bin/sh", "-c", DETACH, "sh", *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                check=True,
                cwd="/",
                start_new_session=True,
                user=None if identity is None else identity.uid,
                group=None if identity is None else identity.gid,
                extra_groups=None if identity is None else [],
            )
        return self._remember(int(launched.stdout))

    def processes(self) -> list[psutil.Process]:
        """Return the server and every process that belongs to it, the server first."""
        server = self.find()
        family = [] if server is None else [server, *_children(server)]
        return list({process.pid: process for process in [*family, *self._marked()]}.values())

    def wait_until_ready(self, is_ready: Callable[[], bool], within: timedelta) -> None:
        """Return once it answers; raises StackError with the log's last line if it does not."""
        deadline = time.monotonic() + within.total_seconds()
        while not is_ready():
            if self.find() is None:
                raise StackError(f"{self.title} ended while starting: {last_words(self.log)}")
            if time.monotonic() > deadline:
                seconds = within.total_seconds()
                raise StackError(
                    f"{self.title} does not answer after {seconds:.0f} s: {last_words(self.log)}"
                )
            time.sleep(POLL.total_seconds())

    def stop(self, how: signal.Signals, within: timedelta) -> bool:
        """Ask it to end, and kill it if it has not done so in time; returns whether it obeyed."""
        server = self.find()
        if server is not None:
            _send(server, signal.SIGCONT)
            _send(server, how)
            wait_until_gone([server], within)
        obeyed = server is None or not _is_alive(server)
        self.kill()
        return obeyed

    def kill(self) -> None:
        """Kill -9 the server and what belongs to it; returns when all of it is gone."""
        for _ in range(KILL_ROUNDS):
            processes = self.processes()
            if not processes:
                self.record.unlink(missing_ok=True)
                return
            for process in processes:
                _send(process, signal.SIGKILL)
            wait_until_gone(processes, KILLED_WITHIN)
        raise StackError(f"{self.title} cannot be killed (process {self.processes()[0].pid})")

    def suspend(self) -> None:
        """Freeze all of it (SIGSTOP); connections stay open and nothing answers."""
        for process in self.processes():
            _send(process, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `suspend`."""
        for process in self.processes():
            _send(process, signal.SIGCONT)

    def _turn_log(self) -> None:
        """Keep one older log, so that a stack that lives for months does not fill the disk."""
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old"))

    def _recorded(self) -> psutil.Process | None:
        try:
            recorded = json.loads(self.record.read_text())
            process = psutil.Process(recorded["pid"])
            drift = abs(process.create_time() - recorded["started_at"])
        except (FileNotFoundError, ValueError, KeyError, psutil.Error):
            return None
        return process if drift < START_TOLERANCE.total_seconds() else None

    def _remember(self, pid: int) -> psutil.Process:
        try:
            process = psutil.Process(pid)
            started_at = process.create_time()
        except psutil.NoSuchProcess as error:
            raise StackError(f"{self.title} did not start: {last_words(self.log)}") from error
        unfinished = self.record.with_suffix(".new")
        unfinished.write_text(json.dumps({"pid": pid, "started_at": started_at}))
        unfinished.replace(self.record)
        return process

    def _marked(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            try:
                if _is_alive(process) and self.is_it(process):
                    yield process
            except psutil.Error:
                continue  # it ended meanwhile, or is somebody else's: not ours in both cases


def last_words(log: Path) -> str:
    """Name the log and its last line."""
    try:
        lines = log.read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return f"there is no log at {log}"
    said = [line.strip() for line in lines if line.strip()]
    return f"{log} ends with: {said[-1]}" if said else f"its log is empty ({log})"


def wait_until_gone(processes: Sequence[psutil.Process], within: timedelta) -> None:
    """Return when all have ended, or the time is over."""
    deadline = time.monotonic() + within.total_seconds()
    while any(_is_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(POLL.total_seconds())


def _is_alive(process: psutil.Process) -> bool:
    # A zombie has ended; where nothing collects it (a container without init) it stays for ever.
    # But a killed JVM shows as one while its other threads still hold its ports.
    try:
        ended = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
        return process.is_running() and not ended
    except psutil.NoSuchProcess:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _send(process: psutil.Process, what: signal.Signals) -> None:
    try:
        process.send_signal(what)
    except psutil.NoSuchProcess:
        return  # it is where we wanted it
