"""Order, customize and query a stored network: NETWORK PLACES SITES RUNS; no catchments where SITES is 0."""

import json
import resource
import sys
from pathlib import Path

from benchmarks.roads.catchments import reach
from benchmarks.roads.hierarchy import change
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
    said["catchments_s"] = reach(network, sites).seconds
# Trying out changes holds several sets of weights at once, which is no part of a search's memory.
said["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
changed = change(weighted, order.made, runs)
if changed.faults:
    raise SystemExit("; ".join(changed.faults))
said["change_s"] = changed.seconds
print(json.dumps(said))
