"""A made-up town that a whole plan of takes a second: eight by eight streets, a river with one bridge, an island.

::

    row 7  +--+--+--+--+--+--+--+      columns 200 m apart, rows 200 m apart
    row 6  +--+--+--+--+--+--+--+
           ~~~~~~~~~|~~~~~~~~~~~~      the river; column 3 has the only bridge
    row 5  +--+--+--+--+--+--+--+
     ...                              ( lake with an island road )
    row 0  +--+--+--+--+--+--+--+      an elevated road runs over row 2, from column 0 to column 7
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

WEST, SOUTH = 112.43, 34.66
STEP_LON, STEP_LAT = 0.00218, 0.0018  # 200 m each at this latitude
SIZE = 8

Change = str | bytes | None | Mapping[str, str]

_FILES = {
    "scenario": "scenario.toml",
    "map": "town.osm",
    "orders": "orders.csv",
    "districts": "districts.csv",
    "areas": "communities.csv",
    "zones": "zones.geojson",
}


def write_town(folder: Path, **changes: Change) -> Path:
    """Write the town's files and return its scenario.

    Parameters
    ----------
    changes
        By the file's key in ``_FILES``: a new content (text or bytes), None for no such file, or a mapping of texts to
        the texts that replace them. A text that is not there is a mistake in the test.
    """
    assert set(changes) <= set(_FILES), changes
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, str] = {
        "scenario": SCENARIO,
        "map": street_map(),
        "orders": orders(),
        "districts": DISTRICTS,
        "areas": _areas(),
        "zones": ZONES,
    }
    for key, name in _FILES.items():
        change = changes.get(key, {})
        if change is None:
            continue
        if isinstance(change, bytes):
            (folder / name).write_bytes(change)
            continue
        text = change if isinstance(change, str) else contents[key]
        for old, new in change.items() if isinstance(change, Mapping) else ():
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / _FILES["scenario"]


def corner(row: float, column: float) -> tuple[float, float]:
    """Longitude and latitude of a crossing; between them for fractions."""
    return round(WEST + column * STEP_LON, 6), round(SOUTH + row * STEP_LAT, 6)


def street_map() -> str:
    """The map as OpenStreetMap XML."""
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6">', *_map_items(), "</osm>", ""))


def _map_items() -> Iterator[str]:
    nodes: list[str] = []
    ways: list[str] = []

    def node(row: float, column: float, **tags: str) -> int:
        lon, lat = corner(row, column)
        nodes.append(f'  <node id="{len(nodes) + 1}" version="1" lon="{lon}" lat="{lat}">{_tags(tags)}</node>')
        return len(nodes)

    def way(refs: list[int], **tags: str) -> None:
        nds = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        ways.append(f'  <way id="{len(ways) + 1}" version="1">{nds}{_tags(tags)}</way>')

    def area(row: float, column: float, rows: float, columns: float, **tags: str) -> None:
        around = ((0, 0), (0, columns), (rows, columns), (rows, 0))
        refs = [node(row + dr, column + dc) for dr, dc in around]
        way([*refs, refs[0]], **tags)

    grid = [[node(row, column) for column in range(SIZE)] for row in range(SIZE)]
    for row in range(SIZE):
        way(grid[row], highway="secondary" if row == 3 else "residential", name=f"东西{row}街")
    for column in range(SIZE):
        street = [grid[row][column] for row in range(SIZE)]
        way(street[:6], highway="residential", name=f"南北{column}路")
        way(street[6:], highway="residential", name=f"南北{column}路")
    way([grid[5][3], grid[6][3]], highway="secondary", bridge="yes", layer="1", name="大桥")
    over = [node(2.2, column) for column in range(1, SIZE - 1)]
    way([grid[2][0], *over, grid[2][7]], highway="trunk", bridge="viaduct", layer="2", name="高架路")
    # An island in a lake: its ring of streets joins no other.
    island = [node(2 + dr, 14 + dc) for dr, dc in ((0, 0), (0, 1), (1, 1), (1, 0))]
    way([*island, island[0]], highway="residential", name="岛路")
    area(5.3, -1, 0.4, SIZE + 1, natural="water", name="河")
    area(-2, 11, 8, 8, natural="water", name="湖")
    for number, (row, column) in enumerate(HOMES):
        area(row + 0.2, column + 0.2, 0.6, 0.6, landuse="residential", name=f"第{number + 1}小区")
    for number, (row, column) in enumerate(SHOPS):
        node(row + 0.1, column + 0.1, shop="supermarket", name=f"第{number + 1}超市")
    node(1.9, 4.4, amenity="school", name="中学")
    node(4.1, 5.6, amenity="hospital", name="医院")
    yield from nodes
    yield from ways


def _tags(tags: Mapping[str, str]) -> str:
    return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())


HOMES = ((0, 1), (0, 5), (1, 3), (2, 1), (2, 5), (3, 3), (4, 0), (4, 6), (6, 2), (6, 4))
SHOPS = ((1, 1), (1, 6), (3, 2), (3, 5), (4, 4), (6, 3))


def orders() -> str:
    """Thirty orders, three at each compound: to the door, to a locker, to a station."""
    lines = ["id,name,lon,lat,parcels,pickups,weight,window_start,window_end,options"]
    for number, (row, column) in enumerate(HOMES):
        for rank, options in enumerate(("door", "locker;door", "station;door")):
            lon, lat = corner(row + 0.3 + 0.2 * rank, column + 0.5)
            lines.append(
                f"o{number}{rank},收件人{number}{rank},{lon},{lat},{2 + rank},{int(rank == 0)},{1.5 + rank},"
                f"{'09:00' if rank == 0 else '08:00'},18:00,{options}"
            )
    return "\n".join(lines) + "\n"


def island_order() -> str:
    """One more order, to a door on the island: its road is cut off and everything else too far."""
    lon, lat = corner(2.5, 14)
    return f"island,岛民,{lon},{lat},1,0,1.0,08:00,18:00,door\n"


def _areas() -> str:
    lines = ["id,name,district,kind,lon,lat"]
    for number, (row, column) in enumerate(HOMES):
        lon, lat = corner(row + 0.5, column + 0.5)
        lines.append(f"c{number},第{number + 1}小区,{'河南镇' if row < 6 else '河北镇'},community,{lon},{lat}")
    return "\n".join(lines) + "\n"


def _ring(row: float, column: float, rows: float, columns: float) -> str:
    around = ((0, 0), (0, columns), (rows, columns), (rows, 0), (0, 0))
    points = [corner(row + dr, column + dc) for dr, dc in around]
    return "[" + ", ".join(f"[{lon}, {lat}]" for lon, lat in points) + "]"


ZONES = f"""{{"type": "FeatureCollection", "features": [
{{"type": "Feature", "properties": {{"zone_id": "centre", "name": "中心"}},
  "geometry": {{"type": "Polygon", "coordinates": [{_ring(1.5, 1.5, 3, 4)}]}}}},
{{"type": "Feature", "properties": {{"zone_id": "town", "name": "全镇"}},
  "geometry": {{"type": "Polygon", "coordinates": [{_ring(-1, -1, 10, 10)}]}}}}
]}}
"""

DISTRICTS = """name,lon,lat,population,kind
河南镇,112.4375,34.6650,20000,urban
河北镇,112.4375,34.6720,5000,county
"""

ORDERS_KEY = 'orders = { file = "orders.csv", crs = "wgs84" }'
GENERATED = 'generate = { parcels_per_person_day = 0.01, windows = ["08:00-18:00"] }'

SCENARIO = f"""# A made-up town for tests.
name = "town"
title = "试验镇"
day = 2024-03-05
seed = 7

