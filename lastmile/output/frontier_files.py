"""The files of a frontier: a table and a chart."""

import math
from pathlib import Path
from typing import Final

from lastmile.output.plan_files import write_table
from lastmile.output.svg import document, tip, words_at
from lastmile.stages.frontier import Frontier

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 20, 40, 48
_COVERED, _BOUND, _COVERABLE = "#1b6ca8", "#c8553d", "#777777"
COLUMNS: Final = (
    "sites", "yuan", "budget", "parcels", "covered", "at_most_parcels", "at_most", "gap", "stopped", "candidates"
)  # fmt: skip


def rows(frontier: Frontier) -> list[dict[str, object]]:
    """One row per point; shares of all parcels, and the gap as a share of what is covered."""
    whole = max(frontier.total, 1e-9)
    return [
        {
            "sites": point.sites,
            "yuan": round(point.yuan, 2),
            "budget": "" if point.budget is None else round(point.budget, 2),
            "parcels": round(point.parcels, 3),
            "covered": round(point.parcels / whole, 6),
            "at_most_parcels": round(point.bound, 3),
            "at_most": round(point.bound / whole, 6),
            "gap": round((point.bound - point.parcels) / max(point.parcels, 1e-9), 6) if point.parcels else "",
            "stopped": point.stopped,
            "candidates": " ".join(point.candidates),
        }
        for point in frontier.points
    ]


def write_frontier_files(frontier: Frontier, folder: Path) -> None:
    """Write frontier.csv and frontier.svg."""
    write_table(folder / "frontier.csv", COLUMNS, (row.values() for row in rows(frontier)))
    (folder / "frontier.svg").write_text(chart(frontier), encoding="utf-8")


def chart(frontier: Frontier) -> str:
    """Share of the parcels covered, and at most to be covered, against sites or yuan on a logarithmic scale."""
    whole = max(frontier.total, 1e-9)
    unit = "sites" if frontier.points[0].budget is None else "yuan"
    numbers = [point.sites if point.budget is None else point.budget for point in frontier.points]
    low, high = math.log10(numbers[0]), math.log10(numbers[-1])
    wide = _WIDTH - _LEFT - _RIGHT

    def across(number: float) -> float:
        return _LEFT + (wide / 2 if high == low else (math.log10(number) - low) / (high - low) * wide)

    def upward(share: float) -> float:
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)

    def line(shares: list[float], colour: str, dash: str) -> str:
        corners = " ".join(f"{across(n):.1f},{upward(s):.1f}" for n, s in zip(numbers, shares, strict=True))
        return f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'

    facility = frontier.facility
    whose = "parcels expected from within" if facility.walk_shares else "parcels within"
    title = f"{facility.name or facility.id}: {whose} {facility.reach_m:g} m on foot"
    parts = [words_at(_LEFT, 22, title, "start", "#222", bold=True)]
    for percent in range(0, 101, 20):
        y = upward(percent / 100)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#e5e5e5"/>')
        parts.append(words_at(_LEFT - 6, y + 4, f"{percent} %", "end", "#444"))
    covered = [point.parcels / whole for point in frontier.points]
    y = upward(frontier.coverable / whole)
    parts.append(
        f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="{_COVERABLE}" '
        'stroke-dasharray="2 3"/>'
    )
    parts.append(line([point.bound / whole for point in frontier.points], _BOUND, ' stroke-dasharray="6 4"'))
    parts.append(line(covered, _COVERED, ""))
    for number, share in zip(numbers, covered, strict=True):
        told = f"{number:,.0f} {unit}: {share:.1%}"
        parts.append(
            f'<circle cx="{across(number):.1f}" cy="{upward(share):.1f}" r="3.5" fill="{_COVERED}">{tip(told)}</circle>'
        )
        parts.append(words_at(across(number), _HEIGHT - _BOTTOM + 18, f"{number:,.0f}", "middle", "#444"))
    parts.append(words_at(_LEFT + wide / 2, _HEIGHT - 10, unit, "middle", "#444"))
    for index, (words, colour) in enumerate(
        (("covered", _COVERED), ("at most (proven)", _BOUND), ("all candidates together", _COVERABLE))
    ):
        parts.append(words_at(_WIDTH - _RIGHT, _HEIGHT - _BOTTOM - 44 + 16 * index, words, "end", colour))
    return document(_WIDTH, _HEIGHT, parts)
