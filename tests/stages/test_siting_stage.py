"""The siting stage: rules of the scenario reach the solver, orders go to the nearest site with room."""

from datetime import date

import pytest
import town

from lastmile.stages.options import opening_fen
from lastmile.stages.siting import place_sites
from lastmile.units import fen

SITES = "id,name,host,lon,lat,status,facilities,modules,chilled_modules\n"
TABLE = {"[search]": '[candidates]\nfrom_map = false\ntable = { file = "sites.csv", crs = "wgs84" }\n\n[search]'}


def clause(measure, text):
    return {"[[depots]]": f'[[targets]]\nmeasure = "{measure}"\nid = "t"\ntext = "t"\n{text}\n\n[[depots]]'}


@pytest.fixture
def placed(make_city, tmp_path):
    """Sites by id, placement and city of a town whose candidates are those of a table."""

    def place(rows, orders, scenario=None, **table):
        lines = []
        for name, row, column, *cells in rows:
            filled = (*cells, "")[:4]
            lines.append(",".join(map(str, (name, name, "residential", *town.corner(row, column), *filled))))
        (tmp_path / "sites.csv").write_text(SITES + "\n".join(lines) + "\n", encoding="utf-8")
        no_targets = {town.SCENARIO[town.SCENARIO.index("[[targets]]") : town.SCENARIO.index("[[depots]]")]: ""}
        city = make_city(no_targets | TABLE | (scenario or {}), orders=orders, **table)
        placement = place_sites(city, on_progress=lambda *_: None)
        return {site.id: site for site in placement.sites}, placement, city

    return place


def services(placement):
    return {s.order_id: (s.channel, s.site_id) for s in placement.services}


CHEAP = {"yuan_per_module = 9000.0": "yuan_per_module = 900.0"}
COUNT = clause("count", 'facility = "locker"\nminimum = 1')


def test_orders_go_to_the_nearest_site_with_room_then_to_the_door(placed, row):
    # One group of 40: a and b are near, c is further and finds no room; it goes to its door, d has none.
    orders = [
        row("c", 3, 3.6, 20, "locker;door"),
        row("a", 3, 3.1, 20, "locker;door"),
        row("b", 3, 3.2, 20, "locker"),
        row("d", 3, 3.9, 20, "locker"),
    ]
    one = {"modules_max = 2": "modules_max = 1"}
    sites, placement, _ = placed([("x", 3, 3, "candidate", "locker", "")], orders, CHEAP | COUNT | one)
    assert services(placement) == {"a": ("locker", "locker:x"), "b": ("locker", "locker:x"), "c": ("door", None)}
    (left,) = placement.unserved
    assert left.order_id == "d"
    assert "full: locker:x" in left.reasons[0]
    assert (sites["locker:x"].load_parcels, sites["locker:x"].capacity_parcels) == (40, 40)


def test_nobody_walks_beyond_the_reach(placed, row):
    orders = [row("near", 3, 4.9, 2, "locker"), row("far", 3, 5.2, 2, "locker")]  # 380 m and 440 m, the reach is 400 m
    _, placement, _ = placed([("x", 3, 3, "candidate", "locker", "")], orders, CHEAP | COUNT)
    assert services(placement) == {"near": ("locker", "locker:x")}
    assert placement.unserved[0].reasons == ("no locker opens within walking reach",)


def test_existing_site_is_kept_as_it_is_at_no_cost(placed, row):
    rows = [("old", 6.9, 6.9, "existing", "locker", 1), ("new", 3, 3, "candidate", "locker", "")]
    sites, placement, _ = placed(rows, [row("a", 3, 3.2, 4, "locker;door")], COUNT)
    # It makes the count; 4 parcels a day are not worth 9,000 yuan over five years, 4.93 a day.
    assert set(sites) == {"locker:old"}
    old = sites["locker:old"]
    assert (old.existing, old.modules, old.cost_fen) == (True, 1, 0)
    assert placement.summary.shortfalls == ()


