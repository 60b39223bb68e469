"""Order, customize and query a stored network with RoutingKit: NETWORK PLACES RUNS."""

import json
import sys
from pathlib import Path

from benchmarks.roads.hierarchy import change_theirs
from benchmarks.roads.peers import routingkit
from benchmarks.roads.timing import timed
from benchmarks.roads.weighted import weigh
from lastmile.geo.network import RoadNetwork

weighted = weigh(RoadNetwork.load(Path(sys.argv[1])))
places, runs = map(int, sys.argv[2:4])
order = timed(lambda: routingkit.contract(weighted), min(runs, 3))
weight = routingkit.weights(weighted)
metric = routingkit.customize(order.made, weight)
again = timed(lambda: metric.reset(weight), runs)
nodes = weighted.sample(places)
table = timed(lambda: routingkit.sweep(metric, nodes), runs)
said = {"order_s": order.seconds, "customize_s": again.seconds, "table_s": table.seconds}
print(json.dumps({**said, "change_s": change_theirs(weighted, order.made, metric, runs)}))
