"""From a .osm.pbf to a routable network: lastmile beside osmnx.

osmnx reads OSM XML only, so its input is the same file converted beforehand; the conversion is not counted. Each run is
a process of its own, imports included; memory is the peak of that process.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import osmium

LASTMILE = """
import sys
from lastmile.geo.network import RoadNetwork
network = RoadNetwork.from_osm(sys.argv[1])
print(network.nodes, network.edges)
"""
OSMNX = """
import sys
import osmnx
osmnx.settings.use_cache = False
graph = osmnx.graph_from_xml(sys.argv[1], retain_all=True)
print(len(graph), len(graph.edges))
"""
# The runner's only child is the program, so the children's peak is the program's.
RUNNER = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-c", *sys.argv[1:]], check=True, capture_output=True, text=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.stdout.strip())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process: how long it took, how much memory it held at most, what it made."""

    wall_s: float
    peak_mb: float
    nodes: int
    edges: int


def measure(program: str, path: Path) -> Run:
    """Run a program on a file in a process of its own."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, program, str(path)], check=True, capture_output=True, text=True
    )
    wall_s = time.perf_counter() - start
    kilobytes, nodes, edges = map(int, done.stdout.split())
    return Run(wall_s=wall_s, peak_mb=kilobytes / 1024, nodes=nodes, edges=edges)


def convert(source: Path, target: Path) -> None:
    """Write the file again in the format of the target's suffix."""
    with osmium.SimpleWriter(str(target)) as writer:
        for item in osmium.FileProcessor(str(source)):
            writer.add(item)


def median(runs: list[Run]) -> Run:
    """Medians of time and of memory, each by itself."""
    return Run(
        wall_s=statistics.median(run.wall_s for run in runs),
        peak_mb=statistics.median(run.peak_mb for run in runs),
        nodes=runs[0].nodes,
        edges=runs[0].edges,
    )


@click.command()
@click.argument("pbf", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1), help="Processes per program.")
def read(pbf: Path, runs: int) -> None:
    """Read PBF to a routable network with lastmile, and the same file as XML with osmnx."""
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "map.osm"
        convert(pbf, xml)
        measured: dict[str, list[Run]] = {"lastmile": [], "osmnx": []}
        for _ in range(runs):  # by turns, so that a busy moment of the machine meets both
            measured["lastmile"].append(measure(LASTMILE, pbf))
            measured["osmnx"].append(measure(OSMNX, xml))
    ours, theirs = median(measured["lastmile"]), median(measured["osmnx"])
    click.echo(f"{pbf.name}, {pbf.stat().st_size / 1e6:.1f} MB, median of {runs}")
    click.echo(f"{'':10}{'wall s':>10}{'peak MB':>10}{'nodes':>10}{'edges':>10}")
    for name, run in (("lastmile", ours), ("osmnx", theirs)):
        click.echo(f"{name:10}{run.wall_s:10.2f}{run.peak_mb:10.0f}{run.nodes:10,}{run.edges:10,}")
    click.echo(f"{'ratio':10}{theirs.wall_s / ours.wall_s:10.1f}{theirs.peak_mb / ours.peak_mb:10.1f}")
