"""Every measure by hand, on the little town of the referee's tests."""

from dataclasses import replace
from datetime import date
from itertools import combinations

import numpy as np
import pytest
import town

from lastmile.pipeline import walks_from_sites
from lastmile.plans import FleetEntry, Site
from lastmile.stages import bounds, siting
from lastmile.stages.siting import place_sites
from lastmile.stages.targets import evaluate


def site(name, row, column, facility="locker", **changes):
    lon, lat = town.corner(row, column)
    base = Site(id=f"{facility}:{name}", candidate_id=name, facility=facility, kind="locker", name=name,
                host="residential", district="河南镇", lon=lon, lat=lat, existing=False, modules=2, capacity_parcels=80,
                load_parcels=0, cost_fen=100_000)  # fmt: skip
    return replace(base, **changes)


def entry(name, energy="electric", **changes):
    base = FleetEntry(vehicle_type=name, vehicle_class="e_trike", energy=energy, new=True, marked=True, driven=1,
                      reserve=0, available=None, permits={}, price_fen=0)  # fmt: skip
    return replace(base, **changes)


SITES = (site("a", 3, 1), site("b", 3, 3, host="shop", modules=1), site("c", 6.5, 3, district="河北镇"))
FLEET = (
    entry("trike", reserve=2, permits={"marked": 2}),
    entry("truck", "diesel", new=False, driven=3, permits={"marked": 1}),
    entry("van", "petrol", marked=False),
)
# 6 parcels 20 m from a, 3 parcels 20 m from c, 1 parcel far from everything, all but the 3 in the south.
ORDERS = ("p,3,1.1,6", "q,6.5,3.1,3", "r,0,7,1")
COVER = 'facilities = ["locker"]\nreach_m = 100.0\nminimum = 0.8'
AREAS = 'facilities = ["locker"]\narea_kind = "community"\nreach_m = 150.0\nminimum = 0.5'


@pytest.mark.parametrize(
    ("measure", "text", "value", "met"),
    [
        ("count", 'facility = "locker"\nminimum = 3', 3, True),
        ("count", 'facility = "locker"\nof = "modules"\nminimum = 6', 5, False),
        ("count", 'facility = "locker"\nmaximum = 2', 3, False),
        ("count", 'facility = "locker"\nhost = ["shop"]\nminimum = 1', 1, True),
        ("count", 'facility = "locker"\ndistrict = "河北镇"\nminimum = 2', 1, False),
        ("coverage", COVER, 0.9, True),
        ("coverage", COVER + "\neach_district = true", 6 / 7, True),
        ("coverage", COVER + '\ndistricts = ["河北镇"]', 1.0, True),
        ("coverage", COVER.replace("locker", "station"), 0.0, False),
        # b stands 100 m from the places of no community; a and c neither: community 3 of (2.5, 1.5) is 141 m off.
        ("each_area", AREAS, 0.0, False),
        ("budget", 'category = "sites"\nmaximum_yuan = 3000.0', 3000, True),
        ("budget", 'category = "sites"\nmaximum_yuan = 2999.0', 3000, False),
        ("vehicles", "minimum = 7", 7, True),
        ("vehicles", "minimum = 5\nnew_only = true", 4, False),
        ("vehicles", "minimum = 6\nmarked_only = true", 6, True),
        ("new_energy_share", "minimum = 0.75", 0.75, True),
        ("new_energy_share", "minimum = 0.5\nnew_only = false", 3 / 7, False),
        ("permits", 'permit = "marked"\nminimum = 3', 3, True),
        ("permits", 'permit = "marked"\nmaximum = 2', 3, False),
    ],
)
def test_measure(make_city, row, measure, text, value, met):
    clause = f'[[targets]]\nmeasure = "{measure}"\nid = "t"\ntext = "words"\ncitation = "§ 1"\n{text}\n\n[[depots]]'
    rows = [row(*(cell if k == 0 else float(cell) for k, cell in enumerate(o.split(",")[:3])), o.split(",")[3], "door")
            for o in ORDERS]  # fmt: skip
    city = make_city({"[[depots]]": clause}, orders=rows)
    result = evaluate(city, SITES, walks_from_sites(city, SITES), FLEET, {}, {})[-1]
    assert result.value == pytest.approx(value)
    assert (result.met, result.measure, result.text, result.citation) == (met, measure, "words", "§ 1")
    assert met or result.note