[map]
osm = "town.osm"

[districts]
file = "districts.csv"
crs = "wgs84"

[areas]
file = "communities.csv"
crs = "wgs84"

[zones_file]
file = "zones.geojson"
crs = "wgs84"

[demand]
{ORDERS_KEY}

[[zones]]
id = "centre-trucks"
polygon = "centre"
boundary = "included"
vehicles = {{ vehicle_class = ["truck_light"] }}
when = {{ hours = ["07:00-20:00"] }}
effect = "permit"

[[zones]]
id = "elevated"
polygon = "town"
roads = ["elevated"]
vehicles = {{ vehicle_class = ["e_trike"] }}

[[permits]]
id = "marked"
zones = ["centre-trucks"]
quota = 1
eligible = {{ marked = true }}

[[facilities]]
id = "outlet"
kind = "outlet"
dispatches = true
reach_m = 1500.0
parcels_per_module = 400.0
yuan_open = 20000.0
budget = "sites"
hosts = ["shop"]
supply_hours = "05:00-08:00"

[[facilities]]
id = "locker"
kind = "locker"
channel = "locker"
reach_m = 400.0
parcels_per_module = 40.0
modules_max = 2
yuan_per_module = 9000.0
budget = "sites"
hosts = ["residential", "school", "hospital"]

[[facilities]]
id = "station"
kind = "pickup_store"
channel = "station"
reach_m = 600.0
parcels_per_module = 80.0
yuan_open = 5000.0
budget = "sites"
hosts = ["shop"]

[[targets]]
measure = "count"
id = "outlets"
text = "one outlet"
facility = "outlet"
minimum = 1
maximum = 1

[[targets]]
measure = "count"
id = "lockers"
text = "two groups of lockers"
facility = "locker"
of = "modules"
minimum = 2

[[targets]]
measure = "coverage"
id = "near"
text = "half of the parcels within 600 m of a locker or station"
facilities = ["locker", "station"]
reach_m = 600.0
minimum = 0.5

[[targets]]
measure = "permits"
id = "holders"
text = "one marked vehicle may enter the centre"
permit = "marked"
minimum = 1

[[depots]]
id = "dc"
name = "分拨中心"
lon = {corner(0, 0)[0]}
lat = {corner(0, 0)[1]}
crs = "wgs84"

[[vehicles]]
id = "trike"
vehicle_class = "e_trike"
count = 6
based_at = ["outlet"]
payload_kg = 150.0
volume_m3 = 1.0
yuan_per_day = 8.0
yuan_per_hour = 20.0
yuan_per_kwh = 0.6
battery = {{ usable_kwh = 5.4, reserve_kwh = 0.5, kwh_per_km = 0.07 }}

[[vehicles]]
id = "truck"
vehicle_class = "truck_light"
energy = "diesel"
count = 2
based_at = ["dc"]
marked = true
shift = "04:30-16:00"
payload_kg = 1500.0
volume_m3 = 12.0
yuan_per_day = 120.0
yuan_per_km = 0.9
yuan_per_hour = 30.0
fuel_l_per_100km = 12.0

[search]
siting_seconds = 5.0
routing_seconds = 5.0
routing_iterations = 50
"""
