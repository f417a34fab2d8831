"""Writes the figures for people, for programs, and as a picture.

Each benchmark takes its raw limits in its own run, so each has a section that stands by itself: a
run of some of them replaces theirs and leaves the others.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bench.curve import growth_picture
from bench.machine import Machine
from bench.measurement import Measurement
from bench.picture import cpu_picture
from bench.registry import BENCHMARKS, Benchmark
from bench.screen import shown

PAGE = "benchmarks.md"
FIGURES = "benchmarks.json"
PICTURE = "benchmarks-cpu.svg"
CURVE = "benchmarks-growth.svg"

INTRODUCTION = f"""\
# Benchmarks

`make bench` runs the real thing on one machine (Kafka, PostgreSQL, the simulator, our services and
the load share its cores) and writes this page and [{FIGURES}]({FIGURES});
`.venv/bin/python -m bench timed tasks` runs and replaces some sections alone. Beside each figure
stands what the same machine allowed in the same run: the bare loop without our code. Compare ratios
between machines, not values.

![Processor time of a message by process]({PICTURE})

![The projector's events a second while its table grows]({CURVE})
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's figures."""

    benchmark: Benchmark
    machine: Machine
    measurements: Sequence[Measurement]

    @classmethod
    def of_json(cls, told: Mapping[str, Any], benchmark: Benchmark) -> Self:
        """Return what `as_json` told of."""
        figures = [Measurement.of_json(one) for one in told["figures"]]
        return cls(benchmark, Machine(**told["machine"]), figures)

    def as_json(self) -> dict[str, Any]:
        """Return the section as docs/benchmarks.json holds it."""
        return {
            "benchmark": self.benchmark.name,
            "machine": asdict(self.machine),
            "figures": [one.as_json() for one in self.measurements],
        }


def write(taken: Sequence[Section], docs: Path) -> list[Path]:
    """Write page, figures and pictures with these sections replaced; return where."""
    docs.mkdir(exist_ok=True)
    sections = _replaced(taken, docs / FIGURES)
    measurements = [one for section in sections for one in section.measurements]
    contents = {
        PAGE: page(sections),
        FIGURES: json.dumps([one.as_json() for one in sections], indent=2) + "\n",
        PICTURE: cpu_picture(measurements),
        CURVE: growth_picture(measurements),
    }
    for name, content in contents.items():
        (docs / name).write_text(content)
    return [docs / name for name in contents]


def page(sections: Sequence[Section]) -> str:
    """Return the page in Markdown."""
    parts = [INTRODUCTION]
    for section in sections:
        benchmark = section.benchmark
        measured = f"Measured on {section.machine.in_words}.\n"
        figures = _figures(section.measurements)
        parts += [f"## {benchmark.title}\n", f"{benchmark.how}\n", measured, figures]
    return "\n".join(parts)


def _replaced(taken: Sequence[Section], figures: Path) -> list[Section]:
    """Return all sections there are, in the registry's order."""
    former: list[dict[str, Any]] = json.loads(figures.read_text()) if figures.exists() else []
    told = {one["benchmark"]: one for one in former}
    new = {one.benchmark.name: one for one in taken}
    return [
        new.get(one.name) or Section.of_json(told[one.name], one)
        for one in BENCHMARKS
        if one.name in new or one.name in told
    ]


def _figures(measurements: Iterable[Measurement]) -> str:
    head = ("Figure", "Value", "Unit", "Raw limit", "Ratio")
    rows = [
        (f"`{one.name}`", shown(one.value), one.unit, shown(one.raw_limit), shown(one.ratio))
        for one in measurements
    ]
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
