"""Laws of the whole way from a scenario to its plan, on small towns drawn by chance.

Whatever combination of windows, zones, permits, depots, vehicles, batteries, skills and sites a scenario has: the plan
breaks no rule, every order is served or unserved with a reason, and the same scenario gives the same plan. A number
changed in it is found by the referee.
"""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import cycle

import numpy as np
import pytest
import town
from examples import examples
from heights import write_raster
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lastmile.loading import load_scenario
from lastmile.pipeline import plan_scenario
from lastmile.referee import check

EXAMPLES = settings(
    max_examples=examples(30, 300),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def value(item) -> str:
    """A value as TOML writes it; inline tables for mappings."""
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{key} = {value(entry)}" for key, entry in item.items()) + " }"
    if isinstance(item, list):
        return "[" + ", ".join(map(value, item)) + "]"
    return json.dumps(item, ensure_ascii=False)


def toml(parts: dict) -> str:
    """A scenario's text; lists of mappings become arrays of tables."""
    lines = ['name = "law"', "day = 2024-03-05"]
    tables = {key: part for key, part in parts.items() if isinstance(part, list)}
    lines += [f"{key} = {value(part)}" for key, part in parts.items() if key not in tables]
    for key, rows in tables.items():
        for row in rows:
            lines += [f"[[{key}]]", *(f"{name} = {value(entry)}" for name, entry in row.items())]
    return "\n".join(lines) + "\n"


HOURS = ["00:00-24:00", "05:00-20:00", "06:00-09:00", "11:00-19:00", "20:00-04:00"]
DAY = ["00:00-24:00", "00:00-24:00", "06:00-20:00", "07:00-15:00"]
NIGHT = ["00:00-24:00", "20:00-07:00"]
OUTLET = {
    "id": "outlet", "kind": "outlet", "dispatches": True, "reach_m": 1500.0, "parcels_per_module": 400.0,
    "yuan_open": 2000.0, "hosts": ["shop"], "budget": "sites",
}  # fmt: skip
LOCKER = {
    "id": "locker", "kind": "locker", "channel": "locker", "reach_m": 400.0, "parcels_per_module": 4.0,
    "modules_max": 2, "yuan_per_module": 90.0, "hosts": ["residential", "school"], "minimum_spacing_m": 300.0,
    "walk_shares": [[50, 1], [200, 0.75], [380, 0.25]],
}  # fmt: skip
STATION = {
    "id": "station", "kind": "pickup_store", "channel": "station", "dispatches": True, "reach_m": 600.0,
    "parcels_per_module": 30.5, "yuan_open": 50.0, "hosts": ["shop", "hospital"], "host_discount": {"hospital": 0.25},
}  # fmt: skip
# By size the first takes one large parcel a day and module, the second none but small ones.
MODULES = (
    {}, {},
    {"compartments": {"S": 2, "L": 1}, "turnover_per_day": 1.5},
    {"compartments": {"S": 3, "M": 0}, "parcels_per_module": 7.5},
)  # fmt: skip
CHILLED = {
    "chilled_modules_max": 2, "parcels_per_chilled_module": 4.5, "yuan_per_chilled_module": 40.0,
    "yuan_per_chilled_module_day": 0.5,
}  # fmt: skip
DEPOTS = (town.corner(0, 0), town.corner(7, 7), town.corner(3.5, 0.02))
TARGETS = (
    {"measure": "count", "id": "some", "text": "sites", "facility": "outlet", "minimum": 1, "maximum": 2},
    {"measure": "coverage", "id": "near", "text": "half", "facilities": ["locker", "station"], "reach_m": 500.0,
     "minimum": 0.5, "each_district": True},
    {"measure": "coverage", "id": "fetched", "text": "a third", "facilities": ["locker", "station"], "reach_m": 450.0,
     "minimum": 0.3, "expected": True},
    {"measure": "each_area", "id": "all", "text": "all", "facilities": ["locker"], "area_kind": "community",
     "reach_m": 400.0, "at_most_one": True},
    {"measure": "budget", "id": "money", "text": "money", "category": "sites", "maximum_yuan": 2500.0},
    {"measure": "vehicles", "id": "fleet", "text": "fleet", "minimum": 3},
    {"measure": "new_energy_share", "id": "green", "text": "green", "minimum": 0.5, "new_only": False},
)  # fmt: skip


