"""Joint delivery on the town: every coalition's plan is the plan of its orders, and the joint cost is split whole."""

import numpy as np
import pytest
import town
from command_line import contents, run

from lastmile.errors import InputError
from lastmile.joint import serve_jointly
from lastmile.loading import load_scenario
from lastmile.pipeline import plan_city, plan_scenario
from lastmile.stages.prepare import prepare

# Of two rounds that cost the same by the travel tables, one may wait or slow down a little longer at its true hours.
TIES_FEN = 200
TARGETS = town.SCENARIO[town.SCENARIO.index("[[targets]]") : town.SCENARIO.index("[[depots]]")]


def silent(_stage, _text):
    pass


def dealt(firms, only=None):
    """The town's table of orders, dealt to the firms in turn; ``only`` the orders of one of them."""
    header, *rows = town.orders().splitlines()
    given = [(row, firms[k % len(firms)]) for k, row in enumerate(rows)]
    lines = [f"{row},{firm}" for row, firm in given if only in (None, firm)]
    return "\n".join([f"{header},firm", *lines]) + "\n"


def city_of(folder, orders, **changes):
    return prepare(load_scenario(town.write_town(folder, orders=orders, **changes)), on_progress=silent)


def listed(shares):
    """Generated demand, and firms with these shares."""
    rows = [f'[[demand.firms]]\nid = "{firm}"\nshare = {share}\n' for firm, share in shares.items()]
    return {town.ORDERS_KEY: "\n".join([town.GENERATED, *rows])}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    city = city_of(tmp_path_factory.mktemp("three"), dealt("abc"))
    return city, serve_jointly(city, on_progress=silent)


def test_every_coalition_of_few_firms_is_planned_and_the_joint_cost_split_whole(three):
    _, made = three
    assert [one.firms for one in made.coalitions] == [
        ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c"),
    ]  # fmt: skip
    assert made.exact and made.comparable
    assert all(firm.error_fen is None for firm in made.firms)
    assert sum(firm.share_fen for firm in made.firms) == pytest.approx(made.together.cost_fen)
    assert sum(firm.orders for firm in made.firms) == 30
    assert made.together.parcels == made.apart.parcels == 90
    for firm, alone in zip(made.firms, made.coalitions, strict=False):
        assert firm.alone_fen == alone.cost_fen
        assert firm.saving == 1 - firm.share_fen / firm.alone_fen


def test_shares_follow_from_the_costs_of_three_firms(three):
    _, made = three
    cost = {"".join(one.firms): one.cost_fen for one in made.coalitions}
    # a comes first in 2 of 6 orders, second after b or c in 1 each, and last in 2.
    share = (2 * cost["a"] + cost["ab"] - cost["b"] + cost["ac"] - cost["c"] + 2 * (cost["abc"] - cost["bc"])) / 6
    assert made.firms[0].share_fen == pytest.approx(share)


def test_one_depot_and_few_parcels_make_joint_delivery_cheaper_for_everyone(three):
    _, made = three
    assert made.together.cost_fen < made.apart.cost_fen
    assert made.together.rounds < made.apart.rounds
    assert made.together.sites <= made.apart.sites
    # The core, by hand: no coalition's shares exceed what it would pay alone.
    for one in made.coalitions:
        objects = made.paid_fen(one) > one.cost_fen + 0.5
        assert objects == any(one.firms in firm.better_alone for firm in made.firms)


@pytest.mark.parametrize("firm", ["b", None])
def test_a_coalitions_plan_is_that_of_a_town_with_only_its_orders_and_no_targets(three, tmp_path, firm):
    _, made = three
    path = town.write_town(tmp_path, orders=dealt("abc", only=firm), scenario={TARGETS: ""})
    alone = plan_scenario(load_scenario(path))
    one = next(one for one in made.coalitions if one.firms == ((firm,) if firm else ("a", "b", "c")))
    assert one.cost_fen == pytest.approx(alone.indicators["money"]["day_total_yuan"] * 100, abs=TIES_FEN)
    assert one.sites == len(alone.plan.sites)
    assert one.rounds == one.vehicles == len(alone.plan.routes)
    assert one.km == pytest.approx(sum(route.distance_m for route in alone.plan.routes) / 1000, rel=0.02)