def test_sites_too_near_each_other_do_not_open_together(placed, row):
    rows = [(f"x{k}", 3, k, "candidate", "locker", "") for k in range(4)]  # 200 m apart
    apart = {"parcels_per_module = 40.0": "parcels_per_module = 40.0\nminimum_spacing_m = 390.0"}
    two = clause("count", 'facility = "locker"\nminimum = 4')
    sites, placement, _ = placed(rows, [row("a", 3, 1, 2, "locker;door")], CHEAP | apart | two)
    assert len(sites) == 2
    assert placement.summary.shortfalls == ("t: short by 2; short by 2 even if there were no other rule",)
    assert placement.summary.relaxations == ("all other rules could be met if t gave way by 2",)


def test_coverage_floor_holds_in_every_district(placed, row):
    rows = [("south", 2, 2, "candidate", "locker", ""), ("north", 6.5, 2, "candidate", "locker", "")]
    orders = [row("s", 2, 2.1, 60, "locker;door"), row("n", 6.5, 2.1, 4, "locker;door")]
    goal = 'facilities = ["locker"]\nreach_m = 300.0\nminimum = 0.9'
    sites, _, _ = placed(rows, orders, clause("coverage", goal))
    assert set(sites) == {"locker:south"}
    sites, _, _ = placed(rows, orders, clause("coverage", f"{goal}\neach_district = true"))
    assert set(sites) == {"locker:south", "locker:north"}


def test_area_gets_one_site_and_no_more(placed, row):
    # Three places 0 to 200 m from community 0 at (0.5, 1.5); orders there would be worth two sites.
    rows = [(f"x{k}", 0.5, 1.5 + k / 4, "candidate", "locker", "") for k in range(3)]
    orders = [row("a", 0.5, 1.5, 80, "locker;door"), row("b", 0.5, 2.0, 80, "locker;door")]
    goal = (
        'facilities = ["locker"]\narea_kind = "community"\nreach_m = 500.0\nat_most_one = true\ndistricts = ["河南镇"]'
    )
    rich = {"yuan_per_module = 9000.0": "yuan_per_module = 9.0"}
    sites, placement, _ = placed(rows, orders, rich)
    assert len(sites) > 1
    sites, placement, _ = placed(rows, orders, rich | clause("each_area", goal))
    assert len(sites) == 1
    # Only community 0 has candidates, for which a rule can be stated.
    assert placement.summary.shortfalls == ()


def test_budget_is_kept_and_hosts_save_their_discount(placed, row):
    rows = [(f"x{k}", 3, 2 * k, "candidate", "station", "") for k in range(4)]
    orders = [row(f"o{k}", 3, 2 * k, 80, "station;door") for k in range(4)]
    at_home = {'yuan_open = 5000.0': 'yuan_open = 5000.0\nhost_discount = { residential = 0.2 }'}  # fmt: skip
    money = clause("budget", 'category = "sites"\nmaximum_yuan = 9000.0')
    sites, _, city = placed(rows, orders, at_home | money)
    assert len(sites) == 2  # 4,000 yuan each
    station = city.scenario.file.facilities[2]
    assert opening_fen(station, "residential") == fen(4000.0)
    assert opening_fen(station, "shop") == fen(5000.0)
    assert {site.cost_fen for site in sites.values()} == {400_000}


def dated(measure, name, by, text):
    return f'[[targets]]\nmeasure = "{measure}"\nid = "{name}"\ntext = "t"\nby = {by}\n{text}\n\n'


