"""What the person at the terminal sees: which benchmark runs, how far it is, what came out."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.measurement import Measurement, rounded
from bench.registry import Benchmark

WIDTH = 100


class Screen:
    """A live line while a benchmark runs, and a table when it has ended."""

    def __init__(self) -> None:
        self._console = Console(width=WIDTH)

    @contextmanager
    def benchmark(self, title: str) -> Generator[Callable[[str], None]]:
        """Show that a benchmark runs; lends what tells how far it is."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(title)

            def say(what: str) -> None:
                progress.update(task, description=f"{title}: {what}")

            yield say

    def show(self, benchmark: Benchmark, measurements: Sequence[Measurement]) -> None:
        """Print the figures of a benchmark."""
        table = Table(title=benchmark.title, title_justify="left", min_width=80)
        table.add_column("figure", min_width=40)
        for name in ("value", "raw limit", "ratio"):
            table.add_column(name, justify="right")
        table.add_column("unit")
        for one in measurements:
            table.add_row(
                one.name, shown(one.value), shown(one.raw_limit), shown(one.ratio), one.unit
            )
        self._console.print(table)


def shown(value: float | None) -> str:
    """Return a figure for people.

    >>> shown(12345.6), shown(0.5), shown(None)
    ('12,350', '0.5', '')
    """
    return "" if value is None else f"{rounded(value):,.10g}"
