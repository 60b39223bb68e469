"""Build Valhalla's tiles from a map and fill a table of times and lengths between places: MAP PLACES FOLDER RUNS.

PLACES is a JSON list of [lon, lat]. Valhalla snaps the places and writes its answer as JSON; both belong to its call.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from valhalla import Actor, get_config

COSTING = "auto"  # the same roads as a van; goods vehicles of this size have no costing of their own

places = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
folder = Path(sys.argv[3])
tiles = folder / "tiles"
tiles.mkdir()
config = get_config(tile_extract="", tile_dir=str(tiles), verbose=False)
config["mjolnir"].update(dict.fromkeys(("admin", "landmarks", "tile_extract", "timezone", "traffic_extract"), ""))
limits = config["service_limits"][COSTING]
limits.update(max_locations=2 * len(places), max_matrix_location_pairs=len(places) ** 2, max_matrix_distance=5e6)
settings = folder / "valhalla.json"
settings.write_text(json.dumps(config), encoding="utf-8")
paths = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
start = time.perf_counter()
subprocess.run(
    ["valhalla_build_tiles", "-c", str(settings), str(Path(sys.argv[1]).resolve())],
    check=True,
    capture_output=True,
    cwd=folder,
    env={**os.environ, "PATH": paths},
)
tiles_s = time.perf_counter() - start
actor = Actor(config)
locations = [{"lon": lon, "lat": lat} for lon, lat in places]
query = {"sources": locations, "targets": locations, "costing": COSTING, "verbose": False}
actor.matrix({**query, "sources": locations[:9]})  # loads the tiles
seconds = []
for _ in range(int(sys.argv[4])):
    start = time.perf_counter()
    answer = actor.matrix(query)
    seconds.append(time.perf_counter() - start)
durations = answer["sources_to_targets"]["durations"]
found = sum(one is not None for row in durations for one in row)
print(json.dumps({"tiles_s": tiles_s, "matrix_s": statistics.median(seconds), "found": found, "sample": durations[0]}))
