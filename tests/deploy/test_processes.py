"""Child processes of the demo, the tests and the benchmarks: none outlives its parent."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Thread

import psutil
import pytest

from deploy.processes import Process, ProcessError, stop_all
from deploy.stack.places import CHECKOUT
from tests.deploy.endings import has_ended
from tests.eventually import eventually, seconds

IDLES = "import time; print('ready', flush=True); time.sleep(60)"
IGNORES_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {IDLES}"
SERVES = (
    "import http.server; server = http.server.HTTPServer(('127.0.0.1', 0), "
    "http.server.SimpleHTTPRequestHandler); print(server.server_port, flush=True); "
    "server.serve_forever()"
)

Start = Callable[[str], Process]


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start]:
    """Start `python -c program`, wait for its first line of output, and end it after the test."""
    started: list[Process] = []

    def start_program(program: str) -> Process:
        log = tmp_path / f"{len(started)}.log"
        process = Process("child", [sys.executable, "-c", program], {}, log)
        process.start()
        started.append(process)
        process.wait_ready(lambda: bool(log.read_text()), seconds(10))
        return process

    yield start_program
    for process in started:
        process.kill()


def test_a_child_is_ready_when_its_address_answers(start: Start) -> None:
    child = start(SERVES)
    port = child.log_path.read_text().strip()

    child.wait_ready(f"http://127.0.0.1:{port}/", seconds(10))

    assert child.is_running()


def test_a_child_that_ends_early_is_one_line_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = Process("ingester", [sys.executable, "-c", "raise SystemExit('no Kafka')"], {}, log)
    child.start()

    with pytest.raises(ProcessError) as ended:
        child.wait_ready(lambda: False, seconds(10))

    assert str(ended.value) == f"ingester ended with 1: {log} ends with: no Kafka"


def test_a_program_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    child = Process("nobody", ["no-such-program"], {}, tmp_path / "log")
    child.start()

    with pytest.raises(ProcessError, match="no-such-program does not start: "):
        child.wait_ready(lambda: False, seconds(10))


def test_a_child_that_is_never_ready_is_given_up(start: Start) -> None:
    with pytest.raises(ProcessError, match="child is not ready after 0 s"):
        start(IDLES).wait_ready(lambda: False, seconds(0.1))


def test_terminate_kills_a_child_that_does_not_obey(start: Start) -> None:
    child = start(IGNORES_SIGTERM)

    assert child.terminate(seconds(0.1)) == -signal.SIGKILL


def test_a_suspended_child_is_ended_like_any_other(start: Start) -> None:
    child = start(IDLES)
    child.suspend()

    assert child.terminate() == -signal.SIGTERM


def test_a_restarted_child_is_a_new_process(start: Start) -> None:
    child = start(IDLES)
    before = child.pid

    child.restart()

    assert child.is_running()
    assert child.pid != before


def test_all_are_stopped_at_once(start: Start) -> None:
    children = [start(IDLES), start(IGNORES_SIGTERM)]

    stop_all(children, seconds(0.1))

    assert [child.exit_code for child in children] == [-signal.SIGTERM, -signal.SIGKILL]


def test_a_child_can_be_weighed(start: Start) -> None:
    child = start(IDLES)

    assert child.cpu_seconds() > 0
    assert child.rss_bytes() > 1_000_000


def test_a_child_started_in_a_thread_survives_that_thread(start: Start) -> None:
    children: list[Process] = []
    thread = Thread(target=lambda: children.append(start(IDLES)))
    thread.start()
    thread.join()

    second = start(IDLES)  # by now the kernel would have killed the first

    assert second.is_running()
    assert children[0].is_running()


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from deploy.processes import Process
child = Process("child", [sys.executable, "-c", {IDLES!r}], {{}}, Path({str(tmp_path / "log")!r}))
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))

        os.kill(parent.pid, signal.SIGKILL)

    asyncio.run(eventually(lambda: has_ended(child), within=seconds(5)))
