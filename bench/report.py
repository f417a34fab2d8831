"""Writes the figures of a whole run for people, for programs, and as a picture."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.machine import Machine
from bench.measurement import Measurement
from bench.picture import cpu_picture
from bench.registry import Benchmark
from bench.screen import shown

PAGE = "benchmarks.md"
FIGURES = "benchmarks.json"
PICTURE = "benchmarks-cpu.svg"

INTRODUCTION = f"""\
# Benchmarks

`make bench` runs the real thing on one machine (Kafka, PostgreSQL, the simulator, our services and
the load share its cores) and writes this page and [{FIGURES}]({FIGURES}). Beside each figure stands
what the same machine allowed in the same run: the bare loop without our code. Compare ratios
between machines, not values.

![Processor time of a message by process]({PICTURE})
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's figures."""

    benchmark: Benchmark
    machine: Machine
    measurements: Sequence[Measurement]


def write(sections: Sequence[Section], docs: Path) -> list[Path]:
    """Write page, figures and picture; return where."""
    measurements = [one for section in sections for one in section.measurements]
    contents = {
        PAGE: page(sections),
        FIGURES: json.dumps([one.as_json() for one in measurements], indent=2) + "\n",
        PICTURE: cpu_picture(measurements),
    }
    docs.mkdir(exist_ok=True)
    for name, content in contents.items():
        (docs / name).write_text(content)
    return [docs / name for name in contents]


def page(sections: Sequence[Section]) -> str:
    """Return the page in Markdown."""
    parts = [INTRODUCTION, _table(("Machine", ""), sections[-1].machine.rows())]
    for section in sections:
        benchmark = section.benchmark
        parts += [f"## {benchmark.title}\n", f"{benchmark.how}\n", _figures(section.measurements)]
    return "\n".join(parts)


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