def test_sites_open_by_the_dates_of_their_targets(placed, row):
    # Three places with 30, 20 and 10 parcels, each served by one group for 900 yuan; z exists. The money of 2018 pays
    # for one group and that of 2019 for two: the fullest ones, as all pay for themselves.
    parcels = {"x": 30, "y": 20, "w": 10}
    rows = [
        ("w", 3, 7, "candidate", "locker", ""), ("x", 3, 1, "candidate", "locker", ""),
        ("y", 3, 4, "candidate", "locker", ""), ("z", 6.9, 6.9, "existing", "locker", 1),
    ]  # fmt: skip
    orders = [row(name, 3, column, parcels[name], "locker;door") for name, column in (("x", 1), ("y", 4), ("w", 7))]
    money = 'category = "sites"\nmaximum_yuan = '
    targets = (
        dated("budget", "m18", "2018-12-31", f"{money}1000.0")
        + dated("budget", "m19", "2019-12-31", f"{money}2000.0")
        + dated("count", "n20", "2020-12-31", 'facility = "locker"\nminimum = 4')
    )
    one = {"modules_max = 2": "modules_max = 1"}
    sites, placement, _ = placed(rows, orders, CHEAP | one | {"[[depots]]": targets + "[[depots]]"})
    opens = {name.removeprefix("locker:"): site.opens_by for name, site in sites.items()}
    assert opens == {"x": date(2018, 12, 31), "y": date(2019, 12, 31), "w": date(2020, 12, 31), "z": None}
    assert [phase.by.year for phase in placement.phases] == [2018, 2019, 2020]
    assert placement.phases[-1].siting == placement.summary
    assert all(phase.siting.gap <= 0.005 and phase.siting.shortfalls == () for phase in placement.phases)
    # Every order is served by the network of the end.
    assert {service.site_id for service in placement.services} == {"locker:x", "locker:y", "locker:w"}


GROW = {"modules_max = 2": "modules_max = 3\nmodules_grow = true"}


def test_modules_come_in_several_phases_where_they_may(placed, row):
    # 100 parcels are worth three groups of 40, 900 yuan each; 1,000 yuan until 2018 pay for the first, 2,000 until 2019
    # for the second. The old site takes nobody's parcels and stays as it is.
    rows = [("x", 3, 3, "candidate", "locker", ""), ("z", 6.9, 6.9, "existing", "locker", 1)]
    orders = [row(f"o{k}", 3, 3, 20, "locker;door") for k in range(5)]
    money = 'category = "sites"\nmaximum_yuan = '
    targets = (
        dated("budget", "m18", "2018-12-31", f"{money}1000.0")
        + dated("budget", "m19", "2019-12-31", f"{money}2000.0")
        + dated("count", "n20", "2020-12-31", 'facility = "locker"\nminimum = 2')
    )
    sites, _, _ = placed(rows, orders, CHEAP | GROW | {"[[depots]]": targets + "[[depots]]"})
    grown = [
        (state.by.year, state.modules, state.capacity_parcels, state.cost_fen) for state in sites["locker:x"].built
    ]
    assert grown == [(2018, 1, 40, 90_000), (2019, 2, 80, 180_000), (2020, 3, 120, 270_000)]
    assert sites["locker:x"].opens_by == date(2018, 12, 31)
    assert (sites["locker:x"].modules, sites["locker:x"].cost_fen) == (3, 270_000)
    assert sites["locker:z"].built == ()
    # Those that may not grow open with all three groups, for 2,700 yuan, so only in the end.
    all_at_once = {"modules_max = 2": "modules_max = 3"}
    sites, _, _ = placed(rows, orders, CHEAP | all_at_once | {"[[depots]]": targets + "[[depots]]"})
    assert (sites["locker:x"].opens_by, sites["locker:x"].modules) == (date(2020, 12, 31), 3)
    assert sites["locker:x"].built == ()


def test_modules_are_for_the_parcels_of_their_phase(placed, row):
    # 60 parcels of the planned day fill two groups of 40. By 2018 there are half as many, by 2020 twice.
    rows = [("x", 3, 3, "candidate", "locker", "")]
    orders = [row(f"o{k}", 3, 3, 20, "locker;door") for k in range(3)]
    none = "".join(dated("count", f"n{year}", f"{year}-12-31", 'facility = "locker"') for year in (2018, 2019, 2020))
    growth = "".join(f"[[demand.phases]]\nby = {by}-12-31\nfactor = {of}\n\n" for by, of in ((2018, 0.5), (2020, 2.0)))
    sites, placement, _ = placed(rows, orders, CHEAP | GROW | {"[[depots]]": none + growth + "[[depots]]"})
    assert [(state.by.year, state.modules) for state in sites["locker:x"].built] == [(2018, 1), (2019, 2), (2020, 3)]
    assert [phase.demand_factor for phase in placement.phases] == [0.5, None, 2.0]
    # Orders are those of the planned day.
    assert sites["locker:x"].load_parcels == 60


