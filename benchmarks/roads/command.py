"""``python -m benchmarks roads``: every question about the road core, in one run and one table."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.machine import machine, versions
from benchmarks.roads import catchments, hierarchy, reading, snapping, tables
from benchmarks.roads.figures import Figure, Measured, markdown
from benchmarks.roads.growth import Size, growth_chart, growth_markdown, measure_growth, measure_province
from benchmarks.roads.weighted import weigh
from lastmile.geo.network import RoadNetwork

PARTS: Final = ("reading", "hierarchy", "tables", "catchments", "snapping", "province", "growth")
SIZES: Final = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
_MAPS: Final = ("porto-alegre.osm.pbf", "andorra.osm.pbf")
_PACKAGES: Final = ("numpy", "osmium", "osmnx", "pyrosm", "pyvalhalla", "routingkit-cch", "scipy", "shapely")


@click.command()
@click.argument("pbf", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only these questions; default all.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1), help="Runs of each step.")
@click.option("--places", default=1000, show_default=True, type=click.IntRange(min=2), help="Rows of the tables.")
@click.option(
    "--valhalla-places", default=300, show_default=True, type=click.IntRange(min=2), help="Rows of Valhalla's table."
)
@click.option("--sites", default=20_000, show_default=True, type=click.IntRange(min=1), help="Walking catchments.")
@click.option("--size", "sizes", multiple=True, type=click.IntRange(min=1000), help="Junctions of a map to grow to.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Also as JSON.")
@click.option("--chart", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Growth as an SVG.")
def roads(
    pbf: tuple[Path, ...],
    parts: tuple[str, ...],
    runs: int,
    places: int,
    valhalla_places: int,
    sites: int,
    sizes: tuple[int, ...],
    as_json: Path | None,
    chart: Path | None,
) -> None:
    """Measure the road core on each PBF and on made-up provinces, beside its peers.

    Without PBF: the maps of the folder that LASTMILE_DATA names.
    """
    asked = parts or PARTS
    if chart and "growth" not in asked:
        raise click.UsageError("--chart draws the growth: ask for --part growth too")
    sizes = sizes or SIZES
    if chart and len(set(sizes)) < 2:
        raise click.UsageError("--chart needs two sizes at least")
    maps = pbf or _default_maps()
    found = list(_by_map(maps, asked, places, valhalla_places, sites, runs))
    if "province" in asked:
        _say("province")
        found.append(measure_province(sites, runs))
    grown: tuple[Size, ...] = ()
    if "growth" in asked:
        _say(f"growth over {', '.join(f'{size:,}' for size in sizes)} junctions")
        grown = measure_growth(sizes, sites, runs)
    figures = [figure for measured in found for figure in measured.figures]
    notes = [note for measured in found for note in measured.notes]
    faults = [fault for measured in found for fault in measured.faults]
    click.echo(_report(figures, notes, grown, runs))
    if chart:
        growth_chart(grown, chart)
    if as_json:
        as_json.write_text(_as_json(figures, notes, faults, grown), encoding="utf-8")
    if faults:
        raise click.ClickException("; ".join(faults))


def _default_maps() -> tuple[Path, ...]:
    folder = os.environ.get("LASTMILE_DATA")
    if not folder:
        raise click.UsageError("name a map, or the folder of data in LASTMILE_DATA")
    return tuple(Path(folder) / "osm" / name for name in _MAPS)


def _say(what: str) -> None:
    click.echo(f"measuring: {what}", err=True)


def _by_map(
    maps: tuple[Path, ...], asked: tuple[str, ...], places: int, valhalla: int, sites: int, runs: int
) -> Iterator[Measured]:
    if "reading" in asked:
        _say("reading")
        yield reading.measure(maps, runs)
    if not set(asked) & {"hierarchy", "tables", "catchments", "snapping"}:
        return
    for path in maps:
        network = RoadNetwork.from_osm(path)
        weighted = weigh(network)
        data = path.name.split(".")[0]
        questions: dict[str, Callable[[], Measured]] = {
            "hierarchy": lambda: hierarchy.measure(data, weighted, runs),  # noqa: B023
            "tables": lambda: tables.measure(path, network, weighted, places, valhalla, runs),  # noqa: B023
            "catchments": lambda: catchments.measure(data, network, sites, runs),  # noqa: B023
            "snapping": lambda: snapping.measure(data, network, 100_000, runs),  # noqa: B023
        }
        for name, question in questions.items():
            if name in asked:
                _say(f"{name} on {path.name}")
                yield question()


def _report(figures: list[Figure], notes: list[str], grown: tuple[Size, ...], runs: int) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in versions(_PACKAGES).items())
    head = (
        f"Medians of {runs} runs that take turns; one thread. Ratio: the peer's figure over lastmile's, so above 1 "
        f"lastmile needs less.\nlastmile carries time, length and energy, the peers' tables carry time.\n"
        f"{machine()}; {packages}.\n"
    )
    blocks = [head]
    if figures:
        blocks.append(markdown(figures, notes) + "\n")
    if grown:
        blocks.append(growth_markdown(grown))
    return "\n".join(blocks)


def _as_json(figures: list[Figure], notes: list[str], faults: list[str], grown: tuple[Size, ...]) -> str:
    from dataclasses import asdict

    content: dict[str, Any] = {
        "machine": machine(),
        "versions": versions(_PACKAGES),
        "figures": [figure.plain() for figure in figures],
        "notes": notes,
        "faults": faults,
        "growth": [asdict(size) for size in grown],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
