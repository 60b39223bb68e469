"""A town of nine junctions, 500 m apart, with a day's plan that can be worked out on paper.

::

    G --hub-- H ---c--- I      hub   the station that siting opened; c fetches its parcels there
    |         |         |
    D ---a--- E ---b--- F      a, b  doors, served by a trike from the hub
    |         |         |
    A -depot- B ------- C      depot from where a van supplies the hub

Every place lies 10 m north of the middle of its street (the depot 10 m south). All streets are residential: 18 km/h in
free traffic, so a van drives 500 m in 100 s; a trike is held to 15 * 0.85 = 12.75 km/h and takes 141.2 s.
"""

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lastmile.geo.demand import Demand
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.network import RoadNetwork
from lastmile.loading import Scenario, load_scenario
from lastmile.plans import FleetEntry, Leg, Manifest, Plan, Route, Service, Site, Stop, TargetResult, Violation
from lastmile.referee import check

WEST, SOUTH = 112.45, 34.62
PER_LON, PER_LAT = (float(value[0]) for value in metres_per_degree(np.array([SOUTH])))
# Map files keep seven digits; steps of six put the middle of each street exactly on its line.
STEP_LON, STEP_LAT = round(500 / PER_LON, 6), round(500 / PER_LAT, 6)
NODES = "ABCDEFGHI"


def degrees(x_m: float, y_m: float) -> tuple[float, float]:
    """Longitude and latitude so many metres east and north of junction A."""
    return WEST + x_m / 500 * STEP_LON, SOUTH + y_m / 500 * STEP_LAT


PLACES = {
    "depot": degrees(250, -10),
    "station:1": degrees(250, 1010),
    "a": degrees(250, 510),
    "b": degrees(750, 510),
    "c": degrees(750, 1010),
}

SCENARIO = """
name = "town"
day = 2026-03-04  # a Wednesday
map = {{ osm = "town.osm" }}
zones_file = {{ file = "zones.geojson", crs = "wgs84" }}
areas = {{ file = "areas.geojson", crs = "wgs84" }}

[demand]
orders = {{ file = "orders.csv", crs = "wgs84" }}

[[depots]]
id = "depot"
lon = {depot[0]}
lat = {depot[1]}
crs = "wgs84"
hours = "06:00-20:00"

[[zones]]  # the middle row, closed to vans in the morning and open by permit
id = "core"
polygon = "middle"
vehicles = {{ vehicle_class = ["e_van"] }}
when = {{ hours = ["07:00-09:00"] }}

[[permits]]
id = "pass"
zones = ["core"]
quota = 1
eligible = {{ vehicle_class = ["e_van"] }}
yuan_per_day = 3.0

[[facilities]]
id = "station"
kind = "community_station"
channel = "station"
dispatches = true
reach_m = 600.0
parcels_per_module = 4.0
modules_max = 2
yuan_open = 1000.0
yuan_per_module = 100.0
host_discount = {{ residential = 0.5 }}
budget = "stations"
hosts = ["residential"]
supply_hours = "06:00-20:00"

[[vehicles]]
id = "van"
vehicle_class = "e_van"
based_at = ["depot"]
count = 1
shift = "08:00-18:00"
max_work_hours = 8.0
max_distance_km = 40.0
max_stops = 10
parcels = 10.0
payload_kg = 20.0
volume_m3 = 0.1
yuan_per_day = 100.0
yuan_per_km = 0.2
yuan_per_hour = 20.0
yuan_per_kwh = 1.0
battery = {{ usable_kwh = 1.0, reserve_kwh = 0.2, kwh_per_km = 0.2, kwh_per_ton_km = 0.1 }}
breaks = [{{ minutes = 30.0, window = "11:00-13:00" }}]

[[vehicles]]
id = "trike"
vehicle_class = "e_trike"
based_at = ["station"]
new = true
marked = true
shift = "08:00-18:00"
parcels = 10.0
yuan_per_day = 50.0
skills = ["cold"]
battery = {{ usable_kwh = 1.0, kwh_per_km = 0.05 }}

[[targets]]
id = "stations"
text = "a station"
measure = "count"
facility = "station"
minimum = 1

[[targets]]
id = "reach"
text = "half of the parcels near a station"
measure = "coverage"
facilities = ["station"]
reach_m = 600.0
minimum = 0.5

[[targets]]
id = "communities"
text = "every community has a station"
measure = "each_area"
facilities = ["station"]
area_kind = "community"
reach_m = 300.0

[[targets]]
id = "money"
text = "700 yuan"
measure = "budget"
category = "stations"
maximum_yuan = 700.0

[[targets]]
id = "fleet"
text = "two vehicles"
measure = "vehicles"
minimum = 2

[[targets]]
id = "green"
text = "new vehicles are electric"
measure = "new_energy_share"
minimum = 1.0

[[targets]]
id = "passes"
text = "no pass is needed"
measure = "permits"
permit = "pass"
maximum = 0
"""


