"""From a .osm.pbf to a routable network: lastmile beside osmnx.

osmnx reads OSM XML only, so its input is the same file converted beforehand; the conversion is not counted. Each run is
a process of its own, imports included; memory is the peak of that process.
"""

import tempfile
from pathlib import Path

import click
import osmium

from benchmarks.processes import Run, median, run

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


def convert(source: Path, target: Path) -> None:
    """Write the file again in the format of the target's suffix."""
    with osmium.SimpleWriter(str(target)) as writer:
        for item in osmium.FileProcessor(str(source)):
            writer.add(item)


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
            measured["lastmile"].append(run("-c", LASTMILE, str(pbf)))
            measured["osmnx"].append(run("-c", OSMNX, str(xml)))
    ours, theirs = median(measured["lastmile"]), median(measured["osmnx"])
    click.echo(f"{pbf.name}, {pbf.stat().st_size / 1e6:.1f} MB, median of {runs}")
    click.echo(f"{'':10}{'wall s':>10}{'peak MB':>10}{'nodes':>10}{'edges':>10}")
    for name, one in (("lastmile", ours), ("osmnx", theirs)):
        nodes, edges = map(int, one.printed.split())
        click.echo(f"{name:10}{one.wall_s:10.2f}{one.peak_mb:10.0f}{nodes:10,}{edges:10,}")
    click.echo(f"{'ratio':10}{theirs.wall_s / ours.wall_s:10.1f}{theirs.peak_mb / ours.peak_mb:10.1f}")
