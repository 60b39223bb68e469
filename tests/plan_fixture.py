"""A hand-made city of 6 by 6 junctions, 500 m apart, with a plan whose every number can be worked out on paper."""

import dataclasses
import json
import math
from datetime import date
from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import shapely

from lastmile.geo.assembly import Segments, assemble
from lastmile.geo.demand import Demand
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.features import Feature
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import ALL_MODES, ROAD_CODE
from lastmile.indicators import Walks
from lastmile.loading import Scenario
from lastmile.plans import (
    FleetEntry,
    Leg,
    Manifest,
    Phase,
    Plan,
    Route,
    Service,
    Site,
    SitingSummary,
    Stop,
    TargetResult,
    Unserved,
    Violation,
)
from lastmile.scenario import ScenarioFile

SIZE = 6
STEP_M = 500.0
WEST, SOUTH = 112.45, 34.62
XSS = "<script>alert(1)</script>"
FORMULA = "=HYPERLINK(1)"

_PER_LON, _PER_LAT = (float(value[0]) for value in metres_per_degree(np.array([SOUTH])))


def place(x_m: float, y_m: float) -> tuple[float, float]:
    """Degrees of a point so many metres east and north of the south-western junction."""
    return WEST + x_m / _PER_LON, SOUTH + y_m / _PER_LAT


def grid_network() -> RoadNetwork:
    """Two-way streets; the third row is a primary road, the fourth column a secondary one."""
    nodes = [place(x * STEP_M, y * STEP_M) for y in range(SIZE) for x in range(SIZE)]
    u, v, road = [], [], []
    for y in range(SIZE):
        for x in range(SIZE):
            node = y * SIZE + x
            if x + 1 < SIZE:
                u.append(node)
                v.append(node + 1)
                road.append(ROAD_CODE["primary" if y == 2 else "residential"])
            if y + 1 < SIZE:
                u.append(node)
                v.append(node + SIZE)
                road.append(ROAD_CODE["secondary" if x == 3 else "residential"])
    count = len(u)
    points = np.array([[nodes[a], nodes[b]] for a, b in zip(u, v, strict=True)]).reshape(-1, 2)
    lon, lat = np.array(nodes).T
    ends, nobody = np.column_stack((u, v)), np.zeros((count, 2), dtype=np.uint8)
    return assemble(
        Segments(
            tail=ends,
            head=ends[:, ::-1],
            modes=np.full((count, 2), ALL_MODES, dtype=np.uint8),
            signals=nobody,
            calming=nobody,
            geometry=np.arange(count + 1) * 2,
            lon=points[:, 0].copy(),
            lat=points[:, 1].copy(),
            length_m=np.full(count, STEP_M),
            road=np.array(road),
            flags=np.zeros(count),
            max_kmh=np.zeros(count),
            max_weight_t=np.full(count, np.inf),
            max_height_m=np.full(count, np.inf),
            max_width_m=np.full(count, np.inf),
            way=np.arange(count) + 1,
            name=np.zeros(count),
            turn=np.zeros(count),
            condition=np.full(count, -1),
        ),
        node_osm=np.arange(len(nodes), dtype=np.int64) + 1,
        node_lon=lon.copy(),
        node_lat=lat.copy(),
        names=("",),
        conditions=(),
        dropped={},
        synthetic=True,
        source="grid",
    )


def edges_along(network: RoadNetwork, *nodes: int) -> tuple[int, ...]:
    """Edges from junction to junction; junction (x, y) has the number 6 y + x."""
    found = []
    for a, b in pairwise(nodes):
        row = range(network.first_out[a], network.first_out[a + 1])
        found.append(next(edge for edge in row if network.edge_target[edge] == b))
    return tuple(found)


