"""Parcels of the day: read from a table as it comes, or made from where people live."""

from dataclasses import fields, replace

import numpy as np
import pytest
import shapely
import town

from lastmile.errors import InputError
from lastmile.geo.demand import NONE, build_demand
from lastmile.geo.districts import Districts
from lastmile.geo.features import Feature, read_features
from lastmile.geo.network import RoadNetwork
from lastmile.loading import load_scenario
from lastmile.units import DAY_S


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    path = town.write_town(tmp_path_factory.mktemp("streets"))
    return RoadNetwork.from_osm(path.parent / "town.osm"), read_features(path.parent / "town.osm")[0]


def read(folder, streets, orders):
    scenario = load_scenario(town.write_town(folder, orders=orders))
    return build_demand(scenario, streets[1], streets[0], Districts.from_frame(scenario.districts))


def generated(folder, streets, *, features=None, settings="", seed=7, also=None, **changes):
    text = {town.ORDERS_KEY: f"generate = {{ parcels_per_person_day = 0.1{settings} }}", "seed = 7": f"seed = {seed}"}
    text |= also or {}
    scenario = load_scenario(town.write_town(folder, scenario=text, orders=None, **changes))
    found = streets[1] if features is None else tuple(features)
    return build_demand(scenario, found, streets[0], Districts.from_frame(scenario.districts))


LADE = "order_id,region_id,city,courier_id,lng,lat,aoi_id,aoi_type,accept_time,accept_gps_time,accept_gps_lng,accept_gps_lat,delivery_time,delivery_gps_time,delivery_gps_lng,delivery_gps_lat,ds"  # noqa: E501


def test_columns_of_lade_are_accepted_as_they_are(tmp_path, streets):
    lon, lat = town.corner(3, 3)
    rows = [
        f"77,10,Chongqing,73,{lon},{lat},50,14,10-22 10:26:00,10-22 10:26:00,{lon},{lat},10-22 17:04:00,"
        f"10-22 17:04:00,{lon},{lat},1022",
        f"78,10,Chongqing,73,{lon},{lat},50,14,10-22 10:26:00,,,,10-22 17:04:00,,,,1022",
    ]
    demand = read(tmp_path, streets, "\n".join([LADE, *rows]) + "\n")
    assert demand.id == ("77", "78")
    assert (demand.lon[0], demand.lat[0]) == pytest.approx((lon, lat))
    assert demand.parcels.tolist() == [1, 1]
    assert demand.channels == (("door",), ("door",))
    assert demand.window_end_s.tolist() == [2 * DAY_S] * 2


def test_what_a_table_leaves_out_is_assumed_and_noted(tmp_path, streets):
    lon, lat = town.corner(3, 3)
    demand = read(
        tmp_path,
        streets,
        f"id,lon,lat,parcels,weight,volume,options,on_board,price,release,service\n"
        f"a,{lon},{lat},3,,,,,,,\nb,{lon},{lat},2,5,10,locker;door,30,2.5,07:30,90\n",
    )
    assert demand.weight_g.tolist() == [3600, 5000]  # 1.2 kg a parcel
    assert demand.volume_cm3.tolist() == [24_000, 10_000]  # 8 L a parcel
    assert demand.channels == (("door",), ("locker", "door"))
    assert demand.on_board_s.tolist() == [NONE, 1800]
    assert demand.price_fen.tolist() == [NONE, 250]
    assert demand.release_s.tolist() == [0, 27_000]
    assert demand.service_s.tolist() == [NONE, 90]
    assert sum(note.startswith("assumed") for note in demand.notes) == 2


def test_weight_without_parcels_is_that_of_a_pickup_and_not_carried_out(tmp_path, streets):
    lon, lat = town.corner(3, 3)
    demand = read(tmp_path, streets, f"id,lon,lat,parcels,pickups,weight\na,{lon},{lat},0,1,7\n")
    assert demand.weight_g.tolist() == [0]
    assert any("not counted" in note for note in demand.notes)


