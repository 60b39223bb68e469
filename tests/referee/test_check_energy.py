"""Energy by physics: worked out on paper for the town of ``conftest.py``, level and on a slope."""

from dataclasses import replace

import numpy as np
import pytest
from heights import write_raster

from lastmile.scenario import Physics

PHYSICS = Physics(curb_kg=1000.0, drag_area_m2=2.0, drivetrain_efficiency=0.8, regeneration=0.5, auxiliary_w=240.0)


def found(town):
    return [(violation.rule, violation.amount) for violation in town.check()]


@pytest.fixture
def physical(town):
    """The van goes by physics."""
    battery = town.scenario.file.vehicles[0].battery.model_copy(update={"physics": PHYSICS})
    return town.with_rule("vehicles", 0, battery=battery)


@pytest.fixture
def slope(physical, tmp_path):
    """20 m up from row A to row G, a kilometre further north."""
    west, south, _, north = physical.network.bounds
    step = (north - south) / 40
    top = north + 10 * step
    lat = top - (np.arange(60) + 0.5) * step
    cells = np.tile((100 + 20 * (lat - south) / (north - south))[:, None], (1, 90))
    path = write_raster(tmp_path / "h.tif", cells, west=west - 10 * step, north=top, step=step)
    file = physical.scenario.file
    file = file.model_copy(update={"map": file.map.model_copy(update={"elevation": str(path)})})
    return replace(physical, scenario=replace(physical.scenario, file=file))


def test_level_leg(physical):
    # 1,500 m in 300 s, 5 m/s. Rolling 1010 kg * 9.81 * 0.01 * 1500 / 0.8 = 185,777 J, air 1.2041 * 2 / 2 * 5^2 * 1500 /
    # 0.8 = 56,442 J, auxiliaries 240 * 300 = 72,000 J: 314,219 J = 87.3 Wh. What is more is no fault.
    assert found(physical) == []
    assert ("energy", "86 Wh for 87 Wh") in found(physical.with_leg(0, 0, energy_wh=86))
    assert not [rule for rule, _ in found(physical.with_leg(0, 0, energy_wh=87)) if rule == "energy"]


def test_leg_uphill_and_down_again(slope):
    # 20 m up: 1010 * 9.81 * 20 / 0.8 = 247,703 J more, 156.1 Wh. Back with 1,000 kg: 183,938 + 56,442 + 72,000 and
    # -0.5 * 1000 * 9.81 * 20 = -98,100 J for the descent, 59.5 Wh.
    for leg, enough in ((0, 156), (1, 59)):
        assert "energy" not in [rule for rule, _ in found(slope.with_leg(0, leg, energy_wh=enough))]
    assert ("energy", "155 Wh for 156 Wh") in found(slope.with_leg(0, 0, energy_wh=155))
    assert ("energy", "58 Wh for 60 Wh") in found(slope.with_leg(0, 1, energy_wh=58))


def test_signals_and_delays(physical):
    # A signal on every edge: half a stop each, 0.5 * 1010 * 5^2 / 2 * (1 / 0.8 - 0.5) = 4,734 J over 3 edges in all
    # (half of the first and of the last are driven), and 6 s of waiting, so that it takes 306 s: 1,440 J more.
    network = replace(physical.network, edge_signals=np.ones(physical.network.edges, dtype=np.uint8))
    lit = replace(physical, network=network).with_plan(
        manifest=replace(physical.plan.manifest, network_hash=network.hash)
    )
    # 314,219 + 3 * 4,734 + 1,440 = 329,861 J = 91.6 Wh.
    assert ("energy", "90 Wh for 92 Wh") in found(lit.with_leg(0, 0, energy_wh=90))
    assert "energy" not in [rule for rule, _ in found(lit.with_leg(0, 0, energy_wh=91))]


def test_leg_that_is_no_way_is_left_to_its_own_rule(physical, chain):
    broken = physical.with_leg(0, 0, edges=chain("BA") + chain("DG"), energy_wh=0)
    assert "energy" not in [rule for rule, _ in found(broken)]


def test_descent_with_a_full_battery_gives_nothing(physical):
    # 800 Wh: 300 Wh that come back at once are lost, and the 900 Wh after it are too many.
    spoilt = physical.with_leg(0, 0, energy_wh=-300).with_leg(0, 1, energy_wh=900)
    assert ("battery", "+100 Wh") in found(spoilt)
    spoilt = physical.with_leg(0, 0, energy_wh=790).with_leg(0, 1, energy_wh=10)
    assert "battery" not in [rule for rule, _ in found(spoilt)]
