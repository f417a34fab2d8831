"""Which benchmarks there are, in the order they run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

from bench import (
    backlog,
    dispatching,
    full_life,
    growth,
    ingester,
    job_intake,
    live,
    previews,
    producer,
    projection,
    provider_calls,
    queries,
    stream,
    tasks,
    timed,
)
from bench.arena import Arena
from bench.measurement import Measurement


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One module."""

    name: str
    title: str
    how: str
    """One paragraph: how its figures are taken."""
    run: Callable[[Arena], Sequence[Measurement]]


def _benchmark(module: ModuleType) -> Benchmark:
    name = module.__name__.rpartition(".")[2]
    return Benchmark(name, module.TITLE, module.HOW, module.run)


BENCHMARKS: Sequence[Benchmark] = [
    _benchmark(module)
    for module in (
        full_life,
        backlog,
        stream,
        producer,
        provider_calls,
        dispatching,
        projection,
        growth,
        queries,
        tasks,
        ingester,
        job_intake,
        live,
        timed,
        previews,
    )
]
