"""Shows a job's progress until it is done: a live display, or plain lines where nobody watches."""

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from cli.demo.services import Progress

LOOK_EVERY = timedelta(milliseconds=250)
LINE_EVERY = timedelta(seconds=2)
RATE_OVER = timedelta(seconds=5)

Show = Callable[[str, Progress], None]
"""Shows the pace and the progress."""


@dataclass(slots=True)
class Pace:
    """How quickly recipients reach an outcome, judged by the last seconds."""

    looks: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def saw(self, progress: Progress) -> float:
        """Note a look; returns recipients a second."""
        now = time.monotonic()
        self.looks.append((now, progress.done))
        while now - self.looks[0][0] > RATE_OVER.total_seconds():
            self.looks.popleft()
        began, done = self.looks[0]
        return (progress.done - done) / (now - began) if now > began else 0.0


def watch(console: Console, look: Callable[[], Progress], within: timedelta) -> Progress:
    """Show the progress until every recipient has an outcome or the time is over; the last look."""
    pace = Pace()
    deadline = time.monotonic() + within.total_seconds()
    with _display(console) as show:
        while True:
            progress = look()
            rate = pace.saw(progress)
            show(_in_words(rate, progress.open), progress)
            if not progress.open or time.monotonic() > deadline:
                return progress
            time.sleep(LOOK_EVERY.total_seconds())


@contextmanager
def _display(console: Console) -> Generator[Show]:
    if not console.is_terminal:
        yield _lines(console)
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield lambda pace, progress: live.update(_picture(pace, progress))


def _lines(console: Console) -> Show:
    said_at = 0.0

    def show(pace: str, progress: Progress) -> None:
        nonlocal said_at
        now = time.monotonic()
        if now - said_at < LINE_EVERY.total_seconds() and progress.open:
            return
        said_at = now
        reached = ", ".join(f"{name} {count}" for name, count in _figures(progress).items())
        console.print(f"{progress.done}/{progress.total}: {reached}; {pace}", highlight=False)

    return show


def _picture(pace: str, progress: Progress) -> Group:
    bar = Table.grid(padding=(0, 2))
    share = ProgressBar(total=progress.total, completed=progress.done, width=48)
    bar.add_row(share, f"[b]{progress.done}[/b] of {progress.total}", pace)
    figures = Table.grid(padding=(0, 3))
    figures.add_row(*(f"{name} [b]{count}[/b]" for name, count in _figures(progress).items()))
    return Group(bar, figures)


def _figures(progress: Progress) -> dict[str, int]:
    accepted = progress.total - progress.counts["skipped"]
    return {"accepted": accepted, **progress.reached(), "skipped": progress.counts["skipped"]}


def _in_words(rate: float, waiting: int) -> str:
    left = f"{waiting / rate:.0f} s left" if rate else "time left unknown"
    return f"{rate:.0f}/s, {left}"