# The town's map as it is; a street with hours of its own; signals and a forbidden turn at a crossing.
_CROSSING = '<node id="28" version="1" lon="112.43654" lat="34.6654">'
MAPS = (
    {},
    {'v="东西4街"/>': 'v="东西4街"/><tag k="vehicle:conditional" v="no @ (09:30-11:00)"/>',
     'v="南北2路"/>': 'v="南北2路"/><tag k="oneway:conditional" v="yes @ (12:00-15:00)"/>'},
    {_CROSSING: f'{_CROSSING}<tag k="highway" v="traffic_signals"/>',
     "</osm>": '<relation id="1" version="1"><member type="way" ref="4" role="from"/><member type="node" ref="28" '
     'role="via"/><member type="way" ref="15" role="to"/><tag k="type" v="restriction"/>'
     '<tag k="restriction:conditional" v="no_left_turn @ (08:00-09:00)"/></relation></osm>'},
)  # fmt: skip


TRIKE = {
    "curb_kg": 320.0, "drag_area_m2": 1.4, "rolling_resistance": 0.015, "drivetrain_efficiency": 0.7,
    "auxiliary_w": 40.0,
}  # fmt: skip
VAN = {"curb_kg": 1500.0, "drag_area_m2": 2.0, "regeneration": 0.6, "auxiliary_w": 400.0}


@st.composite
def vehicles(draw, bases, name, shift):
    """A vehicle type based at some of the bases."""
    kind = draw(st.sampled_from(["e_trike", "e_van", "truck_light"]))
    vehicle = {
        "id": name,
        "vehicle_class": kind,
        "based_at": draw(st.lists(st.sampled_from(bases), min_size=1, max_size=2, unique=True)),
        "shift": shift,
        "marked": draw(st.booleans()),
        "new": draw(st.booleans()),
        "yuan_per_day": 50.0,
        "yuan_per_km": 0.9,
        "yuan_per_hour": 20.0,
        "price_yuan": 20_000.0,
    }
    vehicle |= draw(st.sampled_from([{"parcels": 12.0}, {"payload_kg": 30.0}, {"parcels": 40.0, "volume_m3": 0.2}]))
    if kind == "truck_light":
        vehicle |= {"energy": "diesel", "fuel_l_per_100km": 12.0, "gross_weight_t": 4.0}
    else:
        usable = draw(st.sampled_from([0.4, 0.8, 5.0]))
        vehicle["battery"] = {
            "usable_kwh": usable, "reserve_kwh": 0.1, "kwh_per_km": 0.07,
            "kwh_per_ton_km": draw(st.sampled_from([0, 0.5])),
        } | draw(st.sampled_from([{}, {"physics": TRIKE if kind == "e_trike" else VAN}]))  # fmt: skip
    optional = {
        "count": st.sampled_from([0, 1, 1, 2, 4]),
        "max_stops": st.integers(1, 4),
        "max_distance_km": st.sampled_from([2.5, 6.0]),
        "max_work_hours": st.sampled_from([0.5, 4.0]),
        "breaks": st.sampled_from(
            [
                [{"minutes": 45, "window": "08:30-09:30"}],
                [{"minutes": 20, "window": "09:00-12:00"}, {"minutes": 20, "window": "09:15-10:00"}],
                [{"minutes": 15.5, "window": "21:30-22:00"}, {"minutes": 60, "window": "00:00-24:00"}],
            ]
        ),
    }
    for key, choice in optional.items():
        if draw(st.integers(0, 3 if key != "count" else 1)) == 1:
            vehicle[key] = draw(choice)
    if draw(st.integers(0, 3)):
        vehicle["skills"] = ["cold"]
    return vehicle


@st.composite
def orders(draw, only):
    """A table of up to ten orders all over the town, the island and the water included, some for ``only`` a channel."""
    rows = ["id,lon,lat,parcels,pickups,weight,window_start,window_end,options,release,skill,on_board,price,size"]
    for number in range(draw(st.integers(1, 10))):
        row = draw(st.sampled_from([0.0, 0.5, 2.2, 3.0, 4.5, 5.5, 6.7]))
        column = draw(st.sampled_from([0.0, 1.5, 3.0, 4.4, 7.0, 14.5] if number == 0 else [0.0, 1.5, 3.0, 4.4, 7.0]))
        lon, lat = town.corner(row, column)
        start = draw(st.sampled_from(["", "", "08:00", "14:00"]))
        cells = [
            f"o{number}",
            lon,
            lat,
            draw(st.integers(0, 9)),
            draw(st.sampled_from([0, 0, 3])),
            draw(st.sampled_from(["", 2.5, 14])),
            start,
            draw(st.sampled_from(["", "16:00"])) if start else draw(st.sampled_from(["", "09:00"])),
            draw(st.sampled_from(["door", "door", "locker;door", "station;door", "door;station", *only])),
            draw(st.sampled_from(["", "", "07:30", "13:00"])),
            draw(st.sampled_from(["", "", "", "cold"])),
            draw(st.sampled_from(["", "", "", 20])),
            draw(st.sampled_from(["", "", 5, 500])),
            draw(st.sampled_from(["", "S", "M", "L", "XL"])),
        ]
        rows.append(",".join(map(str, cells)))
    return "\n".join(rows) + "\n"