def test_order_off_the_map_is_a_fault(tmp_path, streets):
    with pytest.raises(InputError, match="lies off the map"):
        read(tmp_path, streets, "id,lon,lat\na,113.9,34.66\n")


def test_generated_parcels_make_the_districts_totals_exactly(tmp_path, streets):
    # 20,000 urban people and 5,000 of a county at 0.6 of the parcels: 0.1 each make 2,000 and 300.
    demand = generated(tmp_path, streets)
    for name, total in (("河南镇", 2000), ("河北镇", 300)):
        assert sum(p for p, d in zip(demand.parcels, demand.district, strict=True) if d == name) == total
    assert demand.weight_g.tolist() == (demand.parcels.astype(np.int64) * 1200).tolist()


def test_factors_and_chosen_districts(tmp_path, streets):
    settings = ', market_share = 0.5, peak_factor = 1.5, rural_factor = 0.8, districts = ["河北镇"]'
    demand = generated(tmp_path, streets, settings=settings)
    assert set(demand.district) == {"河北镇"}
    assert demand.parcels.sum() == 5000 * 0.1 * 0.5 * 1.5 * 0.8


def test_seed_decides(tmp_path, streets):
    first, again, other = (generated(tmp_path, streets, seed=seed) for seed in (7, 7, 8))
    assert first.parcels.tolist() == again.parcels.tolist()
    assert first.id == again.id
    assert (len(first), first.parcels.tolist()) != (len(other), other.parcels.tolist())
    assert first.parcels.sum() == other.parcels.sum()


def test_firms_are_dealt_by_their_shares_and_change_nothing_else(tmp_path, streets):
    firms = "".join(f'\n[[demand.firms]]\nid = "{firm}"\nshare = {share}' for firm, share in (("a", 0.8), ("b", 0.2)))
    settings = ", bundle_parcels_max = 2"
    plain = generated(tmp_path, streets, settings=settings)
    text = town.SCENARIO.replace(town.ORDERS_KEY, f"generate = {{ parcels_per_person_day = 0.1{settings} }}{firms}")
    scenario = load_scenario(town.write_town(tmp_path, scenario=text, orders=None))
    dealt, again = (
        build_demand(scenario, streets[1], streets[0], Districts.from_frame(scenario.districts)) for _ in range(2)
    )
    assert dealt.firm == again.firm
    assert dealt.firm.count("a") / len(dealt) == pytest.approx(0.8, abs=0.05)
    assert set(dealt.firm) == {"a", "b"}
    assert set(plain.firm) == {""}
    for column in fields(dealt):
        if column.name != "firm":
            assert list(getattr(dealt, column.name)) == list(getattr(plain, column.name)), column.name


def test_firms_of_a_table_are_read_under_their_names(tmp_path, streets):
    lon, lat = town.corner(3, 3)
    demand = read(tmp_path, streets, f"id,lon,lat,快递公司\na,{lon},{lat},顺丰\nb,{lon},{lat},\n")
    assert demand.firm == ("顺丰", "")


def test_shares_of_channels_windows_and_bundles(tmp_path, streets):
    settings = (
        ", door_share = 0.25, locker_share = 0.5, station_share = 0.25, pickup_share = 0.2, bundle_parcels_max = 10,"
        ' windows = ["08:00-12:00", "14:00-18:00"]'
    )
    demand = generated(tmp_path, streets, settings=settings)
    first = np.array([channels[0] for channels in demand.channels])
    for channel, share in (("door", 0.25), ("locker", 0.5), ("station", 0.25)):
        # 2,300 parcels: one standard deviation of a share is below 0.0105.
        assert demand.parcels[first == channel].sum() / 2300 == pytest.approx(share, abs=0.04)
    assert all(channels[-1] == "door" for channels in demand.channels)
    assert demand.parcels.max() == 10
    assert set(demand.window_start_s.tolist()) == {8 * 3600, 14 * 3600}
    assert demand.pickups[first != "door"].sum() == 0
    assert 0 < demand.pickups[first == "door"].sum() < 0.4 * demand.parcels[first == "door"].sum()
    assert len(set(demand.id)) == len(demand)