def test_firms_change_no_plan(tmp_path):
    changes = {town.ORDERS_KEY: town.GENERATED}
    plain = plan_city(city_of(tmp_path / "plain", None, scenario=changes)).plan
    firms = plan_city(city_of(tmp_path / "firms", None, scenario=listed({"a": 0.5, "b": 0.5}))).plan
    assert (firms.sites, firms.services, firms.siting) == (plain.sites, plain.services, plain.siting)
    assert (firms.targets, firms.unserved, firms.warnings) == (plain.targets, plain.unserved, plain.warnings)
    assert sum(route.cost_fen for route in firms.routes) == pytest.approx(
        sum(route.cost_fen for route in plain.routes), abs=TIES_FEN
    )


def test_more_firms_are_sampled_with_errors_and_the_same_again(tmp_path):
    city = city_of(tmp_path, dealt("abcde"))
    told = []
    made = serve_jointly(city, permutations=2, on_progress=lambda _, text: told.append(text))
    # Five firms, all together, and in each of 2 orders, both ways, three coalitions between: 18 of 31.
    assert len(told) == len(made.coalitions) <= 5 + 1 + 2 * 2 * 3
    assert not made.exact and made.permutations == 2
    assert all(firm.error_fen >= 0 for firm in made.firms)
    assert [len(one.firms) for one in made.coalitions][:5] == [1] * 5
    assert sum(firm.share_fen for firm in made.firms) == pytest.approx(made.together.cost_fen)
    again = serve_jointly(city, permutations=2, on_progress=silent)
    assert [one.firms for one in again.coalitions] == [one.firms for one in made.coalitions]
    for firm, other in zip(made.firms, again.firms, strict=True):
        assert firm.share_fen == pytest.approx(other.share_fen, abs=4 * TIES_FEN)


def test_shares_are_exact_where_sampling_could_need_as_many_plans(tmp_path):
    # With 10 orders of 5 firms: up to 5 + 1 + 2 * 10 * 3 = 66 plans, and there are only 31 coalitions.
    made = serve_jointly(city_of(tmp_path, dealt("abcde")), on_progress=silent)
    assert made.exact and len(made.coalitions) == 31


def test_sites_that_exist_stand_for_everyone_and_cost_nobody(tmp_path):
    (tmp_path / "sites.csv").write_text(
        f"id,host,lon,lat,status,facilities\nx,shop,{town.corner(3, 3)[0]},{town.corner(3, 3)[1]},existing,outlet\n",
        encoding="utf-8",
    )
    table = {"[search]": '[candidates]\nfrom_map = false\ntable = { file = "sites.csv", crs = "wgs84" }\n\n[search]'}
    dearer = {"yuan_open = 20000.0": "yuan_open = 20000.0\nyuan_per_day = 70.0"}
    for_nothing, for_something = (
        serve_jointly(city_of(tmp_path, dealt("ab"), scenario=table | change), on_progress=silent)
        for change in ({}, dearer)
    )
    for one, other in zip(for_nothing.coalitions, for_something.coalitions, strict=True):
        assert one.cost_fen == pytest.approx(other.cost_fen, abs=TIES_FEN)  # not 7,000 more
    assert [one.sites for one in for_nothing.coalitions] == [0, 0, 0]


def islanders(price):
    """Two firms, and one more order of the first on an island that no road leads to."""
    header, *rows = dealt("ab").splitlines()
    rows = [f"{row}," for row in rows] + [f"{town.island_order().strip()},a,{price}"]
    # The columns of the island's order are those of the table.
    return "\n".join([f"{header},price", *rows]) + "\n"


