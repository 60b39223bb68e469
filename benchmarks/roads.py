"""Tables and catchments on a real map: lastmile beside RoutingKit's contraction hierarchies and scipy, in one process.

RoutingKit (through the package routingkit-cch) carries one sum, ours carries three. Both use one thread.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import routingkit_cch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lastmile import _core
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import Snapper
from lastmile.geo.speeds import edge_times_ms
from lastmile.scenario import Speeds


def timed(work: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Median seconds of some runs, and what the last returned."""
    seconds = []
    made = None
    for _ in range(runs):
        start = time.perf_counter()
        made = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), made


@click.command()
@click.argument("osm", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--places", default=1000, show_default=True, type=click.IntRange(min=2), help="Rows of the table.")
@click.option("--sites", default=20_000, show_default=True, type=click.IntRange(min=1), help="Walking catchments.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1), help="Runs of each step.")
def roads(osm: Path, places: int, sites: int, runs: int) -> None:
    """Order, customize and query the network of OSM, and compare every answer."""
    network = RoadNetwork.from_osm(osm)
    open_edges = network.permitted("e_van")
    weight = edge_times_ms(network, "e_van", "free", Speeds())
    tail, head = network.edge_source[open_edges].astype(np.uint32), network.edge_target[open_edges].astype(np.uint32)
    weight_open = weight[open_edges].astype(np.uint32)
    nodes = np.unique(tail)
    random = np.random.default_rng(1)
    chosen = np.sort(random.choice(nodes, min(places, len(nodes)), replace=False))

    east, north = metres_per_degree(network.node_lat)
    graph = _core.Graph(network.first_out, network.edge_target)
    closed = np.where(open_edges, weight, -1).astype(np.int32)
    length = np.rint(network.edge_length_m * 100).astype(np.int32)
    ours_order, hierarchy = timed(
        lambda: _core.Hierarchy(graph, network.node_lon * east, network.node_lat * north), min(runs, 3)
    )
    ours_metric, metric = timed(lambda: _core.Metric(hierarchy, closed, length, length), runs)
    # The end of an edge that enters a node and the start of one that leaves it, together, are the node itself.
    usable = np.flatnonzero(open_edges).astype(np.int32)
    entering = np.full(network.nodes, -1, dtype=np.int32)
    entering[network.edge_target[usable]] = usable
    leaving = np.full(network.nodes, -1, dtype=np.int32)
    leaving[network.edge_source[usable]] = usable
    points = _core.Positions(entering[chosen], leaving[chosen], np.ones(len(chosen), dtype=np.float64))
    ours_table, table = timed(lambda: _core.many_to_many(graph, metric, points, 1), runs)

    def contract() -> Any:
        order = routingkit_cch.compute_order_inertial(
            network.nodes, tail, head, network.node_lat.astype(np.float32), network.node_lon.astype(np.float32)
        )
        return routingkit_cch.CCH(order, tail, head, False)

    def sweep(metric: Any) -> list[Any]:
        pinned = routingkit_cch.CCHOneToMany(metric, chosen.astype(np.uint32))
        return [pinned.distances_from(int(node)) for node in chosen]

    their_order, cch = timed(contract, min(runs, 3))
    their_metric, laid = timed(lambda: routingkit_cch.CCHMetric(cch, weight_open), runs)
    their_table, theirs = timed(lambda: sweep(laid), runs)
    matrix = _shortest_parallel(network.nodes, tail, head, weight_open)
    scipy_s, by_scipy = timed(lambda: dijkstra(matrix, indices=chosen)[:, chosen], 1)
    agree = np.array_equal(table[0], np.array(theirs)) and np.array_equal(table[0], by_scipy)

    walk = Snapper(network, "walk")
    west, south, right, top = network.bounds
    at = walk.snap(random.uniform(west, right, sites), random.uniform(south, top, sites)).core()
    on_foot = np.where(network.permitted("walk"), np.rint(network.edge_length_m * 1000), -1).astype(np.int32)
    reach, rows = timed(lambda: _core.within(graph, on_foot, at, at, 500_000, 1), 1)

    size = len(chosen)
    click.echo(f"{osm.name}: {network.nodes:,} nodes, {network.edges:,} edges; medians of {runs}, one thread")
    click.echo(f"{'':34}{'lastmile':>10}{'RoutingKit':>12}{'scipy':>9}{'ratio':>8}")
    for name, ours, other, slow in (
        ("order and contraction, s", ours_order, their_order, None),
        ("customization, ms", ours_metric * 1000, their_metric * 1000, None),
        (f"{size:,} x {size:,} table, s", ours_table, their_table, scipy_s),
    ):
        third = f"{slow:9.2f}" if slow is not None else " " * 9
        click.echo(f"{name:34}{ours:10.3f}{other:12.3f}{third}{other / ours:8.2f}")
    click.echo(f"{sites:,} catchments of 500 m: {reach:.2f} s, {len(rows[1]):,} pairs")
    click.echo("sums carried: lastmile time, length and energy; RoutingKit and scipy time")
    click.echo("all tables agree" if agree else "TABLES DIFFER")


def _shortest_parallel(nodes: int, tail: Any, head: Any, weight: Any) -> csr_array:
    """A sparse matrix in which parallel edges are the shortest of them, not their sum."""
    order = np.lexsort((weight, head, tail))
    tail, head, weight = tail[order], head[order], weight[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    entries = (weight[first].astype(np.float64), (tail[first], head[first]))
    return csr_array(entries, shape=(nodes, nodes))