def area(name, row, column, **tags):
    box = shapely.box(*town.corner(row, column), *town.corner(row + 0.5, column + 0.5))
    return Feature(osm_id=name, name=name, tags=tags, geometry=box)


def everywhere(**tags):
    """Homes near every street, so that the map counts as drawn."""
    return [area(f"h{row}{column}", row, column, **tags) for row in range(8) for column in range(8)]


def test_buildings_weigh_by_floors_and_residential_land_by_its_buildings(tmp_path, streets):
    # Land of 100 by 100 m at 1.2 counts as 12,000 m2; the same with a drawn building of ten floors as 100,000 m2.
    features = [
        *(area(f"l{k}", 1 + 4 * (k // 4), 2 * (k % 4), landuse="residential") for k in range(8)),
        area("tower", 1, 0, building="apartments", **{"building:levels": "10"}),
        area("loose", 3, 3, building="house"),
    ]
    demand = generated(tmp_path, streets, features=features)
    parcels = {}
    for name, count in zip(demand.name, demand.parcels.tolist(), strict=True):
        parcels[name] = parcels.get(name, 0) + count
    assert "tower" not in parcels  # its land receives for it
    # Urban weights: l0 100,000, l1..l3 12,000 each, the house 20,000 of two floors; l4.. may be nearer to the other.
    assert parcels["l0"] / parcels["l1"] == pytest.approx(100 / 12, rel=0.35)
    assert parcels["loose"] / parcels["l1"] == pytest.approx(20 / 12, rel=0.5)


def test_villages_stand_for_homes_and_an_empty_map_for_nobody(tmp_path, streets):
    village = Feature(osm_id="v", name="v", tags={"place": "village"}, geometry=shapely.Point(*town.corner(3, 3)))
    demand = generated(tmp_path, streets, features=[village])
    assert set(demand.name) == {"v"}
    nothing = generated(tmp_path, streets, features=[])
    assert any("street junctions" in note and "no homes" in note for note in nothing.notes)
    assert nothing.parcels.sum() in (2000, 2300)
    assert len(np.unique(nothing.lon)) > 3


def test_people_of_cells_live_at_homes_nearby_else_along_the_street(tmp_path, streets):
    near, far = town.corner(1, 1), town.corner(7, 7)
    (tmp_path / "people.csv").write_text(
        f"lon,lat,population\n{near[0]},{near[1]},900\n{far[0]},{far[1] + 0.004},100\n"
    )
    home = area("home", 1, 1, building="apartments")
    homes = [home, *(replace(item, osm_id=f"x{k}") for k, item in enumerate(everywhere(building="house")) if k < 30)]
    settings = ', population = { file = "people.csv", crs = "wgs84" }'
    demand = generated(tmp_path, streets, features=homes, settings=settings)
    lone = demand.parcels[demand.lat > town.corner(6.8, 0)[1]].sum()
    assert 0 < lone <= demand.parcels.sum()
    # The lone cell's people are put on the nearest street, not 440 m north of it.
    assert demand.lat.max() <= town.corner(7, 0)[1] + 1e-6


@pytest.mark.parametrize("at_home", [True, False])
def test_people_off_the_map_are_left_out_and_not_put_where_it_ends(tmp_path, streets, at_home):
    near, far = town.corner(1, 1), town.corner(7, 7)
    living = f"{near[0]},{near[1]},900\n" if at_home else ""
    (tmp_path / "people.csv").write_text(f"lon,lat,population\n{living}{far[0]},{far[1] + 0.5},100\n")
    homes = [area("home", 1, 1, building="apartments")]
    settings = ', population = { file = "people.csv", crs = "wgs84" }'
    if not at_home:
        with pytest.raises(InputError, match="nobody lives on the map"):
            generated(tmp_path, streets, features=homes, settings=settings)
        return
    demand = generated(tmp_path, streets, features=homes, settings=settings)
    assert set(demand.name) == {"home"}
    assert any("1 places with 10.0% of the people lie off the map" in note for note in demand.notes)


COMPARTMENTS = {'id = "locker"\n': 'id = "locker"\ncompartments = { S = 20, M = 20, L = 10, XL = 2 }\n'}


def of_kind(demand, channel, column):
    """Parcels by size or skill among those for a channel."""
    found = dict.fromkeys(getattr(demand, column), 0)
    for parcels, channels, kind in zip(demand.parcels.tolist(), demand.channels, getattr(demand, column), strict=True):
        if channels[0] == channel:
            found[kind] += parcels
    return {kind: number for kind, number in found.items() if number}


def test_sizes_and_chilled_parcels_are_drawn_by_their_shares_and_change_no_totals(tmp_path, streets):
    plain = generated(tmp_path, streets)
    sized = generated(tmp_path, streets, settings=", chilled_share = 0.25", also=COMPARTMENTS)
    again = generated(tmp_path, streets, settings=", chilled_share = 0.25", also=COMPARTMENTS)
    assert (sized.id, sized.size, sized.skill) == (again.id, again.size, again.skill)
    assert len(set(sized.id)) == len(sized)
    for channel in ("door", "locker", "station"):
        before, after = of_kind(plain, channel, "skill"), of_kind(sized, channel, "skill")
        assert sum(before.values()) == sum(after.values())
        assert after["cold"] / sum(after.values()) == pytest.approx(0.25, abs=0.05)
    sizes = of_kind(sized, "locker", "size")
    ordinary = sum(number for size, number in sizes.items() if size)
    for size, share in {"S": 0.55, "M": 0.30, "L": 0.12, "XL": 0.03}.items():
        assert sizes[size] / ordinary == pytest.approx(share, abs=0.06)
    # Only the lockers have compartments.
    assert set(of_kind(sized, "station", "size")) == set(of_kind(sized, "door", "size")) == {""}
    assert "assumed: 25.0% of the parcels are chilled" in sized.notes
    assert "assumed: parcels by size S 55%, M 30%, L 12%, XL 3%" in sized.notes


def test_without_compartments_and_chilled_parcels_demand_is_what_it_was(tmp_path, streets):
    plain = generated(tmp_path, streets)
    sized = generated(tmp_path, streets, settings=", sizes = { S = 0.2, XL = 0.8 }")
    assert (plain.id, plain.parcels.tolist(), plain.window_start_s.tolist(), set(plain.size)) == (
        sized.id, sized.parcels.tolist(), sized.window_start_s.tolist(), {""},
    )  # fmt: skip


def test_shares_of_sizes_are_the_scenarios(tmp_path, streets):
    demand = generated(tmp_path, streets, settings=", sizes = { S = 0.5, XL = 0.5 }", also=COMPARTMENTS)
    assert set(of_kind(demand, "locker", "size")) == {"S", "XL"}


def test_sizes_of_a_table_are_kept_and_missing_ones_assumed(tmp_path, streets):
    lon, lat = town.corner(3, 3)
    rows = ("a,xl,locker,", "b,,locker;door,cold", "c,,door,", "d,,locker,")
    lines = [f"{lon},{lat},{cells}" for cells in rows]
    orders = "\n".join(["lon,lat,id,规格,options,技能", *lines]) + "\n"
    scenario = load_scenario(town.write_town(tmp_path, orders=orders, scenario=COMPARTMENTS))
    demand = build_demand(scenario, streets[1], streets[0], Districts.from_frame(scenario.districts))
    assert demand.size == ("XL", "", "", "")
    assert demand.chilled().tolist() == [False, True, False, False]
    assert any("size S where an order for a compartment states none (1 orders)" in note for note in demand.notes)
