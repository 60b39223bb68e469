"""Travel tables between many places, on one thread: lastmile beside RoutingKit, scipy and Valhalla.

Places of the first comparison are nodes, and all tables must agree to the millisecond. Valhalla is asked as its users
ask it: with places in degrees that it snaps itself, so lastmile's snapping counts there too.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.processes import run
from benchmarks.roads.figures import Figure, Measured, Target
from benchmarks.roads.peers import absent, dijkstra, routingkit
from benchmarks.roads.timing import by_turns, timed
from benchmarks.roads.weighted import Weighted
from lastmile import _core
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import Snapper

SEARCH: Final = "benchmarks.roads.programs.search_lastmile"
_LARGE: Final = 5000


def measure(path: Path, network: RoadNetwork, weighted: Weighted, places: int, valhalla: int, runs: int) -> Measured:
    """Measure a table between nodes, one between places in degrees, and a large one."""
    data = path.name.split(".")[0]
    between = _between_nodes(data, weighted, places, runs)
    figures = [*between.figures, *_from_degrees(path, network, weighted, valhalla, runs)]
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "network.npz"
        network.save(stored)
        large = run("-m", SEARCH, str(stored), str(_LARGE), "0", "1")
    size = large.said["places"]
    for what, unit, value in (
        (f"table of {size:,} x {size:,}", "s", large.said["table_s"]),
        (f"table of {size:,} x {size:,}, peak of the process", "MB", large.said["peak_mb"]),
    ):
        figures.append(Figure(data=data, what=what, unit=unit, lastmile=value))
    return Measured(figures=tuple(figures), faults=between.faults)


def _between_nodes(data: str, weighted: Weighted, places: int, runs: int) -> Measured:
    nodes = weighted.sample(places)
    graph = weighted.graph()
    metric = weighted.metric(weighted.hierarchy(graph))
    points = weighted.positions(nodes)
    steps: dict[str, Any] = {"lastmile": lambda: _core.many_to_many(graph, metric, points, 1)}
    if not routingkit.ABSENT:
        theirs = routingkit.customize(routingkit.contract(weighted), routingkit.weights(weighted))
        steps[routingkit.NAME] = lambda: routingkit.sweep(theirs, nodes)
    found = by_turns(steps, runs)
    edges = dijkstra.matrix(weighted)
    found[dijkstra.NAME] = timed(lambda: dijkstra.table(edges, nodes))
    ours = found["lastmile"].made[0]
    tables = {dijkstra.NAME: found[dijkstra.NAME].made}
    if not routingkit.ABSENT:
        tables[routingkit.NAME] = routingkit.as_table(found[routingkit.NAME].made)
    size = len(nodes)
    return Measured(
        figures=tuple(
            Figure(
                data=data,
                what=f"table of {size:,} x {size:,}",
                unit="s",
                lastmile=found["lastmile"].seconds,
                peer=peer,
                other=found[peer].seconds if peer in found else None,
                absent=reason,
                target=target,
            )
            for peer, reason, target in (
                (routingkit.NAME, routingkit.ABSENT, Target(ratio=1)),
                (dijkstra.NAME, "", None),
            )
        ),
        faults=tuple(
            f"{data}: the tables of lastmile and {peer} differ in {int((ours != theirs).sum()):,} of {size**2:,} pairs"
            for peer, theirs in tables.items()
            if not np.array_equal(ours, theirs)
        ),
    )


def _from_degrees(path: Path, network: RoadNetwork, weighted: Weighted, places: int, runs: int) -> list[Figure]:
    nodes = weighted.sample(places)
    lon, lat = weighted.lon[nodes], weighted.lat[nodes]
    snapper = Snapper(network, "e_van")
    snapper.snap(lon[:1], lat[:1])  # the index is made once, as Valhalla's tiles are
    graph = weighted.graph()
    metric = weighted.metric(weighted.hierarchy(graph))
    ours = timed(lambda: _core.many_to_many(graph, metric, snapper.snap(lon, lat).core(), 1), runs)
    reason, seconds = _no_valhalla(), None
    if not reason:
        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder) / "places.json"
            where.write_text(json.dumps(np.column_stack((lon, lat)).tolist()), encoding="utf-8")
            try:
                made = run("-m", "benchmarks.roads.programs.matrix_valhalla", str(path), str(where), folder, "1")
                seconds = made.said["matrix_s"]
            except RuntimeError as error:  # a builder of tiles of another version than the package, for one
                reason = f"it failed: {str(error).splitlines()[-1]}"
    return [
        Figure(
            data=path.name.split(".")[0],
            what=f"table of {len(nodes):,} x {len(nodes):,} from degrees, snapping included",
            unit="s",
            lastmile=ours.seconds,
            peer="Valhalla",
            other=seconds,
            absent=reason,
            target=Target(ratio=10),
        )
    ]


def _no_valhalla() -> str:
    if reason := absent("valhalla"):
        return reason
    beside = Path(sys.executable).parent
    if shutil.which("valhalla_build_tiles", path=str(beside)) or shutil.which("valhalla_build_tiles"):
        return ""
    return "the installed pyvalhalla brings no valhalla_build_tiles"
