"""What a run leaves behind: a page for people, figures for programs, a picture."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.machine import Machine
from bench.measurement import Measurement, Reading, in_turns
from bench.registry import BENCHMARKS
from bench.report import Section, write

MACHINE = Machine("A processor", 2, 8.0, "Linux 6", "3.11.7", "4.3.1", "18.1", "2026-03-02")


def test_each_figure_stands_beside_its_raw_limit_in_the_json(tmp_path: Path) -> None:
    sections = sections_of(
        Measurement("full_life_messages_per_s", 512.3456, "messages/s", 1_024.6912),
        Measurement("full_life_backlog_growth", -0.5, "messages/s"),
    )

    write(sections, tmp_path)

    (section,) = json.loads((tmp_path / "benchmarks.json").read_text())
    assert section["benchmark"] == BENCHMARKS[0].name
    assert section["figures"] == [
        {
            "name": "full_life_messages_per_s",
            "value": 512.3,
            "unit": "messages/s",
            "raw_limit": 1_025.0,
            "ratio": 0.5,
        },
        {
            "name": "full_life_backlog_growth",
            "value": -0.5,
            "unit": "messages/s",
            "raw_limit": None,
            "ratio": None,
        },
    ]


def test_the_page_says_the_machine_the_way_of_measuring_and_the_figure(tmp_path: Path) -> None:
    sections = sections_of(Measurement("full_life_messages_per_s", 512.3, "messages/s", 1_024.6))

    write(sections, tmp_path)

    page = (tmp_path / "benchmarks.md").read_text()
    assert "Measured on 2026-03-02: A processor, 2 cores, 8 GB, Linux 6, Python 3.11.7" in page
    assert BENCHMARKS[0].how in page
    assert "| `full_life_messages_per_s` | 512.3 | messages/s | 1,025 | 0.5 |" in page


def test_a_run_of_some_benchmarks_leaves_the_others(tmp_path: Path) -> None:
    first, second = BENCHMARKS[:2]
    old, new = (replace(MACHINE, measured_on=day) for day in ("2026-03-02", "2026-04-05"))
    write([Section(one, old, [Measurement(one.name, 1, "s")]) for one in (second, first)], tmp_path)

    write([Section(second, new, [Measurement("again", 2, "s", 4)])], tmp_path)

    sections = json.loads((tmp_path / "benchmarks.json").read_text())
    assert [(one["benchmark"], one["machine"]["measured_on"]) for one in sections] == [
        (first.name, "2026-03-02"),
        (second.name, "2026-04-05"),
    ]
    assert [one["name"] for section in sections for one in section["figures"]] == [
        first.name,
        "again",
    ]
    assert "| `again` | 2 | s | 4 | 0.5 |" in (tmp_path / "benchmarks.md").read_text()


def test_the_picture_is_an_image_with_a_part_for_each_process(tmp_path: Path) -> None:
    sections = sections_of(
        Measurement("full_life_cpu_dispatcher", 1.0, "ms/message", 0.5),
        Measurement("full_life_cpu_kafka", 2.0, "ms/message", 1.0),
    )

    write(sections, tmp_path)

    assert titles_in(tmp_path / "benchmarks-cpu.svg") == [
        "dispatcher: 1.00 ms",
        "kafka: 2.00 ms",
        "dispatcher: 0.50 ms",
        "kafka: 1.00 ms",
    ]


def test_the_curve_has_a_point_for_each_size_of_the_table(tmp_path: Path) -> None:
    sections = sections_of(
        Measurement("projection_with_messages_0", 11_000, "events/s", 20_000),
        Measurement("projection_with_messages_5000000", 10_500, "events/s", 20_400),
    )

    write(sections, tmp_path)

    assert titles_in(tmp_path / "benchmarks-growth.svg") == [
        "bare loop, 0 messages: 20,000 events/s",
        "bare loop, 5,000,000 messages: 20,400 events/s",
        "Sendtrail, 0 messages: 11,000 events/s",
        "Sendtrail, 5,000,000 messages: 10,500 events/s",
    ]


def test_ours_and_the_bare_loop_take_turns_and_their_medians_count() -> None:
    ours = iter([Reading(100, 1), Reading(100, 4), Reading(100, 2)])
    bare = iter([Reading(100, 50), Reading(100, 1), Reading(100, 1), Reading(100, 9)])

    pair = in_turns(3, ours=lambda _: next(ours), bare=lambda _: next(bare))

    measured = pair.rate("calls_per_s", "calls/s")
    assert (measured.value, measured.raw_limit, measured.ratio) == (50, 100, 0.5)


def titles_in(picture: Path) -> list[str | None]:
    """Return what the parts of a picture say of themselves."""
    drawn = ET.fromstring(picture.read_text())  # noqa: S314 - our own
    return [title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")]


def sections_of(*measurements: Measurement) -> Sequence[Section]:
    """Return a run in which one benchmark took these."""
    return [Section(BENCHMARKS[0], MACHINE, measurements)]