@st.composite
def scenarios(draw, *, phased=False):
    """(scenario file, table of orders, changes of the map); ``phased``: with all targets, by several dates."""
    table, night = {"crs": "wgs84"}, draw(st.integers(0, 6)) == 6
    choices = [[], [OUTLET], [LOCKER, STATION], [OUTLET, LOCKER, STATION]]
    facilities = [
        facility
        | {"supply_hours": draw(st.sampled_from(HOURS))}
        | (draw(st.sampled_from(MODULES)) | draw(st.sampled_from([{}, CHILLED])) if "channel" in facility else {})
        for facility in (choices[-1] if phased else draw(st.sampled_from(choices)))
    ]
    depots = [
        {
            "id": f"dc{k}",
            "lon": lon,
            "lat": lat,
            "crs": "wgs84",
            "hours": draw(st.sampled_from(NIGHT if night else DAY)),
        }
        for k, (lon, lat) in enumerate(DEPOTS[: draw(st.integers(1, 3))])
    ]
    bases = [*(d["id"] for d in depots), *(f["id"] for f in facilities if f.get("dispatches"))]
    shifts = ["21:00-06:00"] if night else ["08:00-18:00", "07:00-13:00", "05:00-22:00"]
    fleet = [
        draw(vehicles(bases if k else bases[:1] + bases[-1:], f"type{k}", draw(st.sampled_from(shifts))))
        for k in range(draw(st.integers(1, 3)))
    ]
    zone = {
        "id": "centre", "polygon": "centre", "boundary": draw(st.sampled_from(["included", "excluded"])),
        "vehicles": draw(st.sampled_from([{}, {"vehicle_class": ["truck_light"]}, {"marked": False}])),
        "when": {"hours": [draw(st.sampled_from(["07:00-20:00", "09:00-10:00", "22:00-06:00"]))]},
        "effect": draw(st.sampled_from(["ban", "permit"])), "standing_banned": draw(st.booleans()),
    }  # fmt: skip
    permit = {
        "id": "pass", "zones": ["centre"], "quota": draw(st.integers(0, 2)), "yuan_per_day": 3.0,
        "eligible": draw(st.sampled_from([{}, {"marked": True}])),
    }  # fmt: skip
    named = {facility["id"] for facility in facilities}
    targets = [t for t in TARGETS if {t.get("facility"), *t.get("facilities", ())} - {None} <= named]
    targets = [t for t in targets if t["measure"] != "budget" or "outlet" in named]
    cold = [facility["id"] for facility in facilities if "chilled_modules_max" in facility]
    if cold:
        targets.append({"measure": "count", "id": "cold", "text": "cold", "facility": cold[0], "of": "chilled_modules",
                        "minimum": 2, "maximum": 5})  # fmt: skip
    parts = {
        "map": {
            "osm": "town.osm",
            "max_snap_m": 250.0,
            "cache": False,
            "visit_snap_m": draw(st.sampled_from([0.0, 50.0, 250.0])),
            "kerbside": draw(st.sampled_from([[], ["residential", "secondary"]])),
            "drive_on": draw(st.sampled_from(["right", "left"])),
        }
        | draw(st.sampled_from([{}, {"elevation": "heights.tif"}])),
        "districts": {"file": "districts.csv"} | table,
        "areas": {"file": "communities.csv"} | table,
        "zones_file": {"file": "zones.geojson"} | table,
        "demand": {"orders": {"file": "orders.csv"} | table},
        "search": {"siting_seconds": 5.0, "routing_seconds": 20.0, "routing_iterations": 50, "threads": 1},
        "zones": [zone] if draw(st.booleans()) or zone["effect"] == "permit" else [],
        "permits": [permit],
        "facilities": facilities,
        "targets": draw(st.lists(st.sampled_from(targets), max_size=3, unique_by=lambda t: t["id"])),
        "depots": depots,
        "vehicles": fleet,
    }
    if not parts["zones"]:
        parts["permits"] = []
    if phased:
        dates = draw(st.sampled_from([["2022-12-31", "2024-12-31"], ["2024-12-31", "2023-06-30", "2022-12-31"]]))
        parts["targets"] = [target | {"by": by} for target, by in zip(targets, cycle(dates), strict=False)]
        growing = draw(st.lists(st.sampled_from(sorted(named)), unique=True))
        parts["facilities"] = [
            facility | ({"modules_grow": True} if facility["id"] in growing else {}) for facility in facilities
        ]
        named_dates = draw(st.lists(st.sampled_from(dates), unique=True))
        parts["demand"] |= {"phases": [{"by": by, "factor": draw(st.sampled_from([0.5, 3.0]))} for by in named_dates]}
    only = sorted({facility.get("channel", "door") for facility in facilities})
    return toml(parts), draw(orders(only)), draw(st.sampled_from(MAPS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("law")
    hilly(made / "heights.tif")
    return made


def hilly(path):
    """Heights of the town: 60 m up from west to east, and hills of 10 m on the way; 50 m a cell."""
    east, north = np.meshgrid(np.linspace(0, 1, 120), np.linspace(0, 1, 80))
    cells = 200 + 60 * east + 5 * np.sin(20 * east) * np.sin(14 * north)
    return write_raster(path, cells, west=town.WEST - 0.005, north=town.SOUTH + 0.03, step=0.0005)


def make(folder, drawn):
    scenario, table, streets = drawn
    return plan_scenario(load_scenario(town.write_town(folder, scenario=scenario, orders=table, map=streets)))


@EXAMPLES
@given(drawn=scenarios())
def test_no_plan_breaks_a_rule_or_loses_an_order(folder, drawn):
    planned = make(folder, drawn)
    plan = planned.plan
    assert [str(violation) for violation in plan.violations] == []
    done = Counter(s.order_id for s in plan.services) + Counter(u.order_id for u in plan.unserved)
    assert done == Counter(planned.city.demand.id)
    assert all(item.reasons and all(item.reasons) and item.remedy for item in plan.unserved)
    assert not any("time limit" in warning for warning in plan.warnings)


@settings(EXAMPLES, max_examples=examples(4, 60))
@given(drawn=scenarios())
def test_same_scenario_gives_same_plan(folder, drawn):
    first, second = (replace(make(folder, drawn).plan, timings_s={}) for _ in range(2))
    assert first == second


# Numbers that a plan states, and changes that no truth allows: earlier, shorter, less energy, another load.
STOP_FIELDS = {
    "lon": 0.001,
    "lat": -0.001,
    "start_s": -900,
    "depart_s": -900,
    "parcels": 1,
    "pickups": 2,
    "snap_m": 7.0,
}
LEG_FIELDS = {"arrive_s": -60, "distance_m": -9.0, "start_fraction": 0.05, "end_fraction": -0.05, "depart_s": 120}
ROUTE_FIELDS = {"cost_fen": 500}


@settings(EXAMPLES, max_examples=examples(60, 300))
@given(drawn=scenarios(), data=st.data())
def test_referee_finds_a_changed_number(folder, drawn, data):
    planned = make(folder, drawn)
    plan = planned.plan
    if not plan.routes:
        return
    index = data.draw(st.integers(0, len(plan.routes) - 1))
    route = plan.routes[index]
    kind = data.draw(st.sampled_from(["stop", "leg", "route"]))
    if kind == "route":
        field, change = data.draw(st.sampled_from(sorted(ROUTE_FIELDS.items())))
        changed = replace(route, **{field: getattr(route, field) + change})
    elif kind == "stop":
        at = data.draw(st.integers(1, len(route.stops) - 2))
        field, change = data.draw(st.sampled_from(sorted(STOP_FIELDS.items())))
        stop = replace(route.stops[at], **{field: getattr(route.stops[at], field) + change})
        changed = replace(route, stops=(*route.stops[:at], stop, *route.stops[at + 1 :]))
    else:
        at = data.draw(st.sampled_from([k for k, leg in enumerate(route.legs) if leg.distance_m > 50] or [0]))
        field, change = data.draw(st.sampled_from(sorted(LEG_FIELDS.items())))
        leg = route.legs[at]
        if leg.distance_m <= 50:
            return
        leg = replace(leg, **{field: getattr(leg, field) + change})
        changed = replace(route, legs=(*route.legs[:at], leg, *route.legs[at + 1 :]))
    routes = (*plan.routes[:index], changed, *plan.routes[index + 1 :])
    corrupted = replace(plan, routes=routes)
    assert check(planned.scenario, planned.city.network, planned.city.demand, corrupted), (kind, field)


@settings(EXAMPLES, max_examples=examples(10, 150))
@given(drawn=scenarios(phased=True), data=st.data())
def test_plan_in_phases_breaks_no_rule_and_the_referee_finds_a_changed_date(folder, drawn, data):
    planned = make(folder, drawn)
    plan = planned.plan
    assert [str(violation) for violation in plan.violations] == []
    dates = [phase.by for phase in plan.phases]
    assert len(dates) in (2, 3)
    assert all(site.opens_by in dates for site in plan.sites)
    index = data.draw(st.integers(0, len(plan.sites) - 1))
    site = replace(plan.sites[index], opens_by=data.draw(st.sampled_from([date(2023, 6, 29), None])))
    corrupted = replace(plan, sites=(*plan.sites[:index], site, *plan.sites[index + 1 :]))
    found = check(planned.scenario, planned.city.network, planned.city.demand, corrupted)
    assert ("phase", site.id) in {(violation.rule, violation.place) for violation in found}
    grown = [site for site in plan.sites if site.built]
    if grown:
        site = data.draw(st.sampled_from(grown))
        early = replace(site, built=(replace(site.built[0], by=date(2020, 1, 1)), *site.built[1:]))
        fewer = replace(site, built=(*site.built[:-1], replace(site.built[-1], cost_fen=site.cost_fen + 1)))
        for wrong in (early, fewer):
            sites = tuple(wrong if one is site else one for one in plan.sites)
            found = check(planned.scenario, planned.city.network, planned.city.demand, replace(plan, sites=sites))
            assert ("phase", site.id) in {(violation.rule, violation.place) for violation in found}


@pytest.fixture(scope="module")
def climbed(tmp_path_factory):
    """The town with heights, its trikes by physics and based at the depot in the lowest corner."""
    made = tmp_path_factory.mktemp("hills")
    hilly(made / "heights.tif")
    changes = {
        'osm = "town.osm"': 'osm = "town.osm"\nelevation = "heights.tif"',
        'based_at = ["outlet"]': 'based_at = ["outlet", "dc"]',
        "kwh_per_km = 0.07": f"kwh_per_km = 9.0, physics = {value(VAN)}",
    }
    return plan_scenario(load_scenario(town.write_town(made, scenario=changes)))


def test_town_on_hills_is_planned_by_physics_without_a_violation(climbed):
    plan = climbed.plan
    assert plan.violations == ()
    assert "heights.tif" in plan.manifest.inputs
    legs = [leg for route in plan.routes if route.energy == "electric" for leg in route.legs if leg.distance_m > 100]
    # By distance it would be 9 Wh a metre; physics takes a tenth of it at most, and not always the same.
    taken = [leg.energy_wh / leg.distance_m for leg in legs]
    assert max(taken) < 0.9
    assert max(taken) > 2 * min(taken)


def test_energy_that_is_stated_too_low_on_a_hill_is_found(climbed):
    plan, index = climbed.plan, next(i for i, route in enumerate(climbed.plan.routes) if route.energy == "electric")
    route = plan.routes[index]
    at = max(range(len(route.legs)), key=lambda k: route.legs[k].energy_wh)
    for share, wrong in ((1.2, False), (0.8, True)):
        leg = replace(route.legs[at], energy_wh=int(route.legs[at].energy_wh * share))
        legs = (*route.legs[:at], leg, *route.legs[at + 1 :])
        routes = (*plan.routes[:index], replace(route, legs=legs), *plan.routes[index + 1 :])
        found = check(climbed.scenario, climbed.city.network, climbed.city.demand, replace(plan, routes=routes))
        assert ("energy" in {violation.rule for violation in found}) == wrong


def test_heights_are_said_to_be_idle_where_no_vehicle_uses_them(tmp_path):
    hilly(tmp_path / "heights.tif")
    path = town.write_town(tmp_path, scenario={'osm = "town.osm"': 'osm = "town.osm"\nelevation = "heights.tif"'})
    assert any("map.elevation changes nothing" in text for text in plan_scenario(load_scenario(path)).plan.warnings)