def scenario(folder: Path = Path("grid")) -> Scenario:
    file = {
        "name": "grid",
        "title": "格网市 Grid City",
        "day": "2016-11-11",
        "map": {"osm": "grid.osm"},
        "zones_file": {"file": "zones.geojson", "crs": "wgs84"},
        "zones": [
            {
                "id": "core",
                "name": "Core <b>zone</b>",
                "polygon": "core",
                "effect": "permit",
                "vehicles": {"vehicle_class": ["truck_light"]},
                "when": {"hours": ["07:00-21:00"], "weekdays": ["mon", "fri"]},
                "citation": "Notice 12 of 2016",
            }
        ],
        "permits": [{"id": "pass", "zones": ["core"], "quota": 4, "yuan_per_day": 10.0}],
        "demand": {"orders": {"file": "orders.csv", "crs": "wgs84"}},
        "facilities": [
            {
                "id": "station",
                "kind": "community_station",
                "name": "Community stations",
                "channel": "station",
                "reach_m": 500,
                "parcels_per_module": 100,
                "yuan_per_day": 30.0,
                "hosts": ["residential"],
            },
            {
                "id": "locker",
                "kind": "locker",
                "name": "Lockers",
                "channel": "locker",
                "reach_m": 300,
                "parcels_per_module": 40,
                "yuan_per_day": 5.0,
                "hosts": ["residential"],
            },
            {"id": "outlet", "kind": "outlet", "parcels_per_module": 1000, "hosts": ["shop"], "dispatches": True},
        ],
        "depots": [{"id": "hub", "name": "Hub", "lon": WEST, "lat": SOUTH, "crs": "wgs84"}],
        "vehicles": [
            {
                "id": "van",
                "name": "Electric van",
                "vehicle_class": "e_van",
                "based_at": ["hub"],
                "new": True,
                "parcels": 100,
                "payload_kg": 500,
                "volume_m3": 4,
                "yuan_per_day": 100.0,
                "yuan_per_km": 0.5,
                "yuan_per_hour": 20.0,
                "yuan_per_kwh": 0.8,
                "battery": {"usable_kwh": 40.0, "kwh_per_km": 0.2},
            },
            {
                "id": "truck",
                "name": "Light truck",
                "vehicle_class": "truck_light",
                "energy": "diesel",
                "based_at": ["hub"],
                "parcels": 200,
                "yuan_per_day": 150.0,
                "yuan_per_km": 1.0,
                "yuan_per_hour": 30.0,
                "fuel_l_per_100km": 10.0,
            },
        ],
        "targets": [
            {
                "id": "t1",
                "measure": "coverage",
                "text": "30 % within 500 m",
                "facilities": ["station", "locker"],
                "reach_m": 500,
                "minimum": 0.3,
            },
            {"id": "t2", "measure": "count", "text": "10 lockers", "facility": "locker", "minimum": 10},
        ],
        "emissions": {"grid_kg_per_kwh": 0.5, "diesel_kg_per_l": 2.5},
    }
    low, high = place(600, 600), place(1900, 1900)
    zones = geopandas.GeoDataFrame(
        {"zone_id": ["core"], "name": ["Core"]}, geometry=[shapely.box(*low, *high)], crs="EPSG:4326"
    )
    chargers = geopandas.GeoDataFrame(
        {
            "id": ["c1"],
            "name": ["Charger"],
            "power_kw": [60.0],
            "slots": [2],
            "vehicles": [()],
            "yuan_per_kwh": [math.nan],
        },
        geometry=[shapely.Point(place(2000, 500))],
        crs="EPSG:4326",
    )
    return Scenario(
        path=folder / "grid.toml",
        file=ScenarioFile.model_validate_json(json.dumps(file)),
        metric_crs="EPSG:32649",
        inputs={"grid.toml": "0" * 64},
        zones=zones,
        chargers=chargers,
    )


def demand() -> Demand:
    """Five orders: 10, 20, 30, 40 and 0 parcels (the last a pickup of 5)."""
    metres = ((500, 0), (1000, 0), (1000, 1000), (2500, 2500), (2500, 0))
    lon, lat = np.array([place(*point) for point in metres]).T
    parcels = np.array([10, 20, 30, 40, 0], dtype=np.int32)
    count = len(parcels)
    return Demand(
        id=("o1", "o2", "o3", "o4", "o5"),
        name=(XSS, FORMULA, "王小明", "u2028 \u2028 </script>", ""),
        district=("East", "East", "West", "West", ""),
        channels=(("station", "door"), ("locker",), ("door",), ("door",), ("door",)),
        skill=("",) * count,
        firm=("",) * count,
        size=("",) * count,
        lon=lon,
        lat=lat,
        parcels=parcels,
        pickups=np.array([0, 0, 0, 0, 5], dtype=np.int32),
        weight_g=parcels.astype(np.int64) * 1000,
        volume_cm3=parcels.astype(np.int64) * 8000,
        window_start_s=np.full(count, 8 * 3600, dtype=np.int32),
        window_end_s=np.full(count, 20 * 3600, dtype=np.int32),
        service_s=np.full(count, -1, dtype=np.int32),
        release_s=np.zeros(count, dtype=np.int32),
        on_board_s=np.full(count, -1, dtype=np.int32),
        price_fen=np.full(count, -1, dtype=np.int64),
    )


def walks() -> Walks:
    """Walks to the station (site 0), the locker (site 1) and the outlet (site 2, where no one walks to).

    o1 is 100 m from the station; o2 is 250 m from the locker and 450 m from the station; o3 is 400 m from the locker,
    beyond its reach of 300 m; o4 is 50 m from the outlet, which takes no parcels.
    """
    return Walks(
        order=np.array([0, 1, 1, 2, 3], dtype=np.int32),
        site=np.array([0, 1, 0, 1, 2], dtype=np.int32),
        metres=np.array([100.0, 250.0, 450.0, 400.0, 50.0]),
    )


