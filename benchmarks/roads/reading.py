"""From a file to a routable network: lastmile beside osmnx, pyrosm and the bare reading of pyosmium.

osmnx reads OSM XML only, so its input is the file's highways converted beforehand; the conversion is not counted.
pyosmium's row is no network: all highways' references with their places, in lists. It shows how much of the time is
reading.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Final

import osmium

from benchmarks.processes import Run, by_turns
from benchmarks.roads.figures import Figure, Measured, Target
from benchmarks.roads.peers import absent

_PEERS: Final = ("osmnx", "pyrosm", "osmium")
_TIME: Final = {"osmnx": Target(ratio=15), "pyrosm": Target(ratio=2), "osmium": None}
_MEMORY: Final = {"osmnx": Target(ratio=5), "pyrosm": None, "osmium": None}
_NAMES: Final = {"osmnx": "osmnx", "pyrosm": "pyrosm", "osmium": "pyosmium, bare reading"}


def convert(source: Path, target: Path) -> None:
    """Write the highways of a file again, with their nodes and nothing else, in the format of the target's suffix."""
    highways = osmium.FileProcessor(str(source), osmium.osm.WAY).with_filter(osmium.filter.KeyFilter("highway"))
    wanted = {ref.ref for way in highways for ref in way.nodes}
    kept = osmium.filter.IdFilter(wanted).enable_for(osmium.osm.NODE)
    with osmium.SimpleWriter(str(target), overwrite=True) as writer:
        for node in osmium.FileProcessor(str(source), osmium.osm.NODE).with_filter(kept):
            writer.add(node)
        for way in osmium.FileProcessor(str(source), osmium.osm.WAY).with_filter(osmium.filter.KeyFilter("highway")):
            writer.add(way)


def measure(maps: Iterable[Path], runs: int) -> Measured:
    """Read every map with every program that is installed."""
    figures: list[Figure] = []
    notes: list[str] = []
    for path in maps:
        with tempfile.TemporaryDirectory() as folder:
            inputs = {"lastmile": path, "osmnx": Path(folder) / "map.osm", "pyrosm": path, "osmium": path}
            convert(path, inputs["osmnx"])
            programs = {
                name: ("-m", f"benchmarks.roads.programs.read_{name}", str(inputs[name]))
                for name in inputs
                if name == "lastmile" or not absent(name)
            }
            measured = by_turns(programs, runs)
        figures += _compare(path.name.split(".")[0], measured)
        sizes = [
            f"{name} {run[0].said['nodes']:,} nodes and {run[0].said['edges']:,} edges"
            for name, run in measured.items()
            if name != "osmium"
        ]
        notes.append(f"{path.name}, {path.stat().st_size / 1e6:.1f} MB: {', '.join(sizes)}.")
    return Measured(figures=tuple(figures), notes=tuple(notes))


def _compare(data: str, measured: dict[str, list[Run]]) -> list[Figure]:
    figures = []
    for what, unit, targets, value in (
        ("read to a network, whole process", "s", _TIME, lambda run: run.wall_s),
        ("read to a network, without imports", "s", _TIME, lambda run: run.said["inside_s"]),
        ("read to a network, peak of the process", "MB", _MEMORY, lambda run: run.peak_mb),
    ):
        ours = median(map(value, measured["lastmile"]))
        figures += [
            Figure(
                data=data,
                what=what,
                unit=unit,
                lastmile=ours,
                peer=_NAMES[peer],
                other=median(map(value, measured[peer])) if peer in measured else None,
                absent=absent(peer),
                target=targets[peer],
            )
            for peer in _PEERS
        ]
    return figures
