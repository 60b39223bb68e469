import json
import tomllib
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError
from town import GENERATED, ORDERS_KEY, SCENARIO

from lastmile.errors import InputError
from lastmile.scenario import (
    SIZES,
    Battery,
    CountTarget,
    CoverageTarget,
    Demand,
    Facility,
    Firm,
    Generated,
    MapSource,
    ScenarioFile,
    TableFile,
    VehicleType,
)
from lastmile.validation import nearest, validate

ROOT = Path(__file__).parent.parent
EMBEDDED = sorted((ROOT / "data").glob("*/scenario.toml"))


def values(text: str) -> dict[str, object]:
    """What a TOML text says, as JSON says it: dates as text."""
    return json.loads(json.dumps(tomllib.loads(text), default=str))


@pytest.fixture(scope="module")
def schema():
    written = ScenarioFile.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(written)
    return jsonschema.Draft202012Validator(written, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_there_are_embedded_scenarios():
    assert {path.parent.name for path in EMBEDDED} >= {"luoyang", "zhengzhou"}


@pytest.mark.parametrize("path", EMBEDDED, ids=lambda path: path.parent.name)
def test_embedded_scenario_is_valid_by_model_and_by_schema(path, schema):
    text = path.read_text(encoding="utf-8")
    file = validate(tomllib.loads(text), place=path.name)
    assert list(schema.iter_errors(values(text))) == []
    # Writing a scenario down as JSON and reading it again changes nothing, and the schema agrees with all of it.
    again = file.model_dump_json()
    assert ScenarioFile.model_validate_json(again) == file
    assert list(schema.iter_errors(json.loads(again))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed = 7", "seed = -7"),
        ("seed = 7", "sed = 7"),
        ("seed = 7", 'seed = "7"'),
        ("day = 2024-03-05", ""),
        ('vehicle_class = "e_trike"\ncount', 'vehicle_class = "bike"\ncount'),
        ("04:30-16:00", "early"),
        ("04:30-16:00", "4.30-16.00"),
        ("lat = 34.66", "lat = 134.66"),
        ("minimum = 0.5", "minimum = 1.5"),
        ('measure = "coverage"', 'measure = "cover"'),
        ('kind = "locker"', 'kind = "box"'),
    ],
)
def test_schema_refuses_what_the_model_refuses(schema, old, new):
    assert old in SCENARIO
    text = SCENARIO.replace(old, new)
    assert not schema.is_valid(values(text))
    with pytest.raises(InputError):
        validate(tomllib.loads(text), place="x.toml")


def test_schema_explains_keys_to_an_editor():
    written = ScenarioFile.model_json_schema()
    assert written["properties"]["day"]["description"].startswith("the planned day")
    assert written["additionalProperties"] is False
    assert {"name", "day", "map", "demand", "depots", "vehicles"} == set(written["required"])


def test_town_has_the_defaults_a_planner_can_live_with():
    file = validate(tomllib.loads(SCENARIO), place="town.toml")
    assert file.day == date(2024, 3, 5)
    assert file.map.max_snap_m == 500.0
    assert file.speeds.peak == ("07:00-09:00", "17:00-19:30")
    assert file.candidates.from_map
    assert file.search.threads == 2
    trike, truck = file.vehicles
    assert (trike.shift, trike.trips_per_day, trike.new, trike.marked) == ("08:00-18:00", 1, False, False)
    assert truck.battery is None
    assert file.zones[0].when.hours == ("07:00-20:00",)
    assert file.zones[1].when.hours == ("00:00-24:00",)
    assert isinstance(file.targets[0], CountTarget)
    assert isinstance(file.targets[2], CoverageTarget)


def test_models_are_frozen():
    battery = Battery(usable_kwh=5.0, kwh_per_km=0.1)
    with pytest.raises(ValidationError, match="frozen"):
        battery.usable_kwh = 6.0  # type: ignore[misc]


