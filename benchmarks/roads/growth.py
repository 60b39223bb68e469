"""How time and memory grow with the map: made-up provinces of many sizes, and one of Henan's beside RoutingKit."""

import math
import statistics
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.chart import draw
from benchmarks.processes import Run, by_turns, median, run
from benchmarks.roads.figures import Figure, Measured, Target, number
from benchmarks.roads.hierarchy import change_figures
from benchmarks.roads.peers import routingkit
from benchmarks.roads.province import HENAN, write_province
from benchmarks.roads.tables import SEARCH

_PLACES: Final = 1000
_LARGE: Final = 300_000  # from so many junctions on, one run is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What one size of map cost; ``read_mb`` and ``search_mb`` are peaks of the two processes."""

    junctions: int
    file_mb: float
    nodes: int
    edges: int
    read_s: float
    read_mb: float
    order_s: float
    customize_s: float
    change_s: float | None
    table_s: float
    catchments_s: float
    search_mb: float


COSTS: Final = {
    "read_s": "read, s",
    "order_s": "order, s",
    "customize_s": "customize, s",
    "table_s": f"table of {_PLACES:,}, s",
    "catchments_s": "catchments, s",
    "read_mb": "reading, MB",
    "search_mb": "searching, MB",
}


def _measure(
    folder: Path, junctions: int, sites: int, runs: int, turns: int, *, beside_peer: bool = False
) -> tuple[Size, dict[str, float]]:
    """Write a province, read it and search it by turns with the peer; returns the peer's seconds too."""
    path, stored = folder / "province.osm.pbf", folder / "network.npz"
    write_province(path, junctions=junctions)
    reader = ("-m", "benchmarks.roads.programs.read_lastmile", str(path), str(stored))
    read = [run(*reader) for _ in range(turns)]
    programs = {"lastmile": ("-m", SEARCH, str(stored), str(_PLACES), str(sites), str(runs))}
    if beside_peer:
        search = "benchmarks.roads.programs.search_routingkit"
        programs["peer"] = ("-m", search, str(stored), str(_PLACES), str(runs))
    searched = by_turns(programs, turns)

    def middle(measured: list[Run], name: str) -> float:
        return statistics.median(one.said[name] for one in measured)

    ours = searched["lastmile"]
    return (
        Size(
            junctions=junctions,
            file_mb=path.stat().st_size / 1e6,
            nodes=read[0].said["nodes"],
            edges=read[0].said["edges"],
            read_s=middle(read, "inside_s"),
            read_mb=median(read).peak_mb,
            search_mb=middle(ours, "peak_mb"),
            change_s=None if ours[0].said["change_s"] is None else middle(ours, "change_s"),
            **{name: middle(ours, name) for name in ("order_s", "customize_s", "table_s", "catchments_s")},
        ),
        {name: middle(searched["peer"], name) for name in ("order_s", "customize_s", "table_s", "change_s")}
        if beside_peer
        else {},
    )


def measure_province(sites: int, runs: int) -> Measured:
    """Measure a province whose file is as large as Henan's."""
    data = "province"
    with tempfile.TemporaryDirectory() as folder:
        size, theirs = _measure(Path(folder), HENAN, sites, 1, min(runs, 3), beside_peer=not routingkit.ABSENT)
    figures = [
        Figure(data=data, what=what, unit=unit, lastmile=value, target=target)
        for what, unit, value, target in (
            ("read to a network, without imports", "s", size.read_s, Target(most=60)),
            ("read to a network, peak of the process", "MB", size.read_mb, Target(most=4096)),
        )
    ]
    figures += [
        Figure(
            data=data,
            what=what,
            unit="s",
            lastmile=getattr(size, name),
            peer=routingkit.NAME,
            other=theirs.get(name),
            absent=routingkit.ABSENT,
            target=target,
        )
        for name, what, target in (
            ("order_s", "order and contraction", None),
            ("customize_s", "customization", Target(ratio=0.5)),
            ("table_s", f"table of {_PLACES:,} x {_PLACES:,}", Target(ratio=1)),
        )
    ]
    figures += change_figures(data, size.change_s, size.customize_s, theirs.get("change_s"))
    figures += [
        Figure(data=data, what=f"{sites:,} walking catchments of 500 m", unit="s", lastmile=size.catchments_s),
        Figure(data=data, what="searches, peak of the process", unit="MB", lastmile=size.search_mb),
    ]
    note = f"The province: a file of {size.file_mb:.0f} MB, {size.nodes:,} nodes, {size.edges:,} directed edges."
    return Measured(figures=tuple(figures), notes=(note,))


def measure_growth(sizes: Iterable[int], sites: int, runs: int) -> tuple[Size, ...]:
    """Measure made-up provinces of so many junctions."""
    found = []
    for junctions in sorted(set(sizes)):
        with tempfile.TemporaryDirectory() as folder:
            found.append(_measure(Path(folder), junctions, sites, runs if junctions < _LARGE else 1, 1)[0])
    return tuple(found)


def growth_chart(sizes: tuple[Size, ...], path: Path) -> None:
    """Draw all costs.

    Raises
    ------
    ValueError
        When there are fewer than two sizes.
    """
    panels: dict[str, dict[str, list[float]]] = {"seconds": {}, "megabytes at most": {}}
    for name, label in COSTS.items():
        text, _, unit = label.rpartition(", ")
        panels["seconds" if unit == "s" else "megabytes at most"][text] = [float(asdict(size)[name]) for size in sizes]
    draw(path, across="nodes of the network", sizes=[size.nodes for size in sizes], panels=panels)


def growth_markdown(sizes: tuple[Size, ...]) -> str:
    """One row per size, and below them the exponent of the growth between the last two."""
    lines = [
        "| nodes | edges | file, MB | " + " | ".join(COSTS.values()) + " |",
        "|--:" * (3 + len(COSTS)) + "|",
    ]
    for size in sizes:
        costs = asdict(size)
        cells = [f"{size.nodes:,}", f"{size.edges:,}", number(size.file_mb), *(number(costs[name]) for name in COSTS)]
        lines.append("| " + " | ".join(cells) + " |")
    for before, after in list(pairwise(sizes))[-1:]:
        grown = math.log(after.nodes / before.nodes)
        a, b = asdict(before), asdict(after)
        powers = [number(math.log(b[name] / a[name]) / grown) for name in COSTS]
        lines.append("| grows as n to the power of | | | " + " | ".join(powers) + " |")
    lines += ["", f"Reading once per size, searches once from {_LARGE:,} junctions on. Memory: peak of the process."]
    return "\n".join(lines)