def test_one_date_makes_no_phases(placed, row):
    rows = [("x", 3, 3, "candidate", "locker", "")]
    text = dated("count", "n", "2018-12-31", 'facility = "locker"\nminimum = 1')
    fleet = dated("vehicles", "v", "2019-12-31", "minimum = 1")
    sites, placement, _ = placed(rows, [row("a", 3, 3, 4, "locker")], {"[[depots]]": f"{text}{fleet}[[depots]]"})
    assert [site.opens_by for site in sites.values()] == [None]
    assert placement.phases == ()


def test_what_an_earlier_date_cannot_reach_is_told_with_its_date(placed, row):
    rows = [("x", 3, 1, "candidate", "locker", ""), ("y", 3, 4, "candidate", "locker", "")]
    two = 'facility = "locker"\nminimum = 2'
    targets = (
        dated("count", "two", "2018-12-31", two)
        + dated("budget", "money", "2018-12-31", 'category = "sites"\nmaximum_yuan = 1000.0')
        + dated("count", "still-two", "2020-12-31", two)
    )
    sites, placement, _ = placed(
        rows, [row("a", 3, 1, 4, "locker;door")], CHEAP | {"[[depots]]": targets + "[[depots]]"}
    )
    assert len(sites) == 2
    (told,) = placement.phases[0].siting.shortfalls
    assert told.startswith(("two by 2018-12-31: short by 1", "money by 2018-12-31: short by 800"))


SHARES = {"reach_m = 400.0": "reach_m = 400.0\nwalk_shares = [[40, 1.0], [240, 0.5], [400, 0.1]]"}
ONE = clause("count", 'facility = "locker"\nminimum = 1\nmaximum = 1')


def test_who_walks_how_far_decides_where_a_site_opens(placed, row):
    # Six parcels live 40 m from x, ten live 340 m from y: fewer are near, more of them come.
    rows = [("x", 3, 0, "candidate", "locker", ""), ("y", 3, 7, "candidate", "locker", "")]
    orders = [row("few", 3, 0.2, 6, "locker;door"), row("many", 3, 5.3, 10, "locker;door")]
    sites, _, _ = placed(rows, orders, ONE)
    assert set(sites) == {"locker:y"}
    sites, placement, _ = placed(rows, orders, ONE | SHARES)
    assert set(sites) == {"locker:x"}
    assert services(placement) == {"few": ("locker", "locker:x"), "many": ("door", None)}


def test_shares_of_one_give_the_plan_without_any(placed, row):
    rows = [(f"x{k}", 2 + k % 3, k, "candidate", "locker", "") for k in range(6)]
    orders = [row(f"o{k}", 2 + k % 4, (k * 1.7) % 7, 3 + k % 5, "locker;door") for k in range(12)]
    _, plain, _ = placed(rows, orders, CHEAP | COUNT)
    one = {"reach_m = 400.0": "reach_m = 400.0\nwalk_shares = [[400, 1.0]]"}
    _, ones, _ = placed(rows, orders, CHEAP | COUNT | one)
    assert (plain.sites, plain.services, plain.summary) == (ones.sites, ones.services, ones.summary)


def test_clause_of_expected_parcels_opens_until_enough_come(placed, row):
    # Half of the receivers walk from b to x, 240 m; with a site at both ends all do, 20 m.
    rows = [("x", 3, 3, "candidate", "locker", ""), ("y", 3, 4.1, "candidate", "locker", "")]
    orders = [row("a", 3, 3.1, 10, "locker;door"), row("b", 3, 4.2, 10, "locker;door")]
    goal = 'facilities = ["locker"]\nreach_m = 400.0\nminimum = 0.9'
    sites, _, _ = placed(rows, orders, SHARES | clause("coverage", goal))
    assert len(sites) == 1
    sites, placement, _ = placed(rows, orders, SHARES | clause("coverage", f"{goal}\nexpected = true"))
    assert len(sites) == 2
    assert placement.summary.shortfalls == ()
    assert placement.ceilings["t"] == pytest.approx(1.0)


