"""Draws how quick the projector is while its table grows, beside the bare loop."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.growth import WITH_MESSAGES
from bench.measurement import Measurement
from bench.picture import text

WIDTH, HEIGHT = 860, 320
LEFT, RIGHT, TOP, BOTTOM = 80, 690, 50, 270
TITLE = "Events a second by messages in the table"
HEAD = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    f' font-family="sans-serif" font-size="13" role="img" aria-label="{TITLE}">'
)
OURS, BARE = "#f08c00", "#868e96"


class Point(NamedTuple):
    """How many events a second, with so many messages."""

    messages: int
    per_second: float


def growth_picture(measurements: Iterable[Measurement]) -> str:
    """Return an SVG; without figures an empty frame."""
    curve = [one for one in measurements if one.name.startswith(WITH_MESSAGES)]
    ours = [Point(int(one.name.removeprefix(WITH_MESSAGES)), one.value) for one in curve]
    bare = [
        Point(point.messages, one.raw_limit or 0) for point, one in zip(ours, curve, strict=True)
    ]
    most = max((point.messages for point in ours), default=1) or 1
    highest = max((point.per_second for point in (*ours, *bare)), default=1.0)
    drawn = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 26, TITLE),
        f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#495057"/>',
        *(
            text(_x(point, most), BOTTOM + 20, f"{point.messages:,}", anchor="middle")
            for point in ours
        ),
        *_line("bare loop", bare, BARE, most, highest),
        *_line("Sendtrail", ours, OURS, most, highest),
    ]
    return "\n".join([HEAD, *drawn, "</svg>\n"])


def _line(label: str, points: Sequence[Point], colour: str, most: int, highest: float) -> list[str]:
    places = [(_x(point, most), _y(point, highest)) for point in points]
    marks = [
        f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"><title>{label}, {point.messages:,}'
        f" messages: {point.per_second:,.0f} events/s</title></circle>"
        for (x, y), point in zip(places, points, strict=True)
    ]
    path = " ".join(f"{x},{y}" for x, y in places)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *marks,
        *(
            text(x + 12, y + 4, f"{label} {point.per_second:,.0f}/s")
            for (x, y), point in zip(places[-1:], points[-1:], strict=True)
        ),
    ]


def _x(point: Point, most: int) -> int:
    return round(LEFT + (RIGHT - LEFT) * point.messages / most)


def _y(point: Point, highest: float) -> int:
    return round(BOTTOM - (BOTTOM - TOP) * point.per_second / highest)
