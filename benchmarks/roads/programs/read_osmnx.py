"""Read a map in OSM XML with osmnx, with all its components: MAP."""

import json
import sys
import time

import osmnx

osmnx.settings.use_cache = False
start = time.perf_counter()
graph = osmnx.graph_from_xml(sys.argv[1], retain_all=True)
print(json.dumps({"inside_s": time.perf_counter() - start, "nodes": len(graph), "edges": len(graph.edges)}))