@pytest.mark.parametrize(
    ("measure", "text", "fleet", "most"),
    [
        ("vehicles", "minimum = 1", (entry("a", available=3), entry("b", available=2)), 5),
        ("vehicles", "minimum = 1", (entry("a", available=3), entry("b")), None),
        ("new_energy_share", "minimum = 0.5\nnew_only = false", FLEET, 1),
        ("new_energy_share", "minimum = 0.5", (entry("truck", "diesel"), entry("trike", new=False)), 0),
        ("new_energy_share", "minimum = 0.5", (entry("trike", driven=0, available=0),), 0),
        # The quota is 1; two trucks are eligible.
        ("permits", 'permit = "marked"', (entry("truck", permits={"marked": 1}),), 1),
        ("permits", 'permit = "marked"\nmaximum = 0', (entry("truck"),), 0),
    ],
)
def test_no_fleet_reaches_more(make_city, measure, text, fleet, most):
    clause = f'[[targets]]\nmeasure = "{measure}"\nid = "t"\ntext = "words"\ncitation = "§ 1"\n{text}\n\n[[depots]]'
    city = make_city({"[[depots]]": clause})
    result = evaluate(city, (), walks_from_sites(city, ()), fleet, {}, {})[-1]
    assert result.most == most
    assert result.value <= (most if most is not None else np.inf)
    assert (result.possible == "") == (most is None)


@pytest.mark.parametrize(("quota", "trucks", "most"), [(9, 2, 2), (1, 2, 1)])
def test_permits_are_limited_by_the_quota_and_by_those_who_may_hold_them(make_city, quota, trucks, most):
    clause = '[[targets]]\nmeasure = "permits"\nid = "t"\ntext = "t"\npermit = "marked"\n\n[[depots]]'
    city = make_city({"[[depots]]": clause, "quota = 1": f"quota = {quota}", "count = 2": f"count = {trucks}"})
    result = evaluate(city, (), walks_from_sites(city, ()), (entry("truck"),), {}, {})[-1]
    assert result.most == most


def phased(measure, text):
    """Targets of 2018 and, in the same words, of 2020."""
    return "".join(
        f'[[targets]]\nmeasure = "{measure}"\nid = "{day.year}"\ntext = "t"\nby = {day}\n{text}\n\n'
        for day in (FIRST, LAST)
    )


FIRST, LAST = date(2018, 12, 31), date(2020, 12, 31)


@pytest.mark.parametrize(
    ("measure", "text", "values", "met"),
    [
        # a opens in the first phase, c in the last, b exists.
        ("count", 'facility = "locker"\nminimum = 3', (2, 3), (False, True)),
        ("count", 'facility = "locker"\nmaximum = 2', (2, 3), (True, False)),
        ("count", 'facility = "locker"\nof = "modules"\nminimum = 4', (3, 5), (False, True)),
        ("coverage", COVER, (0.6, 0.9), (False, True)),
        ("budget", 'category = "sites"\nmaximum_yuan = 1500.0', (1000, 2000), (True, False)),
    ],
)
def test_target_is_held_against_the_sites_of_its_date(make_city, row, measure, text, values, met):
    rows = [row(o.split(",")[0], *map(float, o.split(",")[1:3]), o.split(",")[3], "door") for o in ORDERS]
    city = make_city({"[[depots]]": phased(measure, text) + "[[depots]]"}, orders=rows)
    a, b, c = SITES
    sites = (replace(a, opens_by=FIRST), replace(b, existing=True, cost_fen=0), replace(c, opens_by=LAST))
    results = evaluate(city, sites, walks_from_sites(city, sites), FLEET, {}, {})
    found = [result for result in results if result.id in ("2018", "2020")]
    assert [result.value for result in found] == [pytest.approx(value) for value in values]
    assert tuple(result.met for result in found) == met
    assert [result.required.rsplit(" by ")[-1] for result in found] == ["2018-12-31", "2020-12-31"]
    # Those without a date are due with the last.
    assert next(result for result in results if result.id == "lockers").value == 5
    assert " by " not in next(result for result in results if result.id == "lockers").required


