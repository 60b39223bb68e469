"""Energy of edges by physics: arithmetic by hand, laws, and tables that are the sums along paths."""

import math
from dataclasses import replace

import grid
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.geo.elevation import Climbs
from lastmile.geo.energy import AIR_KG_M3, GRAVITY, flat_energy, physical_energy
from lastmile.geo.network import RoadNetwork
from lastmile.scenario import Battery, Physics, Speeds

PHYSICS = Physics(
    curb_kg=1000.0,
    drag_area_m2=2.0,
    rolling_resistance=0.01,
    drivetrain_efficiency=0.8,
    regeneration=0.5,
    auxiliary_w=300.0,
)


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """One street of 1,000 m as two edges; the one along it ends at a signal."""
    path = tmp_path_factory.mktemp("street") / "street.osm"
    path.write_text(
        '<osm version="0.6"><node id="1" lon="113.0" lat="34.0"/><node id="2" lon="113.01" lat="34.0"/>'
        '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way></osm>'
    )
    network = RoadNetwork.from_osm(path)
    return replace(
        network, segment_length_m=np.array([1000.0]), edge_signals=np.where(network.edge_forward, 1, 0).astype(np.uint8)
    )


def hill(ascent, descent=0.0):
    return Climbs(ascent_m=np.array([ascent], np.float32), descent_m=np.array([descent], np.float32))


def energy(network, physics=PHYSICS, *, kmh=36.0, seconds=102.0, climbs=None):
    """(along, against) as (Wh of the empty vehicle, Wh per kg)."""
    found = physical_energy(
        network,
        physics,
        kmh=np.full(network.edges, kmh),
        time_ms=np.full(network.edges, round(seconds * 1000), dtype=np.int32),
        climbs=climbs,
    )
    order = np.argsort(~network.edge_forward)
    return list(zip(found.empty_wh[order].tolist(), found.wh_per_kg[order].tolist(), strict=True))


def test_kilometre_with_a_climb_and_a_signal_by_hand(street):
    # At 10 m/s; joules per kg: rolling 0.01 * 9.81 * 1000 / 0.8 = 122.625, climb 9.81 * 10 / 0.8 = 122.625, half a stop
    # 0.5 * 10^2 / 2 * (1 / 0.8 - 0.5) = 18.75; together 264. Air: 1.2041 * 2 / 2 * 10^2 * 1000 / 0.8 = 150,512.5 J.
    # Auxiliaries: 300 W * 102 s = 30,600 J. Empty: 264,000 + 150,512.5 + 30,600 = 445,112.5 J.
    along, against = energy(street, climbs=hill(10.0))
    assert along == pytest.approx((445_112.5 / 3600, 264 / 3600))
    # 500 kg more take 132,000 J.
    assert along[0] + 500 * along[1] == pytest.approx(577_112.5 / 3600)
    # Down again, no signal: 122.625 - 0.5 * 98.1 = 73.575 J per kg.
    assert against == pytest.approx(((73_575 + 150_512.5 + 30_600) / 3600, 73.575 / 3600))


def test_flat_kilometre_by_hand(street):
    (_, (empty, per_kg)) = energy(street)
    assert (empty, per_kg) == pytest.approx(((122_625 + 150_512.5 + 30_600) / 3600, 122.625 / 3600))


def test_turn_takes_the_auxiliaries_alone(street):
    turn = replace(street, segment_length_m=np.zeros(1))
    assert energy(turn, seconds=12.0) == [(1.0, 0.0), (1.0, 0.0)]  # 300 W for 12 s


def test_flat_model_is_distance_and_ton_kilometres(street):
    found = flat_energy(street, Battery(usable_kwh=9.0, kwh_per_km=0.2, kwh_per_ton_km=0.1))
    assert found.empty_wh.tolist() == [200.0, 200.0]
    assert (found.wh_per_kg * 500).tolist() == pytest.approx([50.0, 50.0])  # 0.5 t for 1 km


vehicles = st.builds(
    Physics,
    curb_kg=st.floats(50, 10_000),
    drag_area_m2=st.floats(0, 10),
    rolling_resistance=st.floats(0, 0.1),
    drivetrain_efficiency=st.floats(0.1, 1),
    regeneration=st.floats(0, 1),
    auxiliary_w=st.floats(0, 5_000),
)
metres = st.floats(0, 300, width=32)


