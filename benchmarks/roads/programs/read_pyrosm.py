"""Read a .osm.pbf with pyrosm to a graph, with all its components: MAP."""

import json
import sys
import time

from pyrosm import OSM

start = time.perf_counter()
osm = OSM(sys.argv[1])
nodes, edges = osm.get_network("all", nodes=True)
graph = osm.to_graph(nodes, edges, graph_type="networkx", retain_all=True)
print(json.dumps({"inside_s": time.perf_counter() - start, "nodes": len(graph), "edges": len(graph.edges)}))