@pytest.mark.parametrize("curve", [((0.1, 7.0),), ((0.0, 7.0), (0.0, 3.0)), ((0.0, 7.0), (1.0, 3.0))])
def test_shares_of_a_charging_curve_ascend_from_nothing_to_below_full(curve):
    assert Battery(usable_kwh=5.0, kwh_per_km=0.1, charging=((0.0, 7.0), (0.8, 3.0))).charging[1] == (0.8, 3.0)
    with pytest.raises(ValidationError, match="must ascend from 0 and stay below 1"):
        Battery(usable_kwh=5.0, kwh_per_km=0.1, charging=curve)


def vehicle(**changes: object) -> VehicleType:
    given = {"id": "v", "vehicle_class": "e_van", "based_at": ("dc",), "parcels": 10.0,
             "battery": Battery(usable_kwh=40.0, kwh_per_km=0.2)}  # fmt: skip
    return VehicleType(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"energy": "diesel"}, "e_van is electric, energy says diesel"),
        ({"battery": None}, r"an electric vehicle needs a \[battery\]"),
        ({"vehicle_class": "truck_light", "energy": "diesel"}, "any other must not have one"),
        ({"parcels": None}, "give at least one capacity"),
        ({"count": -1}, "greater than or equal to 0"),
        ({"shift": "08:00-08:00"}, "empty span"),
        ({"plate_digit": 10}, "less than or equal to 9"),
        ({"parcels": float("inf")}, "finite"),
        ({"id": ""}, "at least 1 character"),
    ],
)
def test_vehicle_type_refuses(changes, cause):
    assert vehicle().energy == "electric"
    with pytest.raises(ValidationError, match=cause):
        vehicle(**changes)


def test_battery_keeps_less_in_reserve_than_it_has():
    with pytest.raises(ValidationError, match=r"reserve_kwh 5.0 must be below usable_kwh 5.0"):
        Battery(usable_kwh=5.0, reserve_kwh=5.0, kwh_per_km=0.1)


def test_shares_of_channels_sum_to_one():
    assert Generated(parcels_per_person_day=0.1, door_share=0.7, locker_share=0.1, station_share=0.2).door_share == 0.7
    with pytest.raises(ValidationError, match=r"they make 1\.2"):
        Generated(parcels_per_person_day=0.1, door_share=0.7)


def test_shares_of_sizes_sum_to_one():
    assert sum(Generated(parcels_per_person_day=0.1).sizes.values()) == pytest.approx(1.0)
    with pytest.raises(ValidationError, match=r"sizes must sum to 1, they make 0\.9"):
        Generated(parcels_per_person_day=0.1, sizes={"S": 0.5, "L": 0.4})


LOCKER = {"id": "locker", "kind": "locker", "channel": "locker", "parcels_per_module": 40.0, "hosts": ("shop",)}


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"compartments": {"S": 0, "M": 0}}, "compartments has none of any size"),
        ({"compartments": {"XXL": 1}}, "Input should be 'S', 'M', 'L' or 'XL'"),
        ({"compartments": {"S": -1}}, "greater than or equal to 0"),
        ({"compartments": {"S": 1}, "channel": None}, "for facilities with a channel"),
        ({"chilled_modules_max": 1}, "needs parcels_per_chilled_module"),
        (
            {"chilled_modules_max": 1, "parcels_per_chilled_module": 9.0, "channel": None},
            "for facilities with a channel",
        ),
        ({"turnover_per_day": 0.0}, "greater than 0"),
    ],
)
def test_facility_refuses(changes, cause):
    assert Facility(**LOCKER).compartments == {}
    with pytest.raises(ValidationError, match=cause):
        Facility(**LOCKER | changes)


def test_compartments_hold_their_size_and_smaller_ones():
    facility = Facility(**LOCKER, compartments={"S": 20, "L": 5, "XL": 2})
    assert [facility.compartments_from(size) for size in SIZES] == [27, 7, 7, 2]


