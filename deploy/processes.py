"""Our services as child processes, for the demo, the tests and the benchmarks.

A child never outlives the process that started it, however that ends: on Linux the kernel kills it.
For servers that shall stay (Kafka, PostgreSQL) see deploy/stack/daemons.py.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psutil

from deploy.stack.daemons import last_words

LAUNCHER = Path(__file__).with_name("launcher.py")
POLL = timedelta(milliseconds=20)
ONE_ANSWER = timedelta(seconds=2)

# The kernel means the parent *thread*: a child started from a worker thread would die with that
# thread. So every child is started from this one, which lives as long as the process.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="process-starter")

# A proxy from the environment cannot reach our own machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ProcessError(Exception):
    """A child ended, or is not ready in time; the message is one line with its log's last line."""


class Process:
    """One child process; its output goes to `log_path`, appended.

    argv[0] may be a bare name on PATH; `python_module` builds the argv of one of our services. env
    is laid over our own environment. Every method may be called from any thread.
    """

    def __init__(
        self, name: str, argv: Sequence[str], env: Mapping[str, str], log_path: Path
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.env = dict(env)
        self.log_path = log_path
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; does not wait until it is ready. Starting what runs is an error."""
        if self.is_running():
            raise ProcessError(f"{self.name} runs already (process {self.pid})")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._child = _STARTER.submit(self._launch).result()

    def wait_ready(self, ready: str | Callable[[], bool], within: timedelta) -> None:
        """Return once the URL answers 2xx, or the callable returns True.

        Raises ProcessError if the child ends first, or is not ready in time.
        """
        is_ready = _url_answers(ready) if isinstance(ready, str) else ready
        deadline = time.monotonic() + within.total_seconds()
        while not is_ready():
            if not self.is_running():
                raise ProcessError(f"{self.name} ended with {self.exit_code}: {self._last_words()}")
            if time.monotonic() > deadline:
                seconds = within.total_seconds()
                raise ProcessError(
                    f"{self.name} is not ready after {seconds:.0f} s: {self._last_words()}"
                )
            time.sleep(POLL.total_seconds())

    def terminate(self, within: timedelta = timedelta(seconds=15)) -> int:
        """SIGTERM, then kill -9 when the time is over; returns the exit code (-9 for killed)."""
        child = self._started()
        self.resume()
        child.terminate()
        try:
            return child.wait(within.total_seconds())
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Kill -9, also while suspended; returns when it is gone."""
        child = self._started()
        child.kill()
        return child.wait()

    def restart(self) -> None:
        """Start it again after its end; one that runs is terminated first."""
        if self.is_running():
            self.terminate()
        self.start()

    def suspend(self) -> None:
        """Freeze it (SIGSTOP): its connections stay open and nothing answers."""
        self._started().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `suspend`."""
        self._started().send_signal(signal.SIGCONT)

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """How it ended: 0 well, -9 killed; None while it runs."""
        return self._started().poll()

    def cpu_seconds(self) -> float:
        """User and system time since the last start; only while it runs."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system

    def rss_bytes(self) -> int:
        """Resident memory now; only while it runs."""
        return psutil.Process(self.pid).memory_info().rss

    def _launch(self) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-S", "-E", str(LAUNCHER), str(os.getpid()), *self.argv],
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches us alone, and we end our children in the right order.
                start_new_session=True,
            )

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise ProcessError(f"{self.name} was not started")
        return self._child

    def _last_words(self) -> str:
        return last_words(self.log_path)


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the argv of `python -m module` in this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def stop_all(processes: Sequence[Process], within: timedelta = timedelta(seconds=15)) -> None:
    """Terminate all at the same time; kills what has not ended when the time is over."""
    running = [process for process in processes if process.is_running()]
    deadline = time.monotonic() + within.total_seconds()
    for process in running:
        process.resume()
        os.kill(process.pid, signal.SIGTERM)
    for process in running:
        process.terminate(timedelta(seconds=max(deadline - time.monotonic(), 0)))


def _url_answers(url: str) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            with _OPENER.open(url, timeout=ONE_ANSWER.total_seconds()):
                return True
        except urllib.error.HTTPError as refused:
            refused.close()
            return False
        except OSError:
            return False

    return answers