def test_areas_are_served_by_sites_inside_or_near(make_city):
    clause = f'[[targets]]\nmeasure = "each_area"\nid = "t"\ntext = "t"\n{AREAS}\nat_most_one = true\n\n[[depots]]'
    city = make_city({"[[depots]]": clause})
    at_place = [site(f"s{k}", r + 0.5, c + 0.5) for k, (r, c) in enumerate(town.HOMES[:6])]
    twice = (*at_place, site("more", town.HOMES[0][0] + 0.5, town.HOMES[0][1] + 0.5))
    for sites, value in ((tuple(at_place), 0.6), (twice, 0.5)):  # two sites at one community are one too many
        result = evaluate(city, sites, walks_from_sites(city, sites), (), {}, {})[-1]
        assert result.value == pytest.approx(value)
        assert result.met
    assert np.isclose(evaluate(city, (), walks_from_sites(city, ()), (), {}, {})[-1].value, 0.0)


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        ("count", 'facility = "locker"\nminimum = 1'),
        ("count", 'facility = "locker"\nof = "modules"\nminimum = 1\nhost = ["residential"]'),
        ("coverage", COVER),
        ("coverage", COVER + "\neach_district = true"),
        ("each_area", AREAS),
    ],
)
def test_no_plan_reaches_more_than_all_candidates_together(make_city, measure, text):
    clause = f'[[targets]]\nmeasure = "{measure}"\nid = "t"\ntext = "t"\n{text}\n\n[[depots]]'
    city = make_city({"[[depots]]": clause})
    planned = place_sites(city, on_progress=lambda *_: None)
    most = planned.ceilings
    facility = next(f for f in city.scenario.file.facilities if f.id == "locker")
    everywhere = tuple(
        site(c.id, 0, 0, host=c.host, lon=c.lon, lat=c.lat, district=c.district,
             modules=c.existing_modules or facility.modules_max)
        for c in city.candidates if "locker" in c.facilities
    )  # fmt: skip
    assert everywhere
    result = evaluate(city, everywhere, walks_from_sites(city, everywhere), (), most, {})[-1]
    assert result.value == pytest.approx(most["t"])
    assert result.most == most["t"]
    assert result.gap == (pytest.approx(0.0, abs=1e-9) if most["t"] else None)
    assert result.possible
    found = evaluate(city, planned.sites, walks_from_sites(city, planned.sites), (), most, {})[-1]
    assert found.value <= most["t"] + 1e-9


def test_what_no_plan_could_reach_is_said(make_city):
    clause = f'[[targets]]\nmeasure = "coverage"\nid = "t"\ntext = "t"\n{COVER}\n\n[[depots]]'
    city = make_city({"[[depots]]": clause})
    result = evaluate(city, (), walks_from_sites(city, ()), (), {"t": 0.25}, {})[-1]
    assert not result.met
    assert "all candidates together reach 25.0% at most" in result.note
    reachable = evaluate(city, (), walks_from_sites(city, ()), (), {"t": 0.95}, {})[-1]
    assert "all candidates" not in reachable.note


def test_bound_and_gap_are_told_or_that_there_was_no_time(make_city):
    clause = f'[[targets]]\nmeasure = "coverage"\nid = "t"\ntext = "t"\n{COVER.replace("100.0", "300.0")}\n\n[[depots]]'
    city = make_city({"[[depots]]": clause})

    def told(proved):
        result = evaluate(city, SITES, walks_from_sites(city, SITES), FLEET, {"t": 0.9}, proved)[-1]
        return result, result.at_most, result.bound, result.gap

    value = told({})[0].value
    assert value > 0
    assert told({})[1:] == ("", None, pytest.approx(1 - value / 0.9))
    assert told({"t": None})[1:] == ("not computed: time", None, pytest.approx(1 - value / 0.9))
    assert told({"t": 0.8})[1:] == ("80.0%", 0.8, pytest.approx(1 - value / 0.8))


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("expected", ["", "\nexpected = true"])
@pytest.mark.parametrize("each", ["", "\neach_district = true"])
def test_bound_is_what_the_best_sites_reach_that_keep_the_other_clauses(make_city, most, expected, each):
    shares = "reach_m = 400.0\nwalk_shares = [[40, 1.0], [200, 0.5], [400, 0.1]]"
    clause = (
        f'[[targets]]\nmeasure = "count"\nid = "few"\ntext = "t"\nfacility = "locker"\nmaximum = {most}\n\n'
        '[[targets]]\nmeasure = "coverage"\nid = "t"\ntext = "t"\nfacilities = ["locker"]\nreach_m = 300.0\n'
        f"minimum = 0.01{expected}{each}\n\n[[depots]]"
    )
    rule = 'of = "modules"\nminimum = 2'
    city = make_city({"reach_m = 400.0": shares, "[[depots]]": clause, rule: 'of = "modules"\nminimum = 0'})
    planned = place_sites(city, on_progress=lambda *_: None)
    own = [c for c in city.candidates if "locker" in c.facilities]
    values = []
    for chosen in combinations(own, most):
        sites = tuple(site(c.id, 0, 0, host=c.host, lon=c.lon, lat=c.lat, district=c.district) for c in chosen)
        results = evaluate(city, sites, walks_from_sites(city, sites), (), {}, {})
        values.append(next(result.value for result in results if result.id == "t"))
    assert planned.bounds["t"] == pytest.approx(max(values), abs=1e-6)
    assert planned.bounds["few"] == most
    reached = evaluate(
        city, planned.sites, walks_from_sites(city, planned.sites), (), planned.ceilings, planned.bounds
    )[-1]
    assert reached.value <= reached.bound + 1e-9
    assert reached.bound < reached.most