def osm_text() -> str:
    """The nine junctions and six streets as an OpenStreetMap file."""
    lines = ['<?xml version="1.0"?>', '<osm version="0.6">']
    for index in range(9):
        lon, lat = degrees(index % 3 * 500, index // 3 * 500)
        lines.append(f'<node id="{index + 1}" version="1" lon="{lon:.9f}" lat="{lat:.9f}"/>')
    for way, street in enumerate(("ABC", "DEF", "GHI", "ADG", "BEH", "CFI"), start=101):
        refs = "".join(f'<nd ref="{NODES.index(node) + 1}"/>' for node in street)
        lines.append(f'<way id="{way}" version="1">{refs}<tag k="highway" v="residential"/></way>')
    return "\n".join([*lines, "</osm>"])


def feature(geometry: dict[str, Any], **properties: str) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features: dict[str, Any]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


def write_town(folder: Path) -> Path:
    corners = [degrees(x, y) for x, y in ((-100, 300), (1100, 300), (1100, 700), (-100, 700), (-100, 300))]
    (folder / "town.osm").write_text(osm_text())
    (folder / "zones.geojson").write_text(
        collection(feature({"type": "Polygon", "coordinates": [corners]}, zone_id="middle"))
    )
    (folder / "areas.geojson").write_text(
        collection(
            feature({"type": "Point", "coordinates": degrees(250, 1000)}, id="north", kind="community"),
            feature({"type": "Point", "coordinates": degrees(750, 0)}, id="south", kind="community"),
        )
    )
    rows = [f"{order},{PLACES[order][0]},{PLACES[order][1]}" for order in "abc"]
    (folder / "orders.csv").write_text("\n".join(["id,lon,lat", *rows]))
    (folder / "town.toml").write_text(SCENARIO.format(depot=PLACES["depot"]))
    return folder / "town.toml"


def make_demand() -> Demand:
    """Two parcels for a, three for b (who also sends one), five for c; a kilogram and five litres each."""
    return Demand(
        id=("a", "b", "c"),
        name=("", "", ""),
        district=("town", "town", "town"),
        channels=(("door",), ("door",), ("station",)),
        skill=("", "", ""),
        firm=("", "", ""),
        size=("", "", ""),
        lon=np.array([PLACES[order][0] for order in "abc"]),
        lat=np.array([PLACES[order][1] for order in "abc"]),
        parcels=np.array([2, 3, 5], dtype=np.int32),
        pickups=np.array([0, 1, 0], dtype=np.int32),
        weight_g=np.array([2000, 3000, 5000]),
        volume_cm3=np.array([10_000, 15_000, 25_000]),
        window_start_s=np.full(3, 8 * 3600, dtype=np.int32),
        window_end_s=np.full(3, 18 * 3600, dtype=np.int32),
        service_s=np.full(3, -1, dtype=np.int32),
        release_s=np.full(3, 6 * 3600, dtype=np.int32),
        on_board_s=np.full(3, -1, dtype=np.int32),
        price_fen=np.full(3, -1),
    )


def edges_of(network: RoadNetwork, path: str) -> tuple[int, ...]:
    """Edges from junction to junction, for example ``BADGH``."""
    node = {int(osm): index for index, osm in enumerate(network.node_osm)}
    chain = [node[NODES.index(letter) + 1] for letter in path]
    found = []
    for tail, head in pairwise(chain):
        out = range(network.first_out[tail], network.first_out[tail + 1])
        found.append(next(edge for edge in out if network.edge_target[edge] == head))
    return tuple(found)


def leg(network: RoadNetwork, path: str, depart_s: int, arrive_s: int, energy_wh: int) -> Leg:
    """A leg from the middle of the first street to the middle of the last."""
    edges = edges_of(network, path)
    return Leg(
        edges=edges,
        start_fraction=0.5,
        end_fraction=0.5,
        depart_s=depart_s,
        arrive_s=arrive_s,
        distance_m=500.0 * (len(edges) - 1),
        energy_wh=energy_wh,
    )


def stop(kind: Any, place: str, times: tuple[int, int, int], parcels: int = 0, pickups: int = 0) -> Stop:
    return Stop(
        kind=kind,
        location_id=place,
        name=place,
        lon=PLACES[place][0],
        lat=PLACES[place][1],
        arrive_s=times[0],
        start_s=times[1],
        depart_s=times[2],
        parcels=parcels,
        pickups=pickups,
        weight_g=1000 * parcels,
        volume_cm3=5000 * parcels,
        snap_m=10.0,
    )


def van_route(network: RoadNetwork) -> Route:
    """Supply of the hub: half of AB, AD, DG, half of GH make 1,500 m in 300 s; there 180 + 10 * 6 = 240 s of work.

    Energy: 1.5 km * (200 + 100 * 0.010 t) Wh = 301.5 Wh there, 300 Wh back empty. Cost: 100 + 3 km * 0.2 +
    840 s / 3600 * 20 + 0.602 * 1 = 105.87 yuan.
    """
    return Route(
        vehicle_id="van-1",
        vehicle_type="van",
        vehicle_class="e_van",
        energy="electric",
        base_id="depot",
        permits=(),
        stops=(
            stop("base", "depot", (36000, 36000, 36000)),
            stop("site", "station:1", (36300, 36300, 36540), parcels=10),
            stop("base", "depot", (36840, 36840, 36840)),
        ),
        legs=(leg(network, "BADGH", 36000, 36300, 302), leg(network, "HGDAB", 36540, 36840, 300)),
        cost_fen=10587,
    )


def trike_route(network: RoadNetwork) -> Route:
    """Doors: 1,000 m to a in 282.4 s, there 180 + 2 * 30 s; 500 m to b in 141.2 s, there 180 + 4 * 30 s; 1,000 m back.

    Energy: 50 Wh for a kilometre. Cost: 50 yuan a day and nothing else.
    """
    return Route(
        vehicle_id="trike-1",
        vehicle_type="trike",
        vehicle_class="e_trike",
        energy="electric",
        base_id="station:1",
        permits=(),
        stops=(
            stop("base", "station:1", (39600, 39600, 39600)),
            stop("door", "a", (39883, 39883, 40123), parcels=2),
            stop("door", "b", (40265, 40265, 40565), parcels=3, pickups=1),
            stop("base", "station:1", (40848, 40848, 40848)),
        ),
        legs=(
            leg(network, "HGDE", 39600, 39883, 50),
            leg(network, "DEF", 40123, 40265, 25),
            leg(network, "FEHG", 40565, 40848, 50),
        ),
        cost_fen=5000,
    )


def target(name: str, value: float, met: bool) -> TargetResult:
    return TargetResult(id=name, measure="", text="", citation="", required="", reached="", value=value, met=met)


def make_plan(network: RoadNetwork) -> Plan:
    """The whole plan; the station costs 1000 * 0.5 + 2 * 100 = 700 yuan."""
    return Plan(
        manifest=Manifest(
            scenario_name="town",
            title="",
            day="2026-03-04",
            seed=1,
            version="0",
            inputs={},
            network_hash=network.hash,
            synthetic_map=False,
        ),
        sites=(
            Site(
                id="station:1",
                candidate_id="1",
                facility="station",
                kind="community_station",
                name="hub",
                host="residential",
                district="",
                lon=PLACES["station:1"][0],
                lat=PLACES["station:1"][1],
                existing=False,
                modules=2,
                capacity_parcels=8,
                load_parcels=5,
                cost_fen=70_000,
            ),
        ),
        services=(
            Service(order_id="a", channel="door", site_id=None, parcels=2),
            Service(order_id="b", channel="door", site_id=None, parcels=3),
            Service(order_id="c", channel="station", site_id="station:1", parcels=5),
        ),
        routes=(van_route(network), trike_route(network)),
        fleet=(
            FleetEntry(
                vehicle_type="van", vehicle_class="e_van", energy="electric", new=False, marked=False, driven=1,
                reserve=0, available=1, permits={}, price_fen=0,
            ),
            FleetEntry(
                vehicle_type="trike", vehicle_class="e_trike", energy="electric", new=True, marked=True, driven=1,
                reserve=0, available=None, permits={}, price_fen=0,
            ),
        ),
        unserved=(),
        siting=None,
        targets=(
            target("stations", 1, True),
            target("reach", 0.5, True),  # c walks 10 + 500 + 10 m and has 5 of 10 parcels; a and b walk 1,020 m
            target("communities", 0.5, False),  # north is 260 m away, south is not; missed, and it says so
            target("money", 700, True),
            target("fleet", 2, True),
            target("green", 1, True),
            target("passes", 0, True),
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """The case with its legal plan, and ways to spoil one thing in it."""

    scenario: Scenario
    network: RoadNetwork
    demand: Demand
    plan: Plan

    def check(self) -> tuple[Violation, ...]:
        return check(self.scenario, self.network, self.demand, self.plan)

    def with_plan(self, **changes: Any) -> "Town":
        return replace(self, plan=replace(self.plan, **changes))

    def with_route(self, index: int, **changes: Any) -> "Town":
        routes = list(self.plan.routes)
        routes[index] = replace(routes[index], **changes)
        return self.with_plan(routes=tuple(routes))

    def with_stop(self, route: int, index: int, **changes: Any) -> "Town":
        stops = list(self.plan.routes[route].stops)
        stops[index] = replace(stops[index], **changes)
        return self.with_route(route, stops=tuple(stops))

    def with_leg(self, route: int, index: int, **changes: Any) -> "Town":
        legs = list(self.plan.routes[route].legs)
        legs[index] = replace(legs[index], **changes)
        return self.with_route(route, legs=tuple(legs))

    def with_site(self, **changes: Any) -> "Town":
        return self.with_plan(sites=(replace(self.plan.sites[0], **changes),))

    def with_service(self, index: int, **changes: Any) -> "Town":
        services = list(self.plan.services)
        services[index] = replace(services[index], **changes)
        return self.with_plan(services=tuple(services))

    def with_target(self, name: str, **changes: Any) -> "Town":
        return self.with_plan(targets=tuple(replace(t, **changes) if t.id == name else t for t in self.plan.targets))

    def with_fleet(self, index: int, **changes: Any) -> "Town":
        fleet = list(self.plan.fleet)
        fleet[index] = replace(fleet[index], **changes)
        return self.with_plan(fleet=tuple(fleet))

    def with_order(self, row: int, **changes: Any) -> "Town":
        columns: dict[str, Any] = {}
        for name, value in changes.items():
            column = getattr(self.demand, name)
            if isinstance(column, np.ndarray):
                columns[name] = column.copy()
                columns[name][row] = value
            else:
                columns[name] = (*column[:row], value, *column[row + 1 :])
        return replace(self, demand=replace(self.demand, **columns))

    def with_rule(self, group: str, index: int, **changes: Any) -> "Town":
        """Change one item of the scenario's file, for example ``with_rule("vehicles", 0, count=3)``."""
        items = list(getattr(self.scenario.file, group))
        items[index] = items[index].model_copy(update=changes)
        file = self.scenario.file.model_copy(update={group: tuple(items)})
        return replace(self, scenario=replace(self.scenario, file=file))


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    scenario = load_scenario(write_town(tmp_path_factory.mktemp("town")))
    network = RoadNetwork.from_osm(scenario.map_path)
    plan = make_plan(network)
    words = {target.id: target for target in scenario.file.targets}
    results = tuple(replace(t, measure=words[t.id].measure, text=words[t.id].text) for t in plan.targets)
    return Town(scenario=scenario, network=network, demand=make_demand(), plan=replace(plan, targets=results))


@pytest.fixture(scope="session")
def chain(town: Town) -> Any:
    """Edges along junctions: ``chain("BADGH")``."""
    return lambda path: edges_of(town.network, path)
