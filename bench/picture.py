"""Draws where a message's processor time goes: a stacked bar of ours beside the bare loop's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from bench.costs import KAFKA, POSTGRESQL
from bench.measurement import Measurement
from deploy.wiring import SERVICES, SIMULATOR

PREFIX = "full_life_cpu_"
WIDTH, HEIGHT = 860, 250
LEFT, BAR_WIDTH, BAR_HEIGHT = 120, 700, 46
TOPS = (40, 106)
LEGEND_TOP = 186
TITLE = "CPU ms per message over its whole life"
HEAD = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    f' font-family="sans-serif" font-size="13" role="img" aria-label="{TITLE}">'
)
COLOURS = {
    "ingest_webhook": "#4c78a8",
    "dispatcher": "#2f9e44",
    "fetcher": "#12b886",
    "status_projector": "#f08c00",
    "scheduler": "#9c36b5",
    "statistics": "#e8590c",
    "administration": "#d6336c",
    KAFKA: "#868e96",
    POSTGRESQL: "#495057",
    SIMULATOR: "#ced4da",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One process's share of a bar."""

    name: str
    ms: float


def cpu_picture(measurements: Iterable[Measurement]) -> str:
    """Return an SVG; the measurements without that of a process leave it out."""
    by_name = {one.name: one for one in measurements}
    found = [
        (name, by_name.get(PREFIX + name)) for name in (*SERVICES, KAFKA, POSTGRESQL, SIMULATOR)
    ]
    ours = [Part(name, one.value) for name, one in found if one is not None]
    bare = [Part(name, one.raw_limit) for name, one in found if one is not None and one.raw_limit]
    scale = BAR_WIDTH / max(sum(part.ms for part in bar) or 1.0 for bar in (ours, bare))
    drawn = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 22, TITLE),
        *_bar("Sendtrail", TOPS[0], ours, scale),
        *_bar("bare loop", TOPS[1], bare, scale),
        *_legend(ours),
    ]
    return "\n".join([HEAD, *drawn, "</svg>\n"])


def _bar(label: str, top: int, parts: Sequence[Part], scale: float) -> list[str]:
    drawn = [text(LEFT - 10, top + 28, label, anchor="end")]
    left = float(LEFT)
    for part in parts:
        width = part.ms * scale
        drawn.append(
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAR_HEIGHT}"'
            f' fill="{COLOURS[part.name]}"><title>{part.name}: {part.ms:.2f} ms</title></rect>'
        )
        left += width
    total = sum(part.ms for part in parts)
    return [*drawn, text(LEFT, top + BAR_HEIGHT + 14, f"{total:.2f} ms in all processes")]


def _legend(parts: Sequence[Part]) -> list[str]:
    drawn: list[str] = []
    for place, part in enumerate(parts):
        left, top = LEFT + place % 4 * 180, LEGEND_TOP + place // 4 * 24
        drawn += [
            f'<rect x="{left}" y="{top}" width="12" height="12" fill="{COLOURS[part.name]}"/>',
            text(left + 18, top + 11, f"{part.name} {part.ms:.2f} ms"),
        ]
    return drawn


def text(left: int, baseline: int, words: str, *, anchor: str = "start") -> str:
    """Return words at a place."""
    return f'<text x="{left}" y="{baseline}" text-anchor="{anchor}">{escape(words)}</text>'