def test_one_source_of_streets_and_one_of_demand():
    assert MapSource(place="洛阳市").osm is None
    for both_or_none in ({}, {"osm": "a.osm", "place": "洛阳市"}):
        with pytest.raises(ValidationError, match="exactly one of 'osm'"):
            MapSource(**both_or_none)
    table, made = TableFile(file="orders.csv"), Generated(parcels_per_person_day=0.1)
    assert Demand(orders=table).generate is None
    for orders, generate in ((None, None), (table, made)):
        with pytest.raises(ValidationError, match="exactly one of 'orders'"):
            Demand(orders=orders, generate=generate)


def test_firms_share_generated_demand():
    made = Generated(parcels_per_person_day=0.1)
    firms = (Firm(id="a", share=0.4), Firm(id="b", share=0.6))
    assert Demand(generate=made, firms=firms).firms == firms
    with pytest.raises(ValidationError, match=r"must sum to 1, they make 0\.4"):
        Demand(generate=made, firms=firms[:1])
    with pytest.raises(ValidationError, match="the table's column 'firm'"):
        Demand(orders=TableFile(file="orders.csv"), firms=firms)
    with pytest.raises(ValidationError, match="greater than 0"):
        Firm(id="c", share=0.0)


def test_generated_demand_is_read():
    file = validate(tomllib.loads(SCENARIO.replace(ORDERS_KEY, GENERATED)), place="town.toml")
    assert file.demand.generate is not None
    assert file.demand.generate.parcels_per_person_day == 0.01


def test_nearest_name_or_all_of_them():
    assert nearest("lockr", ["locker", "station"]) == "did you mean 'locker'?"
    assert nearest("xyz", ["locker", "station"]) == "known here: locker, station"


def test_fault_leads_through_the_targets_kind_to_its_key():
    text = SCENARIO.replace('of = "modules"', 'off = "modules"')
    with pytest.raises(InputError) as caught:
        validate(tomllib.loads(text), place="town.toml")
    (fault,) = caught.value.faults
    assert fault.place == "town.toml, targets[1] 'lockers'.off"
    assert fault.remedy == "did you mean 'of'?"


def test_keys_of_other_kinds_of_target_are_unknown():
    text = SCENARIO.replace('of = "modules"', "maximum_yuan = 3.0")
    with pytest.raises(InputError, match="unknown key 'maximum_yuan'"):
        validate(tomllib.loads(text), place="town.toml")


def facility(**changes: object) -> Facility:
    given = {"id": "f", "kind": "locker", "channel": "locker", "parcels_per_module": 10.0, "hosts": ("shop",)}
    return Facility(**{**given, **changes})


@pytest.mark.parametrize(
    ("shares", "cause"),
    [
        (((100.0, 0.9), (100.0, 0.5)), "metres ascending, 100 m follows 100 m"),
        (((200.0, 0.9), (100.0, 0.5)), "metres ascending, 100 m follows 200 m"),
        (((0.0, 0.5), (300.0, 0.6)), "must not rise with the distance: 0.5 at 0 m, 0.6 at 300 m"),
        (((0.0, 0.0),), "0 at every distance, so nobody would use it"),
        (((0.0, 1.1),), "less than or equal to 1"),
        (((-1.0, 1.0),), "greater than or equal to 0"),
        (((0.0, float("nan")),), "finite"),
        (((0.0,),), "Field required"),
    ],
)
def test_fewer_walk_further(shares, cause):
    assert facility(walk_shares=((0.0, 1.0), (300.0, 0.2))).walk_shares[1] == (300.0, 0.2)
    with pytest.raises(ValidationError, match=cause):
        facility(walk_shares=shares)


def test_shares_that_rise_are_named_with_the_facility():
    text = SCENARIO.replace("reach_m = 400.0", "reach_m = 400.0\nwalk_shares = [[0, 0.5], [300, 0.6]]")
    with pytest.raises(InputError) as caught:
        validate(tomllib.loads(text), place="town.toml")
    (fault,) = caught.value.faults
    assert fault.place == "town.toml, facilities[1] 'locker'"
    assert fault.cause == "walk_shares must not rise with the distance: 0.5 at 0 m, 0.6 at 300 m"
