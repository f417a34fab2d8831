"""`python -m bench [NAME…] [--quick]`: measures, prints tables, and writes docs/benchmarks.*."""

import argparse
import logging
import sys
from pathlib import Path

from bench.arena import Arena
from bench.machine import machine
from bench.measurement import BenchError
from bench.registry import BENCHMARKS, Benchmark
from bench.report import Section, write
from bench.screen import Screen
from deploy.pipeline import ground_of_its_own
from deploy.processes import ProcessError
from deploy.stack import StackError

DOCS = Path(__file__).resolve().parents[1] / "docs"
STACK = "bench"
MESSAGES = 20_000
QUICK_MESSAGES = 1_000
ROWS = 5_000_000
QUICK_ROWS = 50_000


def main() -> int:
    """Run the chosen benchmarks; returns the exit code."""
    chosen, screen = _parser().parse_args(), Screen()
    # Each connection that ends with its server would be a line of its own.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    benchmarks = [one for one in BENCHMARKS if not chosen.names or one.name in chosen.names]
    try:
        sections = [_take(one, chosen, screen) for one in benchmarks]
    except (BenchError, ProcessError, StackError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if chosen.quick or chosen.rows or chosen.messages:
        print("Nothing was written: docs/benchmarks.md holds figures of full size.")
    else:
        print(f"Written: {', '.join(str(path) for path in write(sections, DOCS))}")
    return 0


def _take(benchmark: Benchmark, chosen: argparse.Namespace, screen: Screen) -> Section:
    messages = chosen.messages or (QUICK_MESSAGES if chosen.quick else MESSAGES)
    with screen.benchmark(benchmark.title) as say, ground_of_its_own(STACK) as ground:
        rows = chosen.rows or (QUICK_ROWS if chosen.quick else ROWS)
        arena = Arena(ground, quick=chosen.quick, messages=messages, say=say, rows=rows)
        section = Section(benchmark, machine(ground.stack), benchmark.run(arena))
    screen.show(benchmark, section.measurements)
    return section


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument(
        "names", nargs="*", metavar="NAME", type=_name, help=f"of {', '.join(names)}"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, for trying")
    parser.add_argument("--rows", type=int, metavar="N", help="in the table of messages, at most")
    parser.add_argument("--messages", type=int, metavar="N", help="of the whole pipeline")
    return parser


def _name(given: str) -> str:
    if given not in {benchmark.name for benchmark in BENCHMARKS}:
        raise argparse.ArgumentTypeError(f"there is no benchmark {given}")
    return given


if __name__ == "__main__":
    sys.exit(main())
