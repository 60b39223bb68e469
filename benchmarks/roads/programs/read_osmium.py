"""Read the highways of a map with pyosmium, every node reference with its place, and do nothing with them: MAP."""

import json
import sys
import time

import osmium

start = time.perf_counter()
processor = (
    osmium.FileProcessor(sys.argv[1])
    .with_locations()
    .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
    .with_filter(osmium.filter.KeyFilter("highway"))
)
nodes: list[int] = []
xs: list[int] = []
ys: list[int] = []
ways = 0
for way in processor:
    ways += 1
    for ref in way.nodes:
        nodes.append(ref.ref)
        xs.append(ref.x)
        ys.append(ref.y)
print(json.dumps({"inside_s": time.perf_counter() - start, "nodes": len(nodes), "edges": ways}))
