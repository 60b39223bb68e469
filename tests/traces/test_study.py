"""All evaluations of traces together, whatever the traces are."""

import dataclasses

import numpy as np
import plan_fixture as city
import pytest
import trace_fixture
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile.errors import InputError
from lastmile.geo.fixes import Trace
from lastmile.output.trace_map import draw_traces
from lastmile.traces.journeys import profiles_of
from lastmile.traces.reading import Recorded, Recordings
from lastmile.traces.study import evaluate_traces

NETWORK = city.grid_network()
PLAN = city.plan(NETWORK)
SCENARIO = city.scenario()


@st.composite
def records(draw):
    """Up to three vehicles of the plan or not, that were anywhere in any order."""
    near = st.tuples(st.floats(-200, 2700), st.floats(-200, 2700)).map(lambda metres: city.place(*metres))
    anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
    vehicles = []
    for name, kind in (("van-1", "van"), ("truck-1", "truck"), ("x", "van"))[: draw(st.integers(1, 3))]:
        places = draw(st.lists(st.one_of(near, near, near, near, anywhere), min_size=1, max_size=25))
        steps = draw(st.lists(st.floats(0.1, 900), min_size=len(places), max_size=len(places)))
        start = draw(st.floats(-90_000, 90_000))
        lon, lat = np.array(places).T
        stated = draw(st.one_of(st.none(), st.floats(0.5, 100)))
        trace = Trace(
            lon=lon,
            lat=lat,
            second=start + np.cumsum(steps),
            deviation_m=None if stated is None else np.full(len(places), stated),
        )
        vehicles.append(Recorded(vehicle_id=name, vehicle_type=kind, trace=trace))
    return Recordings(vehicles=tuple(vehicles), warnings=())


@given(records())
@settings(max_examples=60)
def test_any_trace_is_evaluated_or_refused(recordings):
    try:
        study = evaluate_traces(
            SCENARIO, recordings, profiles_of(recordings, SCENARIO.file), NETWORK, (), crs="wgs84", plan=PLAN
        )
    except InputError as error:
        assert "no fix lies near a road" in str(error)
        return
    for journey in study.journeys:
        matched = journey.matched
        assert len(matched.state) == len(journey.trace)
        assert (matched.leave_s >= matched.enter_s).all()
        assert np.isfinite(matched.metres).all()
        if len(matched.edge):
            first, last = journey.trace.second[[0, -1]]
            assert matched.enter_s.min() >= first
            assert matched.leave_s.max() <= last
    for entry in study.entries:
        assert entry.seconds > 0
        assert entry.driven_m >= 0
    for item in study.rounds:
        assert item.count("visited") + item.count("passed") + item.count("missed") == len(item.visits)
        assert 0 <= item.planned_driven <= 1 + 1e-9
    assert "<html" in draw_traces(study)


def test_warnings_of_reading_days_and_strangers_are_kept():
    study = trace_fixture.study()
    assert study.warnings[0] == "traces.csv: a word"
    assert f"1 vehicles of the traces are not in the plan, the first is {city.XSS!r}" in study.warnings
    assert "1 vehicles of the plan recorded nothing, the first is 'truck-1'" in study.warnings
    assert len(study.breaches) == 1


def test_other_days_are_told():
    trace = trace_fixture.study().journeys[0].trace
    later = Trace(lon=trace.lon, lat=trace.lat, second=trace.second + 3 * 86_400)
    recordings = Recordings(vehicles=(Recorded(vehicle_id="a", vehicle_type="van", trace=later),), warnings=())
    study = evaluate_traces(SCENARIO, recordings, profiles_of(recordings, SCENARIO.file), NETWORK, (), crs="wgs84")
    (warning,) = study.warnings
    assert warning.startswith("the traces reach from +3 to +3 days from the planned day 2016-11-11")
    assert study.rounds is None


def test_plan_of_another_network_is_refused():
    trace = trace_fixture.study().journeys[0].trace
    recordings = Recordings(vehicles=(Recorded(vehicle_id="van-1", vehicle_type="van", trace=trace),), warnings=())
    other = dataclasses.replace(PLAN, manifest=dataclasses.replace(PLAN.manifest, network_hash="0" * 16))
    profiles = profiles_of(recordings, SCENARIO.file)
    with pytest.raises(InputError, match="another road network"):
        evaluate_traces(SCENARIO, recordings, profiles, NETWORK, (), crs="wgs84", plan=other)