def test_bound_of_a_budget_is_the_least_money_that_the_other_clauses_take(make_city):
    # One station opens where another clause wants it, for 5,000 yuan, and one group of lockers for 9,000; there are
    # 40,000 yuan, and what parcels are worth at more sites pays for some.
    counts = "".join(
        f'[[targets]]\nmeasure = "count"\nid = "{name}"\ntext = "t"\nfacility = "{name}"\nminimum = 1\n\n'
        for name in ("station", "locker")
    )
    money = '[[targets]]\nmeasure = "budget"\nid = "t"\ntext = "t"\ncategory = "sites"\nmaximum_yuan = 40000.0\n\n'
    other = {town.SCENARIO[town.SCENARIO.index("[[targets]]") : town.SCENARIO.index("[[depots]]")]: ""}
    city = make_city({**other, "[[depots]]": counts + money + "[[depots]]"})
    planned = place_sites(city, on_progress=lambda *_: None)
    assert planned.bounds["t"] == 14000.0
    assert "t" not in planned.ceilings
    walks = walks_from_sites(city, planned.sites)
    result = evaluate(city, planned.sites, walks, (), planned.ceilings, planned.bounds)[-1]
    assert (result.bound, result.at_most, result.possible) == (14000.0, "at least 14,000 yuan", "")
    assert result.gap == pytest.approx(1 - 14000 / result.value)
    assert 14000 <= result.value <= 40000


def test_what_is_proved_once_is_not_proved_again(make_city, monkeypatch):
    clause = '[[targets]]\nmeasure = "count"\nid = "t"\ntext = "t"\nfacility = "locker"\nmaximum = 2\n\n[[depots]]'
    city = make_city({"[[depots]]": clause})
    ground = siting.Ground.of(city)
    first = place_sites(city, ground=ground, on_progress=lambda *_: None)
    assert first.summary.shortfalls == ()
    assert first.bounds.keys() == first.ceilings.keys()
    assert None not in first.bounds.values()

    def again(*_, **__):
        raise AssertionError("it is known")

    monkeypatch.setattr(bounds, "furthest", again)
    second = place_sites(city, ground=ground, on_progress=lambda *_: None)
    assert (second.sites, second.ceilings, second.bounds) == (first.sites, first.ceilings, first.bounds)


def test_without_time_no_bound_is_stated(make_city, monkeypatch):
    monkeypatch.setattr(siting, "_FOR_BOUNDS", 0.0)
    clause = '[[targets]]\nmeasure = "count"\nid = "t"\ntext = "t"\nfacility = "locker"\nmaximum = 1\n\n[[depots]]'
    told = []
    placed = place_sites(make_city({"[[depots]]": clause}), on_progress=lambda _, text: told.append(text))
    assert placed.bounds["near"] is None
    late = sum(bound is None for bound in placed.bounds.values())
    assert f"how far each of 4 targets could go, all others kept; no time for {late}" in told


def test_of_fleets_there_are_at_most_those_that_can_be_bought(make_city):
    clause = '[[targets]]\nmeasure = "vehicles"\nid = "t"\ntext = "t"\nminimum = 7\n\n[[depots]]'
    city = make_city({"[[depots]]": clause})
    limited = tuple(replace(one, available=5) for one in FLEET)
    assert evaluate(city, (), walks_from_sites(city, ()), limited, {}, {})[-1].most == 15
    assert evaluate(city, (), walks_from_sites(city, ()), FLEET, {}, {})[-1].most is None


def test_expected_parcels_are_those_of_who_walks_so_far(make_city, row):
    # All walk the 20 m to a and c, a half the 200 m from q to a, a tenth more than that; 6 + 3 + 4 * 0.5 of 14.
    shares = "reach_m = 400.0\nwalk_shares = [[40, 1.0], [200, 0.5], [400, 0.1]]"
    clause = (
        '[[targets]]\nmeasure = "coverage"\nid = "t"\ntext = "t"\nfacilities = ["locker"]\nreach_m = 300.0\n'
        "minimum = 0.75\nexpected = true\n\n[[depots]]"
    )
    orders = [row("p", 3, 1.1, 6, "door"), row("q", 3, 0, 4, "door"), row("r", 6.5, 3.1, 3, "door"),
              row("s", 0, 7, 1, "door")]  # fmt: skip
    city = make_city({"reach_m = 400.0": shares, "[[depots]]": clause}, orders=orders)
    result = evaluate(city, SITES, walks_from_sites(city, SITES), FLEET, {}, {})[-1]
    assert result.value == pytest.approx(11 / 14, abs=1e-3)
    assert (result.met, result.required) == (True, "75.0% of parcels expected from within 300 m")