def test_where_receivers_mind_more_than_a_parcel_is_worth_no_locker_opens(placed, row):
    # 40 parcels a day at 1 yuan pay for a module of 900 yuan in five years, 0.49 a day; at 0.01 yuan they do not.
    rows = [("x", 3, 3, "candidate", "locker", "")]
    orders = [row("a", 3, 3.2, 40, "locker;door")]

    def minding(yuan):
        return CHEAP | {"reach_m = 400.0": f"reach_m = 400.0\ninconvenience_yuan = {yuan}"}

    assert set(placed(rows, orders, minding(0.9))[0]) == {"locker:x"}
    for yuan in (0.99, 2.0):
        assert set(placed(rows, orders, minding(yuan))[0]) == set()


SIZED = "id,lon,lat,parcels,options,size,skill"
LOCKER = "parcels_per_module = 40.0\nmodules_max = 2\n"


def modules(text, most=1):
    return {LOCKER: f"parcels_per_module = 40.0\nmodules_max = {most}\n{text}\n"}


def test_only_large_compartments_take_large_parcels(placed, row):
    # Two large compartments and two small ones; large orders of 1, nearest first, then two small ones.
    orders = [
        row("l1", 3, 3.1, 1, "locker", "L", ""),
        row("l2", 3, 3.2, 1, "locker;door", "L", ""),
        row("l3", 3, 3.3, 1, "locker", "L", ""),
        row("xl", 3, 3.1, 1, "locker", "XL", ""),
        row("s1", 3, 3.4, 1, "locker", "S", ""),
        row("s2", 3, 3.5, 1, "locker", "", ""),
    ]
    rows = [("x", 3, 3, "candidate", "locker", "")]
    sites, placement, _ = placed(rows, orders, CHEAP | COUNT | modules("compartments = { L = 2, S = 2 }"), header=SIZED)
    assert set(services(placement)) == {"l1", "l2", "s1", "s2"}
    reasons = {item.order_id: item.reasons for item in placement.unserved}
    assert reasons == {
        "l3": ("every locker within walking reach is full for size L: locker:x",),
        "xl": ("no locker within walking reach has compartments of size XL: locker:x",),
    }
    site = sites["locker:x"]
    assert site.compartments == {"S": 2, "L": 2}
    assert site.parcels_by_size == {"S": 2, "M": 0, "L": 2, "XL": 0}
    assert (site.capacity_parcels, site.load_parcels) == (4, 4)


def test_small_parcels_that_are_nearer_take_large_compartments(placed, row):
    orders = [row("s", 3, 3.1, 2, "locker", "S", ""), row("l", 3, 3.2, 1, "locker;door", "L", "")]
    rows = [("x", 3, 3, "candidate", "locker", "")]
    _, placement, _ = placed(rows, orders, CHEAP | COUNT | modules("compartments = { L = 2 }"), header=SIZED)
    assert services(placement) == {"s": ("locker", "locker:x"), "l": ("door", None)}


def test_modules_are_added_for_the_sizes_that_are_short(placed, row):
    # 12 large parcels are worth 12 yuan a day; a module of 900 yuan costs 0.49 a day and has ten large compartments.
    orders = [row(f"l{k}", 3, 3 + k / 20, 1, "locker;door", "L", "") for k in range(12)]
    rows = [("x", 3, 3, "candidate", "locker", "")]
    for large, number in ((12, 1), (10, 2)):
        changes = CHEAP | modules(f"compartments = {{ L = {large}, S = 28 }}", most=2)
        sites, placement, _ = placed(rows, orders, changes, header=SIZED)
        assert sites["locker:x"].modules == number
        assert len(placement.services) == 12
        assert {service.channel for service in placement.services} == {"locker"}


COLD = "chilled_modules_max = 2\nparcels_per_chilled_module = 6.0\nyuan_per_chilled_module = 1800.0"