def test_an_order_left_out_costs_its_price(tmp_path):
    without = serve_jointly(city_of(tmp_path / "without", islanders("")), on_progress=silent)
    priced = serve_jointly(city_of(tmp_path / "priced", islanders(500)), on_progress=silent)
    assert [one.unserved for one in priced.coalitions] == [1, 0, 1]
    assert [one.unpriced for one in without.coalitions] == [1, 0, 1]
    assert priced.comparable and not without.comparable
    for more, one, other in zip((50_000, 0, 50_000), priced.coalitions, without.coalitions, strict=True):
        assert one.cost_fen == pytest.approx(other.cost_fen + more, abs=TIES_FEN)


def test_an_order_left_out_without_a_price_makes_costs_that_do_not_compare(tmp_path):
    path = town.write_town(tmp_path / "town", orders=islanders(""))
    ran = run("joint", path, "-o", tmp_path / "joint", "--quiet")
    assert ran.code == 3
    assert "NOT COMPARABLE  a: 1 orders left out, 0 rules broken" in ran.err
    assert "NOT COMPARABLE  b:" not in ran.err


def test_orders_and_places_of_a_part_of_the_city(three):
    city, _ = three
    part = city.of_orders(np.array([4, 0, 29]))
    assert part.demand.id == tuple(city.demand.id[k] for k in (4, 0, 29))
    assert part.demand.weight_g.tolist() == city.demand.weight_g[[4, 0, 29]].tolist()
    where = part.places[part.place_of]
    assert where.tolist() == np.column_stack((part.demand.lon, part.demand.lat)).tolist()
    assert len(part.walk_places) == len(part.places) == 3
    whole = city.of_orders(np.arange(30))
    assert whole.places.tolist() == city.places.tolist()
    assert whole.place_of.tolist() == city.place_of.tolist()


@pytest.mark.parametrize(
    ("orders", "says"),
    [
        (town.orders(), "column firm: no order has a firm"),
        (dealt("a"), "column firm: only 'a' has orders"),
        (dealt(["a", "b", ""]), "10 orders have no firm: o02, o12, o22, o32, o42"),
    ],
)
def test_fewer_than_two_firms_or_orders_without_one_are_named(tmp_path, orders, says):
    with pytest.raises(InputError) as caught:
        serve_jointly(city_of(tmp_path, orders), on_progress=silent)
    assert says in str(caught.value)
    assert "remedy: name in it the firm of every order, two firms or more" in str(caught.value)


def test_generated_demand_without_firms_is_told_where_to_list_them(tmp_path):
    city = city_of(tmp_path, None, scenario={town.ORDERS_KEY: town.GENERATED})
    with pytest.raises(InputError, match=r"scenario\.toml, demand\.firms: no order has a firm(?s:.*)list two firms"):
        serve_jointly(city, on_progress=silent)


def test_command_prints_a_table_and_writes_its_files(tmp_path):
    path = town.write_town(tmp_path / "town", orders=None, scenario=listed({"sf": 0.6, "zto": 0.4}))
    ran = run("joint", path, "-o", tmp_path / "joint", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert contents(tmp_path / "joint").keys() == {"joint.csv", "coalitions.csv", "joint.svg"}
    lines = (tmp_path / "joint" / "joint.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["firm", "sf", "zto"]
    assert "shares from 3 plans, exact" in ran.out
    assert "no coalition would pay less alone" in ran.out
    again = run("joint", path, "-o", tmp_path / "joint", "--quiet")
    assert again.code == 0, "a study is replaced by a new one"


def test_command_names_what_it_cannot_do_and_writes_nothing(tmp_path):
    path = town.write_town(tmp_path / "town")
    ran = run("joint", path, "-o", tmp_path / "joint")
    assert ran.code == 2
    assert "orders.csv, column firm: no order has a firm" in ran.err
    assert not (tmp_path / "joint").exists()
    assert run("joint", path, "--permutations", "4").code == 2