def no_walks() -> Walks:
    return Walks(order=np.empty(0, np.int32), site=np.empty(0, np.int32), metres=np.empty(0))


def _stop(kind, location: str, name: str, at: tuple[float, float], times: tuple[int, int, int], **load: int) -> Stop:
    lon, lat = place(*at)
    return Stop(
        kind=kind,
        location_id=location,
        name=name,
        lon=lon,
        lat=lat,
        arrive_s=times[0],
        start_s=times[1],
        depart_s=times[2],
        parcels=load.get("parcels", 0),
        pickups=load.get("pickups", 0),
        weight_g=load.get("parcels", 0) * 1000,
        volume_cm3=load.get("parcels", 0) * 8000,
        snap_m=0.0,
    )


def _leg(edges: tuple[int, ...], times: tuple[int, int], metres: float, energy_wh: int) -> Leg:
    return Leg(
        edges=edges,
        start_fraction=0.0,
        end_fraction=1.0,
        depart_s=times[0],
        arrive_s=times[1],
        distance_m=metres,
        energy_wh=energy_wh,
    )


def plan_with_halts(network: RoadNetwork | None = None) -> Plan:
    """The same plan, but the truck's round goes on at 8:30: it reloads from 8:20, then charges 2.5 kWh from 8:30 on."""
    made = plan(network)
    van, truck = made.routes
    start = 8 * 3600
    base, door, home = truck.stops
    out, back = truck.legs
    stops = (
        base,
        door,
        dataclasses.replace(home, start_s=start + 1200, depart_s=start + 1500),
        dataclasses.replace(
            _stop("charge", "c1", "Charger", (2000, 500), (start + 1800, start + 1800, start + 2400)), charged_wh=2500
        ),
        dataclasses.replace(home, arrive_s=start + 2700, start_s=start + 2700, depart_s=start + 2700),
    )
    legs = (
        out,
        back,
        dataclasses.replace(out, depart_s=start + 1600, arrive_s=start + 1800),
        dataclasses.replace(back, depart_s=start + 2400, arrive_s=start + 2700),
    )
    return dataclasses.replace(made, routes=(van, dataclasses.replace(truck, stops=stops, legs=legs)))


