"""Who drove where: types and permits of vehicles, and what is said of traces that look wrong."""

import dataclasses

import numpy as np
import plan_fixture as city
import pytest
from driving import follow

from lastmile.errors import InputError
from lastmile.geo.crs import from_wgs84, to_wgs84
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.fixes import Trace
from lastmile.traces.journeys import match_journeys, profiles_of
from lastmile.traces.reading import Recorded, Recordings

NETWORK = city.grid_network()
PLAN = city.plan(NETWORK)
FILE = city.scenario().file
TRACE = follow(NETWORK, PLAN.routes[0], every_s=5.0)


def recordings(*vehicles):
    """``vehicles``: (id, type) or (id, type, trace)."""
    made = [Recorded(vehicle_id=v[0], vehicle_type=v[1], trace=v[2] if len(v) > 2 else TRACE) for v in vehicles]
    return Recordings(vehicles=tuple(made), warnings=())


def run(*vehicles, crs="wgs84"):
    made = recordings(*vehicles)
    said = []
    journeys, warnings = match_journeys(
        made,
        profiles_of(made, FILE, vehicle_type="van"),
        NETWORK,
        crs=crs,
        threads=1,
        on_progress=lambda stage, text: said.append((stage, text)),
    )
    return journeys, warnings, said


def faults(*vehicles, **options):
    with pytest.raises(InputError) as caught:
        profiles_of(recordings(*vehicles), FILE, **options)
    return [(fault.place, fault.cause, fault.remedy) for fault in caught.value.faults]


def test_type_is_the_traces_else_the_plans_else_the_given_one():
    made = recordings(("van-1", "truck"), ("truck-1", ""), ("other", ""))
    found = profiles_of(made, FILE, plan=PLAN, vehicle_type="van")
    assert {name: profile.vehicle.id for name, profile in found.items()} == {
        "van-1": "truck", "truck-1": "truck", "other": "van",
    }  # fmt: skip


def test_only_type_of_a_scenario_needs_no_naming():
    file = FILE.model_copy(update={"vehicles": FILE.vehicles[:1]})
    assert profiles_of(recordings(("a", "")), file)["a"].vehicle.id == "van"


def test_vehicle_without_a_type_is_a_fault():
    ((place, cause, remedy),) = faults(("a", ""), ("b", "van"))
    assert place == "vehicle_type"
    assert cause == "1 of 2 vehicles have no type, first 'a'"
    assert "--vehicle-type" in remedy
    assert "van, truck" in remedy


def test_unknown_types_and_permits_are_faults():
    found = faults(("a", "lorry"), ("b", ""), vehicle_type="vann", permits=["pas"])
    assert [(place, cause) for place, cause, _ in found] == [
        ("--permit", "'pas' is no permit of the scenario"),
        ("--vehicle-type", "'vann' is no vehicle type of the scenario"),
        ("vehicle 'a'", "'lorry' is no vehicle type of the scenario"),
    ]
    assert "pass" in found[0][2]
    assert "van" in found[1][2]


def test_permits_are_the_plans_and_the_given_ones_of_eligible_vehicles():
    made = recordings(("van-1", ""), ("truck-1", ""))
    assert profiles_of(made, FILE, plan=PLAN)["truck-1"].permits == {"pass"}
    assert profiles_of(made, FILE, plan=PLAN)["van-1"].permits == frozenset()
    marked = FILE.permits[0].model_copy(
        update={"id": "marked", "eligible": FILE.permits[0].eligible.model_copy(update={"vehicle_class": ("e_van",)})}
    )
    file = FILE.model_copy(update={"permits": (*FILE.permits, marked)})
    found = profiles_of(made, file, plan=PLAN, permits=["marked"])
    assert (found["van-1"].permits, found["truck-1"].permits) == ({"marked"}, {"pass"})


def test_progress_is_told():
    journeys, warnings, said = run(("a", "van"), ("b", "truck"))
    assert [journey.vehicle_id for journey in journeys] == ["a", "b"]
    assert warnings == ()
    assert said == [("matching", "1 of 2 vehicles"), ("matching", "2 of 2 vehicles")]


def test_traces_three_kilometres_off_are_refused():
    off = dataclasses.replace(TRACE, lat=TRACE.lat + 0.05)
    with pytest.raises(InputError, match=r"(?s)no fix lies near a road of grid.*--crs"):
        run(("a", "van", off))


def test_one_vehicle_off_the_roads_is_named():
    off = dataclasses.replace(TRACE, lat=TRACE.lat - 0.03)
    journeys, warnings, _ = run(("a", "van"), ("b", "van", off))
    assert journeys[1].matched.matched_share == 0.0
    assert len(journeys[1].stands) == 0
    assert warnings == (f"vehicle b: only 0% of its {len(TRACE):,} fixes lie on roads for e_van",)


@pytest.mark.parametrize(("true", "declared"), [("gcj02", "wgs84"), ("wgs84", "gcj02"), ("bd09", "gcj02")])
def test_system_that_fits_much_better_is_named(true, declared):
    x, y = from_wgs84(TRACE.lon, TRACE.lat, true)
    lon, lat = to_wgs84(x, y, declared)
    shifted = dataclasses.replace(TRACE, lon=lon, lat=lat)
    try:
        said = run(("a", "van", shifted), crs=declared)[1][0]
    except InputError as error:  # shifted off the roads altogether, which is refused with the same words
        said = str(error)
    assert f"read as {declared}, as declared" in said
    assert f"read as {true} it would be 0 m: check --crs" in said


def test_right_system_is_not_doubted():
    chance = np.random.default_rng(1)
    per_lon, per_lat = metres_per_degree(TRACE.lat)
    noisy = dataclasses.replace(
        TRACE,
        lon=TRACE.lon + chance.normal(0, 10, len(TRACE)) / per_lon,
        lat=TRACE.lat + chance.normal(0, 10, len(TRACE)) / per_lat,
    )
    for crs in ("wgs84", "cgcs2000", "EPSG:4547"):
        assert run(("a", "van", noisy), crs=crs)[1] == ()


def test_receiver_that_is_silent_most_of_the_time_is_named():
    rare = slice(None, None, 60)  # every five minutes
    sparse = Trace(lon=TRACE.lon[rare], lat=TRACE.lat[rare], second=TRACE.second[rare])
    _, warnings, _ = run(("a", "van", sparse))
    assert warnings == (
        "vehicle a: half of its fixes are 300 s or more apart; what is driven in more than 180 s of silence is not "
        "guessed",
    )


def test_class_without_roads_is_refused():
    bits = NETWORK.edge_modes & ~np.uint8(1 << 2)  # vans may use no road
    closed = dataclasses.replace(NETWORK, edge_modes=bits)
    made = recordings(("a", "van"))
    with pytest.raises(InputError, match="no road for e_van"):
        match_journeys(
            made, profiles_of(made, FILE), closed, crs="wgs84", threads=1, on_progress=lambda stage, text: None
        )
