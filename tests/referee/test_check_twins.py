"""The referee's own traffic, zones and walks agree with the geography that plans, which it shares no code with."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile.geo.access import Profile, lay_rules, periods
from lastmile.geo.paths import Roads
from lastmile.geo.snapping import Snapper
from lastmile.geo.speeds import REGIMES, edge_times_ms
from lastmile.geo.tags import MODES, ROAD_CODE
from lastmile.referee.case import Case
from lastmile.referee.traffic import Traffic
from lastmile.referee.walking import measure_walks
from lastmile.referee.zones import closed_spans, lay_out, segments_inside
from lastmile.scenario import Calendar, Speeds


@pytest.mark.parametrize("mode", MODES[1:])
def test_edge_times(town, mode):
    roads = np.resize([ROAD_CODE[name] for name in ("trunk", "primary", "service", "residential")], 12)
    posted = np.resize(np.array([0, 0, 25, 40, 8], dtype=np.float32), 12)
    network = replace(town.network, segment_road=roads.astype(np.uint8), segment_max_kmh=posted)
    speeds = Speeds(kmh={"primary": (50.0, 40.0, 60.0)})
    for regime in REGIMES:
        expected = edge_times_ms(network, mode, regime, speeds)
        np.testing.assert_array_equal(Traffic(network, speeds).times_ms(mode, regime), expected)


@pytest.mark.parametrize("boundary", ["included", "excluded"])
@pytest.mark.parametrize("tolerance", [0.0, 30.0, 250.0])
def test_segments_of_a_zone(town, boundary, tolerance):
    changed = town.with_rule("zones", 0, boundary=boundary, boundary_tolerance_m=tolerance)
    scenario = changed.scenario
    polygons = dict(zip(scenario.zones["zone_id"], scenario.zones.geometry, strict=True))
    access = lay_rules(town.network, scenario.file, polygons, metric_crs=scenario.metric_crs)
    case = Case(scenario=scenario, network=town.network, demand=town.demand, plan=town.plan)
    mine = segments_inside(case, scenario.file.zones[0], lay_out(case, range(town.network.segments)))
    assert sorted(mine) == np.flatnonzero(access.inside["core"]).tolist()


@pytest.mark.parametrize("permits", [frozenset(), frozenset({"pass"})])
@pytest.mark.parametrize(
    "when",
    [
        Calendar(),
        Calendar(hours=("22:00-06:00",)),
        Calendar(hours=("22:00-06:00", "07:00-09:00"), weekdays=("tue",)),
        Calendar(months=(1, 2)),
        Calendar(holidays="only"),
        Calendar(alert_level="orange"),
    ],
)
def test_hours_of_a_zone(town, when, permits):
    changed = town.with_rule("zones", 0, when=when).with_rule("permits", 0, hours=("23:00-05:00", "08:00-12:00"))
    file = changed.scenario.file
    polygons = dict(zip(changed.scenario.zones["zone_id"], changed.scenario.zones.geometry, strict=True))
    access = lay_rules(town.network, file, polygons, metric_crs=changed.scenario.metric_crs)
    vehicle = file.vehicles[0]
    spans = closed_spans(file.zones[0], vehicle, permits, file)
    for period in periods(file):
        theirs = bool(access.zones_in_force(Profile(vehicle=vehicle, permits=permits), period))
        assert theirs == any(start <= period.start_s < end for start, end in spans), period


def test_walks(town):
    case = Case(scenario=town.scenario, network=town.network, demand=town.demand, plan=town.plan)
    walks = measure_walks(case)
    snapper = Snapper(town.network, "walk")
    site = town.plan.sites[0]
    polygons = dict(zip(town.scenario.zones["zone_id"], town.scenario.zones.geometry, strict=True))
    access = lay_rules(town.network, town.scenario.file, polygons, metric_crs=town.scenario.metric_crs)
    found = Roads(town.network, access).catchments(
        snapper.snap(site.lon, site.lat), snapper.snap(town.demand.lon, town.demand.lat), reach_m=walks.limit_m
    )
    mine = walks.orders[site.id]
    assert np.flatnonzero(np.isfinite(mine)).tolist() == found.target.tolist() == [2]
    np.testing.assert_allclose(mine[found.target], found.metres, atol=0.1)


@settings(max_examples=60, deadline=None)
@given(depart=st.integers(0, 86_400), wait=st.integers(0, 3600), share=st.floats(0.01, 1.0))
def test_who_leaves_later_never_arrives_earlier(town, chain, depart, wait, share):
    traffic, path = Traffic(town.network, Speeds()), chain("ABCFED")
    shares = [share, *[1.0] * (len(path) - 2), share]
    early, late = (traffic.drive("e_van", path, shares, at)[-1].leave_ms for at in (depart, depart + wait))
    assert early <= late + 1e-6