@given(vehicles, metres, metres, st.floats(1, 120), st.floats(0, 5000))
def test_load_counts_as_mass(street, physics, up, down, kmh, load):
    heavier = physics.model_copy(update={"curb_kg": physics.curb_kg + load})
    for (empty, per_kg), (loaded, same) in zip(
        energy(street, physics, kmh=kmh, climbs=hill(up, down)),
        energy(street, heavier, kmh=kmh, climbs=hill(up, down)),
        strict=True,
    ):
        assert per_kg == same
        assert loaded == pytest.approx(empty + per_kg * load, rel=1e-9, abs=1e-9)


@given(vehicles, metres, st.floats(1, 120))
def test_load_never_saves_where_nothing_descends(street, physics, up, kmh):
    assert energy(street, physics, kmh=kmh, climbs=hill(up))[0][1] >= 0


@given(vehicles, metres, metres, st.floats(1, 120))
def test_without_regeneration_no_edge_gives_back(street, physics, up, down, kmh):
    wasteful = physics.model_copy(update={"regeneration": 0.0})
    for empty, per_kg in energy(street, wasteful, kmh=kmh, climbs=hill(up, down)):
        assert empty >= 0 <= per_kg


@given(vehicles, st.floats(1, 300, width=32), st.floats(1, 120))
def test_up_and_down_again_takes_more_than_level_ground(street, physics, up, kmh):
    level = energy(street, physics, kmh=kmh)
    hilly = energy(street, physics, kmh=kmh, climbs=hill(up))
    gained = GRAVITY * up * (1 / physics.drivetrain_efficiency - physics.regeneration) / 3600
    assert sum(part[1] for part in hilly) - sum(part[1] for part in level) == pytest.approx(gained, abs=1e-6)
    assert sum(part[0] for part in hilly) >= sum(part[0] for part in level) - 1e-3


@given(vehicles, metres, st.floats(1, 120))
def test_descent_takes_no_less_than_the_forces_leave(street, physics, down, kmh):
    # Against the street there is no signal. The truth: what the slope leaves of rolling and air is paid for at the
    # efficiency, what is over comes back at the regeneration.
    resisting = physics.rolling_resistance * physics.curb_kg * GRAVITY * 1000
    resisting += AIR_KG_M3 * physics.drag_area_m2 / 2 * (kmh / 3.6) ** 2 * 1000
    work = resisting - physics.curb_kg * GRAVITY * down
    truth = work / physics.drivetrain_efficiency if work > 0 else work * physics.regeneration
    found = energy(street, physics, kmh=kmh, climbs=hill(down))[1][0]
    assert found >= (truth + physics.auxiliary_w * 102) / 3600 - 1e-3


PLACES = [(0, 0.3), (0.6, 2), (2.4, 3), (3, 0), (1.2, 1), (1.7, 3), (0, 0.9)]


@pytest.fixture
def hilly(write_map):
    """A grid of streets on steep ground, as Roads, with the profile of a vehicle that regenerates."""

    def make(speeds=grid.QUIET):
        network = grid.streets(write_map, 4, 4)
        random = np.random.default_rng(5)
        climbs = Climbs(
            ascent_m=random.uniform(0, 20, network.segments).astype(np.float32),
            descent_m=random.uniform(0, 20, network.segments).astype(np.float32),
        )
        battery = Battery(usable_kwh=40.0, kwh_per_km=9.0, physics=PHYSICS.model_copy(update={"regeneration": 0.9}))
        roads = grid.roads(network, grid.scenario(speeds=speeds), climbs=climbs)
        return roads, grid.profile(battery=battery, payload_kg=800.0)

    return make


def test_tables_are_the_sums_along_the_paths(hilly):
    roads, profile = hilly()
    over = roads.periods[:1]
    points = grid.points(roads.network, PLACES)
    found = roads.matrices(points, profile=profile, over=over)
    edge = roads.energy(profile, over)
    assert (found.energy_wh.dtype, found.energy_wh_per_kg.dtype) == (np.float32, np.float32)
    assert (edge.empty_wh < 0).any()
    for i in range(len(PLACES)):
        for j in range(len(PLACES)):
            edges = roads.path(points, i, j, profile=profile, over=over)
            shares = np.ones(len(edges))
            if len(edges):
                for end, place in ((0, i), (-1, j)):
                    fraction = points.fraction[place]
                    along = fraction if edges[end] == points.forward[place] else 1 - fraction
                    shares[end] -= along if end == 0 else 1 - along
            # Rounded up to 0.01 Wh per edge, and to the nearest where a part of an edge is driven.
            slack = 0.01 * len(edges) + 0.02
            exact = float((edge.empty_wh[edges] * shares).sum())
            assert exact - 0.02 <= found.energy_wh[i, j] <= exact + slack
            per_kg = float((edge.wh_per_kg[edges] * shares).sum())
            assert found.energy_wh_per_kg[i, j] == pytest.approx(per_kg, abs=2 * slack / 800)