def test_chilled_parcels_need_refrigerated_modules(placed, row):
    # Ten chilled parcels are worth 10 yuan a day, two refrigerated modules of 6 cost 1800 * 2 / 5 years = 1.97 a day.
    orders = [
        row("c1", 3, 3.1, 5, "locker", "", "cold"),
        row("c2", 3, 3.2, 5, "locker", "", "cold"),
        row("c3", 3, 3.3, 3, "locker", "", "cold"),
        row("s", 3, 3.3, 40, "locker", "", ""),
    ]
    rows = [("x", 3, 3, "candidate", "locker", ""), ("far", 6.9, 6.9, "candidate", "locker", "")]
    sites, placement, _ = placed(rows, orders, CHEAP | modules(COLD), header=SIZED)
    assert set(sites) == {"locker:x"}
    site = sites["locker:x"]
    assert (site.modules, site.chilled_modules) == (1, 2)
    assert (site.capacity_parcels, site.chilled_capacity_parcels) == (52, 12)
    assert (site.load_parcels, site.chilled_load_parcels) == (50, 10)
    assert site.cost_fen == fen(900.0 + 2 * 1800.0)
    (left,) = placement.unserved
    assert left.reasons == ("every locker within walking reach is full of chilled parcels: locker:x",)
    assert left.remedy.startswith("allow more refrigerated modules")


def test_chilled_parcels_that_no_site_takes_go_to_the_door_or_nowhere(placed, row):
    orders = [row("a", 3, 3.1, 2, "locker;door", "", "cold"), row("b", 3, 3.1, 2, "locker", "", "cold")]
    _, placement, city = placed([("x", 3, 3, "candidate", "locker", "")], orders, CHEAP | COUNT, header=SIZED)
    assert services(placement) == {"a": ("door", None)}
    (left,) = placement.unserved
    assert left.reasons == ("no locker within walking reach has refrigerated modules: locker:x",)
    assert any("no facility has refrigerated modules" in text for text in city.warnings)
    assert any("no vehicle type has the skill 'cold'" in text for text in city.warnings)


def test_refrigerated_modules_are_counted_and_paid_for(placed, row):
    rows = [(f"x{k}", 3, 2 * k, "candidate", "locker", "") for k in range(3)]
    orders = [row("a", 3, 3, 1, "locker;door", "", "")]
    three = clause("count", 'facility = "locker"\nof = "chilled_modules"\nminimum = 3\nmaximum = 3')
    # Nobody asks for them but the target; sites of at least 900 yuan each have two at most.
    sites, placement, _ = placed(rows, orders, CHEAP | modules(COLD) | three, header=SIZED)
    assert sorted(site.chilled_modules for site in sites.values()) == [1, 2]
    assert placement.summary.shortfalls == ()
    assert placement.ceilings == {"t": 3.0}


def test_budget_pays_for_refrigerated_modules_too(placed, row):
    # 900 yuan for the site and 1,800 for each module: 12 parcels are worth two, 3,000 yuan pay for one.
    orders = [row(f"c{k}", 3, 3.1, 6, "locker;door", "", "cold") for k in range(2)]
    rows = [("x", 3, 3, "candidate", "locker", "")]
    money = clause("budget", 'category = "sites"\nmaximum_yuan = 3000.0')
    for rule, number in (({}, 2), (money, 1)):
        sites, _, _ = placed(rows, orders, CHEAP | modules(COLD) | rule, header=SIZED)
        assert sites["locker:x"].chilled_modules == number


def test_existing_refrigerated_modules_are_kept_and_no_others_are_added(placed, row):
    rows = [
        ("old", 6.9, 6.9, "existing", "locker", 1, 3),
        ("plain", 3, 3, "existing", "locker", 1, 0),
    ]
    orders = [row("a", 6.9, 6.8, 17, "locker;door", "", "cold"), row("b", 3, 3.1, 5, "locker;door", "", "cold")]
    sites, placement, _ = placed(rows, orders, modules(COLD), header=SIZED)
    assert services(placement) == {"a": ("locker", "locker:old"), "b": ("door", None)}
    assert [(sites[f"locker:{k}"].chilled_modules, sites[f"locker:{k}"].cost_fen) for k in ("old", "plain")] == [
        (3, 0),
        (0, 0),
    ]