def plan(network: RoadNetwork | None = None) -> Plan:
    """A van supplies station and locker and collects from o5; a truck with a permit brings o3 to the door."""
    net = network or grid_network()
    eight = 8 * 3600
    van = Route(
        vehicle_id="van-1",
        vehicle_type="van",
        vehicle_class="e_van",
        energy="electric",
        base_id="hub",
        permits=(),
        stops=(
            _stop("base", "hub", "Hub", (0, 0), (eight, eight, eight)),
            _stop("site", "station:a", "Station A", (500, 0), (eight + 60, eight + 60, eight + 360), parcels=10),
            _stop("site", "locker:b", FORMULA, (1000, 0), (eight + 420, eight + 420, eight + 720), parcels=20),
            _stop("door", "o5", "", (2500, 0), (eight + 900, eight + 1200, eight + 1260), pickups=5),
            _stop("base", "hub", "Hub", (0, 0), (eight + 1800, eight + 1800, eight + 1800)),
        ),
        legs=(
            _leg(edges_along(net, 0, 1), (eight, eight + 60), 500.0, 100),
            _leg(edges_along(net, 1, 2), (eight + 360, eight + 420), 500.0, 100),
            _leg(edges_along(net, 2, 3, 4, 5), (eight + 720, eight + 900), 1500.0, 300),
            _leg(edges_along(net, 5, 4, 3, 2, 1, 0), (eight + 1260, eight + 1800), 2500.0, 500),
        ),
        cost_fen=11_330,
    )
    truck = Route(
        vehicle_id="truck-1",
        vehicle_type="truck",
        vehicle_class="truck_light",
        energy="diesel",
        base_id="hub",
        permits=("pass",),
        stops=(
            _stop("base", "hub", "Hub", (0, 0), (eight, eight, eight)),
            _stop("door", "o3", "王小明", (1000, 1000), (eight + 300, eight + 300, eight + 600), parcels=30),
            _stop("base", "hub", "Hub", (0, 0), (eight + 900, eight + 900, eight + 900)),
        ),
        legs=(
            _leg(edges_along(net, 0, 1, 2, 8, 14), (eight, eight + 300), 2000.0, 0),
            _leg(edges_along(net, 14, 13, 12, 6, 0), (eight + 600, eight + 900), 2000.0, 0),
        ),
        cost_fen=17_150,
    )

    def site(name: str, facility: str, kind: str, at: tuple[float, float], load: int, room: int, fen: int) -> Site:
        lon, lat = place(*at)
        return Site(
            id=f"{facility}:{name}",
            candidate_id=name,
            facility=facility,
            kind=kind,
            name=f"{name} 站",
            host="residential",
            district="East",
            lon=lon,
            lat=lat,
            existing=False,
            modules=1,
            capacity_parcels=room,
            load_parcels=load,
            cost_fen=fen,
        )

    lon, lat = place(2500, 2500)
    return Plan(
        manifest=Manifest(
            scenario_name="grid",
            title="格网市 Grid City",
            day="2016-11-11",
            seed=1,
            version="0.1.0",
            inputs={"grid.toml": "0" * 64},
            network_hash=net.hash,
            synthetic_map=True,
        ),
        sites=(
            site("a", "station", "community_station", (500, 0), 10, 100, 500_000),
            site("b", "locker", "locker", (1000, 0), 20, 20, 200_000),
            site("c", "outlet", "outlet", (2500, 2500), 0, 1000, 0),
        ),
        services=(
            Service(order_id="o1", channel="station", site_id="station:a", parcels=10),
            Service(order_id="o2", channel="locker", site_id="locker:b", parcels=20),
            Service(order_id="o3", channel="door", site_id=None, parcels=30),
            Service(order_id="o5", channel="door", site_id=None, parcels=0),
        ),
        routes=(van, truck),
        fleet=(
            FleetEntry(
                vehicle_type="van", vehicle_class="e_van", energy="electric", new=True, marked=True, driven=1,
                reserve=2, available=None, permits={}, price_fen=10_000_000,
            ),
            FleetEntry(
                vehicle_type="truck", vehicle_class="truck_light", energy="diesel", new=False, marked=False, driven=1,
                reserve=0, available=3, permits={"pass": 1}, price_fen=0,
            ),
        ),
        unserved=(
            Unserved(
                order_id="o4", channel="door", parcels=40, lon=lon, lat=lat,
                reasons=("van: battery", "truck: closed zone"), remedy="one more permit",
            ),
        ),
        siting=SitingSummary(value_fen=3000, bound_fen=3050, gap=0.0164, stopped="gap reached"),
        targets=(
            TargetResult(
                id="t1", measure="coverage", text="30 % within 500 m / 五百米覆盖", citation="Plan 2016, 3.1",
                required="≥ 30 %", reached="30 %", value=0.3, met=True,
            ),
            TargetResult(
                id="t2", measure="count", text=f"10 lockers {XSS}", citation="Plan 2016, 3.2", required="10 sites",
                reached="1 site", value=1.0, met=False, note="candidates bind",
            ),
        ),
        warnings=("Speed table is assumed.",),
        violations=(Violation(rule="window", place="route van-1, stop 3", amount="60 s", detail="too late"),),
        checked=True,
        timings_s={"siting": 0.25},
    )  # fmt: skip


def phased_scenario() -> Scenario:
    """The same city, with half of the coverage due by 2018 and the lockers by 2020."""
    made = scenario()
    days = (FIRST_PHASE, LAST_PHASE)
    targets = [target.model_copy(update={"by": day}) for target, day in zip(made.file.targets, days, strict=True)]
    return dataclasses.replace(made, file=made.file.model_copy(update={"targets": tuple(targets)}))


def phased_plan(network: RoadNetwork | None = None) -> Plan:
    """The same plan in phases: the station opens by 2018, the locker by 2020, the outlet exists."""
    made = plan(network)
    assert made.siting is not None
    station, locker, outlet = made.sites
    sites = (
        dataclasses.replace(station, opens_by=FIRST_PHASE),
        dataclasses.replace(locker, opens_by=LAST_PHASE),
        dataclasses.replace(outlet, existing=True),
    )
    first = SitingSummary(
        value_fen=1000, bound_fen=1002, gap=0.002, stopped="gap", shortfalls=("t1 by 2018-12-31: short by 0.2",)
    )
    phases = (Phase(by=FIRST_PHASE, siting=first), Phase(by=LAST_PHASE, siting=made.siting))
    return dataclasses.replace(made, sites=sites, phases=phases)


FIRST_PHASE, LAST_PHASE = date(2018, 12, 31), date(2020, 12, 31)


def features() -> tuple[Feature, ...]:
    low, high = place(1200, 100), place(1400, 400)
    tags = {"natural": "water"}
    return (Feature(osm_id="way/1", name="湖", tags=tags, geometry=shapely.box(*low, *high)),)
