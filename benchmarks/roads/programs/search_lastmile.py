"""Order, customize and query a stored network: NETWORK PLACES SITES RUNS; no catchments where SITES is 0."""

import json
import sys
from pathlib import Path

from benchmarks.roads.catchments import reach
from benchmarks.roads.timing import timed
from benchmarks.roads.weighted import weigh
from lastmile import _core
from lastmile.geo.network import RoadNetwork

network = RoadNetwork.load(Path(sys.argv[1]))
places, sites, runs = map(int, sys.argv[2:5])
weighted = weigh(network)
graph = weighted.graph()
order = timed(lambda: weighted.hierarchy(graph), min(runs, 3))
metric = timed(lambda: weighted.metric(order.made), runs)
points = weighted.positions(weighted.sample(places))
table = timed(lambda: _core.many_to_many(graph, metric.made, points, 1), runs)
said = {"order_s": order.seconds, "customize_s": metric.seconds, "table_s": table.seconds, "places": len(points)}
if sites:
    catchments = reach(network, sites)
    said |= {"catchments_s": catchments.seconds, "pairs": len(catchments.made[1])}
print(json.dumps(said))
