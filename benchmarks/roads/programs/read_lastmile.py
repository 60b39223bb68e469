"""Read a map with lastmile: MAP [SAVE]."""

import json
import sys
import time

from lastmile.geo.network import RoadNetwork

start = time.perf_counter()
network = RoadNetwork.from_osm(sys.argv[1])
inside_s = time.perf_counter() - start
if len(sys.argv) > 2:
    network.save(sys.argv[2])
print(json.dumps({"inside_s": inside_s, "nodes": network.nodes, "edges": network.edges}))
