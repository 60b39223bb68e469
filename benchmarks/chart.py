"""The growth of times and memory as a picture: SVG, logarithmic both ways."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from lastmile.output.svg import document, words_at

_WIDTH, _HEIGHT = 460, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 130, 36, 44
_COLOURS: Final = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#b8860b")

_Lines = Mapping[str, Sequence[float]]  # by label


def draw(path: Path, *, across: str, sizes: Sequence[float], panels: Mapping[str, _Lines]) -> None:
    """Write the picture: a panel for each title, a line for each label, a point for each size.

    Raises
    ------
    ValueError
        When there are fewer than two sizes.
    """
    if len(sizes) < 2:
        raise ValueError("a chart of growth needs two sizes at least")
    width = _WIDTH * len(panels)
    drawn = [
        f'<g transform="translate({index * _WIDTH} 0)">{_panel(sizes, across, title, lines)}</g>'
        for index, (title, lines) in enumerate(panels.items())
    ]
    path.write_text(document(width, _HEIGHT, drawn, font_size=11), encoding="utf-8")


def _panel(sizes: Sequence[float], across: str, title: str, lines: _Lines) -> str:
    everything = [value for line in lines.values() for value in line]
    along, columns = _axis(sizes, _LEFT, _WIDTH - _RIGHT)
    upward, rows = _axis(everything, _HEIGHT - _BOTTOM, _TOP)
    parts = [words_at(_LEFT, 20, title, "start", "black", bold=True)]
    for value in columns:
        x = along(value)
        parts.append(_line(x, _TOP, x, _HEIGHT - _BOTTOM) + _text(x, _HEIGHT - _BOTTOM + 16, _short(value), "middle"))
    for value in rows:
        y = upward(value)
        parts.append(_line(_LEFT, y, _WIDTH - _RIGHT, y) + _text(_LEFT - 6, y + 4, _short(value), "end"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, across, "middle"))
    labels = _apart([upward(line[-1]) for line in lines.values()])
    for (name, line), colour, label in zip(lines.items(), _COLOURS, labels, strict=False):
        points = [(along(size), upward(value)) for size, value in zip(sizes, line, strict=True)]
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(words_at(_WIDTH - _RIGHT + 10, label + 4, name, "start", colour))
    return "".join(parts)


def _axis(values: Sequence[float], start: float, end: float) -> tuple[Callable[[float], float], list[float]]:
    """A logarithmic scale over whole decades, and its decades."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def at(value: float) -> float:
        return start + (math.log10(value) - low) / (high - low) * (end - start)

    return at, [10.0**power for power in range(low, high + 1)]


def _apart(heights: Sequence[float], gap: float = 13.0) -> list[float]:
    """The same heights, moved down where two labels would stand on each other."""
    placed = list(heights)
    order = sorted(range(len(placed)), key=placed.__getitem__)
    for above, below in pairwise(order):
        placed[below] = max(placed[below], placed[above] + gap)
    return placed


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return words_at(x, y, text, anchor, "#444")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
