"""The picture of growth: CPU of an attempt against lines, a curve for each number of workers.

Here: from the figures of `--growth` to an SVG, written by hand: no library draws here.
`python -m tests.bench.plot FIGURES.json PICTURE.svg` draws figures that were kept.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 40, 56
HEAD: Final = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    'font-family="sans-serif" font-size="12">'
)
COLOURS: Final = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b9770e", "#444444")
#: How high a line of text is.
LETTERS: Final = 14
#: As many steps on the upright axis, about.
STEPS: Final = 5

Point = tuple[float, float]


def curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Point]]:
    """Return name -> lines and CPU µs of an attempt, in ascending lines.

    Only where the lines were varied; a fleet of no workers is the memory profile.
    """
    found: dict[int, list[Point]] = {}
    for row in rows:
        if row["varied"] == "lines":
            point = (float(row["lines"]), float(row["cpu_us_per_attempt"]))
            found.setdefault(int(row["workers"]), []).append(point)
    return {_name(workers): sorted(points) for workers, points in sorted(found.items())}


def _name(workers: int) -> str:
    if not workers:
        return "memory profile"
    return f"{workers} worker{'s' if workers > 1 else ''}"


def plot(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the picture as SVG; without a row that varies the lines, an empty pair of axes."""
    shown = curves(rows)
    every = [point for points in shown.values() for point in points] or [(1.0, 1.0)]
    low, high = (pick(math.log10(lines) for lines, _ in every) for pick in (min, max))
    step = axis_step(max(us for _, us in every))
    top = step * math.ceil(max(us for _, us in every) / step)

    def place(point: Point) -> Point:
        along = (math.log10(point[0]) - low) / ((high - low) or 1)
        x = LEFT + along * (WIDTH - LEFT - RIGHT)
        return x, HEIGHT - BOTTOM - point[1] / top * (HEIGHT - TOP - BOTTOM)

    parts = [
        HEAD,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, TOP - 16, "CPU µs an attempt, over all processes", "start"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "lines", "middle"),
    ]
    for number in range(round(top / step) + 1):
        _, y = place((every[0][0], number * step))
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
        )
        parts.append(_text(LEFT - 8, y + 4, f"{number * step:g}", "end"))
    parts += [
        _text(place((lines, 0))[0], HEIGHT - BOTTOM + 20, f"{lines:,.0f}", "middle")
        for lines in sorted({point[0] for point in every})
    ]
    names = apart([place(points[-1])[1] for points in shown.values()])
    for index, ((name, points), y) in enumerate(zip(shown.items(), names, strict=True)):
        colour = COLOURS[index % len(COLOURS)]
        parts += _curve([place(point) for point in points], colour)
        parts.append(_text(place(points[-1])[0] + 8, y + 4, name, "start", colour))
    return "\n".join([*parts, "</svg>", ""])


def _curve(places: Sequence[Point], colour: str) -> Iterator[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def apart(heights: Sequence[float]) -> list[float]:
    """Return where names go that would lie on each other: each below the one above it."""
    moved = list(heights)
    lowest = -math.inf
    for index in sorted(range(len(moved)), key=moved.__getitem__):
        lowest = moved[index] = max(moved[index], lowest + LETTERS)
    return moved


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def axis_step(largest: float) -> float:
    """Return a round step with which a few of them reach the largest value."""
    power = 10.0 ** math.floor(math.log10(max(largest, 1e-9) / STEPS))
    return next(power * n for n in (1, 2, 5, 10) if power * n * STEPS >= largest)


def main(figures: str, picture: str) -> None:
    """Draw figures that were kept."""
    rows = json.loads(Path(figures).read_text("utf-8"))["growth"]
    Path(picture).write_text(plot(rows), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
