"""Charging along a fixed order of stops: by hand, the core against the slow twin, and laws."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile._core import Charging, ChargingSteps
from lastmile.solvers.problem import TIME_MAX, UNREACHABLE, Battery, RoutingProfile, RoutingVehicle, routing_problem
from lastmile.solvers.referee.charging import drive_electric

DAY = 100_000
ALWAYS = (0, TIME_MAX - 1)


class Town:
    """Locations 0..n-1: the depot, then the stops, then the chargers. Battery of 100 Wh, 1 Wh/m, 2 s/Wh."""

    def __init__(
        self, seconds, metres=None, *, chargers=0, windows=None, service=None, energy=None, delivery=None, pickup=None,
        fen_per_km=1000, fen_per_hour=0, **battery,
    ):  # fmt: skip
        seconds = np.array(seconds, dtype=np.int32)
        metres = seconds if metres is None else np.array(metres, dtype=np.int32)
        count = len(seconds) - 1 - chargers
        windows = [[ALWAYS]] * count if windows is None else windows
        self.due = DAY
        self.ready = 0
        self.stops = count
        self.vehicle = RoutingVehicle(
            count=1, start=0, end=0, profile=0, capacity=np.array([1000]), shift_s=(0, DAY), fen_per_km=fen_per_km,
            fen_per_hour=fen_per_hour,
            battery=Battery(**{"capacity_wh": 100.0, "wh_per_m": 1.0, "seconds_per_wh": 2.0} | battery),
        )  # fmt: skip
        self.problem = routing_problem(
            profiles=[
                RoutingProfile(
                    duration_s=seconds,
                    distance_m=metres,
                    energy_wh=None if energy is None else np.array(energy, dtype=np.int32),
                )
            ],
            vehicles=[self.vehicle],
            location=np.arange(1, count + 1),
            service_s=service,
            window_s=[window for option in windows for window in option],
            window_option=[index for index, option in enumerate(windows) for _ in option],
            delivery=delivery,
            pickup=pickup,
            chargers=np.arange(count + 1, len(seconds)),
        )

    def core(self, **limits):
        profile, battery = self.problem.profiles[0], self.vehicle.battery
        return Charging(
            profile.duration_s, profile.distance_m, profile.energy_wh,
            places=np.arange(self.stops + 1, dtype=np.int32), chargers=self.problem.chargers,
            capacity_wh=battery.capacity_wh, reserve_wh=battery.reserve_wh, wh_per_m=battery.wh_per_m,
            wh_per_m_load=battery.wh_per_m_load, seconds_per_wh=battery.seconds_per_wh, full_only=battery.full_only,
            fen_per_m=self.vehicle.fen_per_km / 1000, fen_per_s=self.vehicle.fen_per_hour / 3600, max_load=1000.0,
            **limits,
        )  # fmt: skip

    def steps(self, trip, *, closed=True):
        """The stops of a trip in this order and, where it is closed, the depot."""
        windows = [self.problem.window_s[self.problem.window_option == option] for option in trip]
        service = [*self.problem.service_s[list(trip)].tolist()]
        aboard = [float(self.problem.delivery[list(trip), 0].sum())]
        for option in trip:
            aboard.append(aboard[-1] + float(self.problem.pickup[option, 0] - self.problem.delivery[option, 0]))
        place = [option + 1 for option in trip]
        if closed:
            windows.append(np.array([ALWAYS]))
            service.append(0)
            place.append(0)
        return ChargingSteps(
            place=np.array(place, dtype=np.int32),
            window_offset=np.cumsum([0, *map(len, windows)]),
            window_s=np.concatenate(windows).astype(np.int32),
            service_s=np.array(service, dtype=float),
            load=np.array(aboard[: len(place)]),
        )

    def all(self):
        return tuple(range(self.stops))

    def slowly(self, *, closed=True):
        return drive_electric(
            self.problem, self.vehicle, self.all(), origin=0, target=0 if closed else None, ready_s=self.ready,
            due_s=self.due,
        )  # fmt: skip

    def quickly(self, *, closed=True, **limits):
        """What the search sees: metres, return, departure."""
        return self.core(**limits).drive(0, self.steps(self.all(), closed=closed), self.ready, self.due)

    def exactly(self, *, closed=True):
        return self.core().exact(0, self.steps(self.all(), closed=closed), self.ready, self.due)

    def schedule(self, *, closed=True):
        return self.core().schedule(0, self.steps(self.all(), closed=closed), self.ready, self.due)

    def cost(self, metres, back):
        return metres * self.vehicle.fen_per_km / 1000 + back * self.vehicle.fen_per_hour / 3600

    def agreed(self, *, closed=True):
        """The drive that core and twin agree on: (metres, return, departure, visits of the core)."""
        slow, fast = self.slowly(closed=closed), self.schedule(closed=closed)
        assert (slow is None) == (fast is None)
        if slow is None:
            return None
        metres, back, leave, halts = fast
        same = pytest.approx
        assert self.cost(metres, back) == same(self.cost(slow.distance_m, slow.return_s), abs=1e-5)
        assert (back, leave) == (same(slow.return_s, abs=1e-5), same(slow.depart_s, abs=1e-5))
        assert metres == slow.distance_m
        drive = self.exactly(closed=closed)
        assert self.cost(*drive[:2]) == same(self.cost(metres, back), abs=1e-5)
        assert drive[1] == same(back, abs=1e-5)
        assert drive[2] <= leave + 1e-5
        self.obeys(halts, leave, back, metres, closed=closed)
        own = [
            (visit.index, -1, visit.arrive_s, visit.begin_s, visit.depart_s)
            if visit.kind == "order"
            else (-1, visit.index, visit.arrive_s, visit.begin_s, visit.depart_s)
            for visit in slow.visits
        ]
        if closed:
            own.append((self.stops, -1, slow.return_s, slow.return_s, slow.return_s))
        self.obeys(own, slow.depart_s, slow.return_s, slow.distance_m, closed=closed)
        return metres, back, leave, halts

    def obeys(self, halts, leave, back, metres, *, closed):
        """Drive a schedule with a battery that charges whenever the van stands at a charger."""
        profile, battery = self.problem.profiles[0], self.vehicle.battery
        load = float(self.problem.delivery[:, 0].sum())
        here, time, charge, driven = 0, leave, battery.capacity_wh, 0
        assert leave >= self.ready - 1e-5
        assert [halt[0] for halt in halts if halt[0] >= 0] == list(range(self.stops + closed))
        for step, charger, arrive, begin, depart in halts:
            there = (step + 1) % (self.stops + 1) if step >= 0 else int(self.problem.chargers[charger])
            assert profile.duration_s[here, there] != UNREACHABLE
            assert arrive == pytest.approx(time + profile.duration_s[here, there], abs=1e-5)
            way = int(profile.distance_m[here, there])
            base = way * battery.wh_per_m if profile.energy_wh is None else int(profile.energy_wh[here, there])
            charge -= base + battery.wh_per_m_load * load * way
            assert charge >= battery.reserve_wh - 1e-5
            assert arrive - 1e-5 <= begin <= depart + 1e-5
            if charger >= 0:
                gained = (depart - begin) / battery.seconds_per_wh if battery.seconds_per_wh else math.inf
                if battery.full_only:
                    assert charge + gained >= battery.capacity_wh - 1e-5
                charge = min(battery.capacity_wh, charge + gained)
            elif step < self.stops:
                assert depart == pytest.approx(begin + self.problem.service_s[step], abs=1e-5)
                windows = self.problem.window_s[self.problem.window_option == step]
                assert any(opens - 1e-5 <= begin <= closes + 1e-5 for opens, closes in windows.tolist())
                load += float(self.problem.pickup[step, 0] - self.problem.delivery[step, 0])
            here, time, driven = there, depart, driven + way
        assert time == pytest.approx(back, abs=1e-5)
        assert back <= self.due + 1e-5
        assert driven == metres


def line(*metres):
    """Places along a street; a metre takes a second."""
    at = np.array(metres)
    return np.abs(at[:, None] - at[None])


def charges(halts):
    return [(charger, begin, depart) for step, charger, _, begin, depart in halts if step < 0]


def test_no_charger_is_visited_where_the_battery_lasts():
    # There and back is 2 * 50 m = 100 Wh, all that the battery has.
    metres, back, leave, halts = Town(line(0, 50, 20), chargers=1).agreed()
    assert (metres, back, leave, charges(halts)) == (100, 100, 0, [])


def test_just_enough_is_charged():
    # 2 * 60 m need 120 Wh, 20 more than there are: 40 s at the charger at 20 m, on the way back (or on the way out).
    metres, back, leave, halts = Town(line(0, 60, 20), chargers=1).agreed()
    assert (metres, back, leave) == (120, 160, 0)
    assert sum(end - begin for _, begin, end in charges(halts)) == pytest.approx(40)


def test_what_is_charged_before_a_window_opens_costs_no_time():
    # The stop at 60 m is served at 100, 40 s after the van could be there: as long as the 20 Wh take that it lacks.
    # Charged on the way back they would make it 100 + 60 + 40.
    town = Town(line(0, 60, 20), chargers=1, windows=[[(100, 100)]])
    metres, back, leave, halts = town.agreed()
    assert (metres, back, leave) == (120, 160, 0)
    assert charges(halts) == [(0, pytest.approx(20), pytest.approx(60))]


def test_waiting_at_a_stop_does_not_charge():
    # The stop at 60 m opens at 500; the charger at 80 m can only be reached from it. However early the van is there, 20
    # of 100 Wh are left at the charger, and home is 80 m away: 60 Wh for 120 s.
    table = line(0, 60, 80)
    table[0, 2] = UNREACHABLE
    metres, back, leave, halts = Town(table, chargers=1, windows=[[(500, 600)]]).agreed()
    assert (metres, back, leave) == (160, 500 + 20 + 120 + 80, 440)
    assert charges(halts) == [(0, pytest.approx(520), pytest.approx(640))]


def test_a_due_date_limits_what_is_charged_before():
    # 120 Wh are needed, 20 more than there are: 40 s of charging at 20 m, of which 10 fit before the stop closes at 70.
    town = Town(line(0, 60, 20), chargers=1, windows=[[(0, 70)]])
    _, back, _, halts = town.agreed()
    assert back == 160
    before = [end - begin for _, begin, end in charges(halts) if begin < 70]
    assert sum(before) <= 10 + 1e-6
    # With a charger that can be reached only on the way out, those 10 s are all: infeasible.
    out = line(0, 60, 20)
    out[1, 2] = UNREACHABLE
    assert Town(out, chargers=1, windows=[[(0, 70)]]).agreed() is None
    assert Town(out, chargers=1, windows=[[(0, 100)]]).agreed()[1] == 160


def test_full_only_charges_to_the_brim():
    # On the way out 80 Wh are left at the charger: full after 40 s, and 100 m remain.
    partial = Town(line(0, 60, 20), chargers=1).agreed()
    full = Town(line(0, 60, 20), chargers=1, full_only=True).agreed()
    assert partial[1] == full[1] == 160
    assert charges(full[3]) == [(0, pytest.approx(20), pytest.approx(60))]
    # Reachable only on the way back, where the battery is empty: 20 Wh do for 40 s, all of it takes 200.
    back_only = line(0, 60, 20)
    back_only[0, 2] = UNREACHABLE
    assert Town(back_only, chargers=1).agreed()[1] == 160
    assert Town(back_only, chargers=1, full_only=True).agreed()[1] == 120 + 200


def test_the_reserve_is_never_touched():
    # 100 m on 100 Wh with 10 in reserve: 10 Wh more, 20 s.
    assert Town(line(0, 50, 20), chargers=1, reserve_wh=10.0).agreed()[1] == 120


def test_a_battery_too_small_to_leave():
    assert Town(line(0, 60, 20), chargers=1, capacity_wh=19.0).agreed() is None
    assert Town(line(0, 60, 20), chargers=1, capacity_wh=10.0, reserve_wh=10.0).agreed() is None
    assert Town(line(0, 0, 20), chargers=1, capacity_wh=10.0, reserve_wh=10.0).agreed()[0] == 0


def test_a_charger_is_a_waypoint_with_a_full_battery():
    # 50 m directly, 10 + 10 past the charger, out and back. Nothing is charged.
    table = [[0, 50, 10], [50, 0, 10], [10, 10, 0]]
    metres, back, leave, halts = Town(table, chargers=1).agreed()
    assert (metres, back, leave) == (40, 40, 0)
    assert [charger for charger, begin, end in charges(halts) if end > begin + 1e-9] == []
    assert len(charges(halts)) == 2


def test_two_chargers_in_a_row():
    # The stop at 220 m, chargers at 90 and 180 m, each hop within 100 Wh: 440 m need 340 Wh more than there are.
    metres, back, _, halts = Town(line(0, 220, 90, 180), chargers=2).agreed()
    assert [charger for charger, _, _ in charges(halts)] == [0, 1, 1, 0]
    assert (metres, back) == (440, 440 + 2 * 340)


def test_a_load_costs_energy_as_far_as_it_is_carried():
    # 50 m out with 10 aboard at 0.1 Wh/m and unit: 50 * (1 + 1) = 100 Wh, 50 more without it: 150 on 100.
    town = Town(line(0, 50, 20), chargers=1, delivery=[10], wh_per_m_load=0.1)
    assert town.agreed()[1] == 100 + 2 * 50
    # Picked up instead: 50 out, 100 back.
    assert Town(line(0, 50, 20), chargers=1, pickup=[10], wh_per_m_load=0.1).agreed()[1] == 100 + 2 * 50
    # With the charger at 60 m: 8 aboard leave 100 - 50 * 1.8 = 10 Wh at the stop, just enough to get there; 9 do not.
    assert Town(line(0, 50, 60), chargers=1, delivery=[8], wh_per_m_load=0.1).agreed()[0] == 120
    assert Town(line(0, 50, 60), chargers=1, delivery=[9], wh_per_m_load=0.1).agreed() is None


def test_a_later_window_leaves_time_to_charge():
    # The charger lies on the way out only. By 70 only 10 of the 40 s fit, so the second window is taken, at 100.
    out = line(0, 60, 20)
    out[1, 2] = UNREACHABLE
    town = Town(out, chargers=1, windows=[[(0, 70), (90, 200)]])
    assert town.agreed()[:3] == (120, 160, 0)
    late = Town(out, chargers=1, windows=[[(0, 70), (300, 400)]])
    # Served at 300; it leaves 60 s of driving and 40 of charging before.
    assert late.agreed()[1:3] == (360, 200)


def test_the_latest_departure_takes_a_later_window_that_costs_nothing():
    # Both windows of the first stop, 10 m away, are in time for the second, which opens at 500: it may begin at 400.
    town = Town(line(0, 10, 20), windows=[[(0, 20), (300, 400)], [(500, 500)]])
    assert town.agreed()[1:3] == (520, 400 - 10)


def test_time_has_its_price():
    # Home from the stop: 60 m in 60 s, or 20 + 20 m past the charger in 200 s. Out: 30 m in 30 s.
    seconds = [[0, 30, 100], [60, 0, 100], [100, 100, 0]]
    metres = [[0, 30, 20], [60, 0, 20], [20, 20, 0]]
    # A fen a metre: 30 + 40 m are the least.
    assert Town(seconds, metres, chargers=1, fen_per_hour=0).agreed()[:2] == (70, 230)
    # A fen a second on top: 20 m less are not worth 140 s more.
    assert Town(seconds, metres, chargers=1, fen_per_hour=3600).agreed()[:2] == (90, 90)


def test_an_insertion_sees_what_waiting_with_a_full_battery_is_worth():
    # Stops at 10, 10 and 90 m, the last opens at 1,000; the charger at 60 m. Filled on the way out, during the wait,
    # the battery has 70 Wh at the last stop; home is 90 m: 20 Wh more, 40 s. 1,000 + 90 + 40.
    town = Town(line(0, 10, 10, 90, 60), chargers=1, windows=[[ALWAYS], [ALWAYS], [(1000, 2000)]], fen_per_hour=3600)
    assert town.agreed()[:2] == (180, 1130)
    found = town.core().insertions(0, town.steps((1, 2)), town.steps((0,), closed=False), 0, DAY)
    assert found[0][:2] == found[1][:2] == (180, 1130)


def test_an_open_trip_ends_with_its_last_service():
    # 90 m on 100 Wh; the second stop, 30 m on, needs 20 Wh more: 40 s at the charger on the way. Service 7 s each.
    town = Town(line(0, 90, 120, 20), chargers=1, service=[7, 7])
    assert town.agreed(closed=False)[:2] == (120, 120 + 14 + 40)
    town.due = 173
    assert town.agreed(closed=False) is None


def test_charging_in_no_time():
    # 120 m on 100 Wh.
    assert Town(line(0, 60, 20), chargers=1, seconds_per_wh=0.0).agreed()[1] == 120
    assert Town(line(0, 60, 20), chargers=1, seconds_per_wh=0.0, full_only=True).agreed()[1] == 120


def test_a_vehicle_without_a_battery_is_refused():
    town = Town(line(0, 60))
    with pytest.raises(ValueError, match="no battery"):
        drive_electric(
            town.problem, replace(town.vehicle, battery=None), (0,), origin=0, target=0, ready_s=0, due_s=DAY
        )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"reserve_wh": 200.0}, "reserve"),
        ({"capacity_wh": math.nan}, "capacity"),
        ({"fen_per_m": -1.0}, "cost per metre"),
        ({"places": np.array([3], dtype=np.int32)}, "place: location 3"),
        ({"chargers": np.array([-1], dtype=np.int32)}, "charger: location -1"),
        ({"labels": 4}, "five labels"),
        ({"duration_s": np.array([[0, -1], [1, 0]], dtype=np.int32)}, "negative"),
        ({"distance_m": np.zeros((3, 3), dtype=np.int32)}, "one size"),
        ({"energy_wh": np.zeros(4, dtype=np.int32)}, "one size"),
    ],
)
def test_impossible_numbers_are_refused(change, fault):
    table = np.ones((2, 2), dtype=np.int32)
    given_ = {
        "duration_s": table, "distance_m": table, "energy_wh": None, "places": np.array([0], dtype=np.int32),
        "chargers": np.array([1], dtype=np.int32), "capacity_wh": 1.0, "reserve_wh": 0.0, "wh_per_m": 1.0,
        "wh_per_m_load": 0.0, "seconds_per_wh": 1.0, "full_only": False, "fen_per_m": 1.0, "fen_per_s": 0.0,
        "max_load": 0.0,
    } | change  # fmt: skip
    if "duration_s" in change:
        given_["distance_m"] = np.ones((2, 2), dtype=np.int32)
    with pytest.raises(ValueError, match=fault):
        Charging(**given_)


def test_steps_of_another_size_are_refused():
    town = Town(line(0, 60))
    other = Town(line(0, 60, 70)).steps((1,))
    with pytest.raises(ValueError, match="place 2"):
        town.core().drive(0, other, 0, DAY)
    with pytest.raises(ValueError, match="place 5"):
        town.core().drive(5, town.steps((0,)), 0, DAY)
    with pytest.raises(ValueError, match="offsets"):
        ChargingSteps(
            place=np.zeros(2, dtype=np.int32), window_offset=np.array([0, 5, 1]),
            window_s=np.zeros((1, 2), dtype=np.int32), service_s=np.zeros(2), load=np.zeros(2),
        )  # fmt: skip


def of_jd(path):
    """Metres, seconds, windows, service, chargers and battery of an instance of JD Logistics."""
    text = path.read_text()
    head = {key.strip(): value.strip() for key, _, value in (row.partition(":") for row in text.splitlines()[:10])}
    nodes, arcs = text.split("NODE_SECTION")[1].split("DISTANCETIME_SECTION")
    rows = [row.split(",") for row in nodes.split()[1:]]
    table = np.array([row.split(",") for row in arcs.split("DEPOT_SECTION")[0].split()[1:]], dtype=float)
    ends, count = table[:, 1:3].astype(int), len(rows)
    metres, seconds = np.zeros((2, count, count), dtype=np.int32)
    metres[ends[:, 0], ends[:, 1]] = table[:, 3]
    seconds[ends[:, 0], ends[:, 1]] = table[:, 4] * 60
    times = np.array([row[6:9] for row in rows], dtype=float) * 60
    battery = {
        "capacity_wh": 1000 * float(head["ELECTRIC_POWER"]),
        "wh_per_m": 1000 * float(head["CONSUMPTION_RATE"]),
        "seconds_per_wh": 60 * float(head["RECHARGING_RATE"]) / 1000,
    }
    return metres, seconds, times, np.array([row[1] for row in rows]), battery


def of_schneider(path):
    """The same of an instance of Schneider, Stenger and Goeke, in thousandths of its units."""
    rows = [row.split() for row in path.read_text().splitlines()[1:]]
    nodes = [row for row in rows if len(row) == 8]
    value = {row[0]: float(row[-1].strip("/")) for row in rows if row and row[-1].endswith("/")}
    at = np.array([row[2:4] for row in nodes], dtype=float)
    metres = np.rint(1000 * np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))).astype(np.int32)
    times = 1000 * np.array([row[5:8] for row in nodes], dtype=float)
    battery = {"capacity_wh": 1000 * value["Q"], "wh_per_m": value["r"], "seconds_per_wh": value["g"]}
    return metres, metres, times, np.array([row[1] for row in nodes]), battery


@pytest.mark.parametrize("name", ["evrptwspd-jd/jd200_1", "evrptwspd-jd/jd200_2", "evrptw/c101_21", "evrptw/r202_21"])
def test_every_customer_of_the_public_instances_can_be_reached_by_a_trip_of_its_own(name, data_folder):
    path = data_folder / "benchmarks" / f"{name}.txt"
    metres, seconds, times, kind, battery = (of_jd if "jd" in name else of_schneider)(path)
    order = np.concatenate([np.flatnonzero(kind == wanted) for wanted in "dcf"])
    times = times[order].astype(int)
    customers = int((kind == "c").sum())
    town = Town(
        seconds[np.ix_(order, order)], metres[np.ix_(order, order)], chargers=int((kind == "f").sum()),
        windows=[[window] for window in times[1 : customers + 1, :2].tolist()], service=times[1 : customers + 1, 2],
        **battery,
    )  # fmt: skip
    due = int(times[0, 1])
    core = town.core()
    for customer in range(customers):
        steps = town.steps((customer,))
        driven, back, leave = core.drive(0, steps, 0, due)
        metres_exactly = core.exact(0, steps, 0, due)[0]
        least = core.least(0, customer + 1)[0] + core.least(customer + 1, 0)[0]
        assert least <= metres_exactly <= driven
        assert 0 <= leave < back <= due
        if customer % 20 == 0:
            assert core.schedule(0, steps, 0, due)[0] == metres_exactly


def random_town(seed, most_chargers):
    """A town of few places whose tables break the triangle inequality, where charging and windows matter."""
    rng = np.random.default_rng(seed)
    chargers = int(rng.integers(0, most_chargers + 1)) if rng.random() < 0.2 else most_chargers
    stops = int(rng.integers(2, 4 if chargers == 3 else 5))
    size = 1 + stops + chargers

    def table(low, high):
        return np.where(np.eye(size, dtype=bool), 0, rng.integers(low, high, (size, size)))

    metres = table(5, 60)
    seconds = table(5, 60) if rng.random() < 0.5 else np.where(np.eye(size, dtype=bool), 0, metres // 2 + table(0, 9))
    seconds = np.where(table(0, 100) >= 96, UNREACHABLE, seconds)
    windows = []
    for stop in range(stops):
        opens = int(max(0, rng.integers(-60, 120) + stop * rng.integers(20, 90)))
        closes = opens + int(rng.integers(0, 120))
        later = closes + int(rng.integers(1, 60))
        split = [(opens, closes), (later, later + int(rng.integers(0, 90)))]
        windows.append(split if rng.random() < 0.3 else [(opens, closes)] if rng.random() < 0.8 else [ALWAYS])
    town = Town(
        seconds, metres, chargers=chargers, windows=windows, service=rng.integers(0, 20, stops),
        energy=table(5, 60) if rng.random() < 0.3 else None,
        delivery=rng.integers(0, 9, stops), pickup=rng.integers(0, 9, stops),
        fen_per_km=int(rng.choice([0, 1000, 300])), fen_per_hour=int(rng.choice([0, 0, 3600, 1000])),
        capacity_wh=float(rng.choice([60.0, 75.5, 90.0])), reserve_wh=float(rng.choice([0.0, 5.0])),
        wh_per_m=float(rng.choice([1.0, 0.7])), wh_per_m_load=float(rng.choice([0.0, 0.0, 0.03])),
        seconds_per_wh=float(rng.choice([2.0, 0.5, 1.3, 0.5, 1.3, 0.0])), full_only=bool(rng.random() < 0.3),
    )  # fmt: skip
    town.due = int(rng.choice([DAY, 600, 300]))
    town.ready = int(rng.choice([0, 13]))
    return town


def towns(*, most_chargers=3):
    chargers = st.integers(min(most_chargers, 1), most_chargers)
    return st.builds(random_town, st.integers(0, 2**32 - 1), chargers)


@settings(max_examples=examples(50, 600))
@given(towns(), st.booleans())
def test_the_core_is_its_twin(town, closed):
    town.agreed(closed=closed)


def no_better(town, trip, exact):
    """Whether a trip costs no less than the exact one, and there is an exact one."""
    if trip is None:
        return True
    return exact is not None and town.cost(*trip[:2]) >= town.cost(*exact[:2]) - 1e-6


def leaves_so_late(town, trip, found):
    """Whether who is ready no sooner than the departure that was found can do as well."""
    metres, back, leave = found
    assert leave >= town.ready - 1e-6
    again = town.core().exact(0, town.steps(trip), leave - 1e-6, town.due)
    assert town.cost(*again[:2]) <= town.cost(metres, back) + 1e-5


@settings(max_examples=examples(100, 1000))
@given(towns(most_chargers=1))
def test_with_one_charger_the_search_sees_everything(town):
    exact, trip = town.exactly(), town.quickly(labels=10_000)
    assert (trip is None) == (exact is None)
    if trip is not None:
        assert town.cost(*trip[:2]) == pytest.approx(town.cost(*exact[:2]), abs=1e-6)
        assert trip[1] == pytest.approx(exact[1], abs=1e-6)


@settings(max_examples=examples(150, 1500))
@given(towns(), st.integers(0, 8), st.integers(5, 8))
def test_what_the_search_sees_can_be_driven(town, ways, labels):
    exact, trip = town.exactly(), town.quickly(ways=ways, labels=labels)
    assert no_better(town, trip, exact)
    if trip is not None:
        leaves_so_late(town, town.all(), trip)
    if exact is not None:
        round_trip = [*range(town.stops + 1), 0]
        least = [town.core().least(here, there) for here, there in pairwise(round_trip)]
        assert sum(metres for metres, _ in least) <= exact[0]
        assert sum(seconds for _, seconds in least) <= exact[1] - town.ready + 1e-6


@settings(max_examples=examples(150, 1500))
@given(towns(), st.data())
def test_an_insertion_is_the_trip_with_the_stop(town, data):
    # With room for all labels and ways, labels and needs joined give what labels alone do. Without energy for loads:
    # those aboard would be others on the whole trip.
    stop = data.draw(st.integers(0, town.stops - 1))
    rest = [option for option in town.all() if option != stop]
    town.vehicle = replace(town.vehicle, battery=replace(town.vehicle.battery, wh_per_m_load=0.0))
    core = town.core(ways=60, labels=10_000)
    found = core.insertions(0, town.steps(rest), town.steps((stop,), closed=False), town.ready, town.due)
    assert len(found) == len(rest) + 1
    for place, trip in enumerate(found):
        whole = core.drive(0, town.steps([*rest[:place], stop, *rest[place:]]), town.ready, town.due)
        assert (trip is None) == (whole is None)
        if trip is not None:
            assert town.cost(*trip[:2]) == pytest.approx(town.cost(*whole[:2]), abs=1e-6)
            leaves_so_late(town, [*rest[:place], stop, *rest[place:]], trip)
            limit = town.cost(*trip[:2])
            steps, one = town.steps(rest), town.steps((stop,), closed=False)
            assert core.insertions(0, steps, one, town.ready, town.due, limit - 1e-3)[place] is None
            assert core.insertions(0, steps, one, town.ready, town.due, limit + 1e-3)[place] == trip
            again = core.drive(0, town.steps([*rest[:place], stop, *rest[place:]]), town.ready, town.due, limit + 1e-3)
            assert again[:2] == whole[:2]


def worth(town):
    drive = town.exactly()
    return math.inf if drive is None else town.cost(*drive[:2])


@settings(max_examples=examples(100, 1000))
@given(towns(), st.sampled_from(["battery", "window", "charger", "faster"]), st.floats(0.1, 50.0))
def test_more_never_costs_more(town, change, amount):
    before = worth(town)
    battery = town.vehicle.battery
    if change == "battery":
        if battery.full_only:  # whose charges take longer then
            return
        town.vehicle = replace(town.vehicle, battery=replace(battery, capacity_wh=battery.capacity_wh + amount))
    elif change == "faster":
        town.vehicle = replace(town.vehicle, battery=replace(battery, seconds_per_wh=battery.seconds_per_wh / 2))
    elif change == "window":
        wider = town.problem.window_s.copy()
        wider[:1, 0] = 0
        wider[-1:, 1] += int(amount)
        wider = np.minimum(wider, TIME_MAX - 1)
        town.problem = replace(town.problem, window_s=wider)
    elif len(town.problem.chargers):
        fewer = replace(town.problem, chargers=town.problem.chargers[:-1])
        town.problem, more = fewer, town.problem
        without = worth(town)
        town.problem = more
        assert before <= without + 1e-6
        return
    assert worth(town) <= before + 1e-6