def test_what_a_kilogram_takes_does_not_hang_on_the_payload(hilly):
    roads, profile = hilly()
    points = grid.points(roads.network, PLACES)
    one, *others = (
        roads.matrices(
            points,
            profile=replace(profile, vehicle=profile.vehicle.model_copy(update={"payload_kg": payload})),
            over=roads.periods[:1],
        ).energy_wh_per_kg
        for payload in (2_000.0, None, 1e12)
    )
    for other in others:
        np.testing.assert_allclose(other, one, atol=3e-4)


def test_flat_tables_have_ton_kilometres_per_kilogram(write_map):
    network = grid.streets(write_map, 3, 3)
    roads = grid.roads(network, grid.scenario())
    points = grid.points(network, [(0, 0), (2, 1), (1, 2)])
    battery = Battery(usable_kwh=40.0, kwh_per_km=0.2, kwh_per_ton_km=0.5)
    for values, per_m, per_kg_m in (
        ({"battery": battery}, 0.2, 0.5e-3),
        ({}, 0.2, 0.0),
        ({"kind": "truck_light", "energy": "diesel", "battery": None}, 0.0, 0.0),
    ):
        found = roads.matrices(points, profile=grid.profile(**values), over=roads.periods[:1])
        np.testing.assert_allclose(found.energy_wh, found.distance_m * per_m, atol=0.05)
        np.testing.assert_allclose(found.energy_wh_per_kg, found.distance_m * per_kg_m, rtol=1e-6)
        assert found.energy_wh_per_kg.shape == (3, 3)


def test_several_periods_take_what_is_enough_in_each(hilly):
    # At night fast air, at the peak long auxiliaries: neither alone is enough for both.
    roads, profile = hilly(Speeds(kmh={"residential": (18.0, 4.0, 90.0)}))
    weak = {p.regime: roads.energy(profile, (p,)).empty_wh for p in roads.periods}
    both = roads.energy(profile, roads.periods)
    np.testing.assert_array_equal(both.empty_wh, np.max(list(weak.values()), axis=0))
    assert (weak["night"] > weak["free"]).all()
    assert (weak["peak"] != weak["free"]).all()
    with pytest.raises(ValueError, match="at least one period"):
        roads.energy(profile, ())


def test_live_time_lengthens_the_auxiliaries_and_is_mended_in(hilly):
    roads, profile = hilly()
    over = roads.periods[:1]
    points = grid.points(roads.network, PLACES)
    roads.matrices(points, profile=profile, over=over)  # a metric that has to be mended
    edges = np.flatnonzero(roads.network.permitted("e_van"))[:4].astype(np.int32)
    jam = roads.altered(edges, np.full(4, 600_000, np.int32))
    more = jam.energy(profile, over).empty_wh - roads.energy(profile, over).empty_wh
    seconds = 600 - roads.weights(profile, over)[edges] / 1000
    assert more[edges] == pytest.approx(300 * seconds / 3600)
    assert math.isclose(more.sum(), more[edges].sum())
    fresh, _ = hilly()
    fresh = fresh.altered(edges, np.full(4, 600_000, np.int32))
    for name in ("energy_wh", "energy_wh_per_kg"):
        np.testing.assert_array_equal(
            getattr(jam.matrices(points, profile=profile, over=over), name),
            getattr(fresh.matrices(points, profile=profile, over=over), name),
        )
    # Faster than the table says: 90 km/h where 18 are usual, so the air resists 25 times as much.
    quick = roads.altered(edges, np.rint(roads.network.edge_length_m[edges] * 40).astype(np.int32))
    assert (quick.energy(profile, over).empty_wh[edges] > roads.energy(profile, over).empty_wh[edges]).all()
