"""Where sites may stand: every kind of host, every reason to exclude a place."""

import numpy as np
import pytest
import shapely
import town

from lastmile.geo.candidates import count_reasons, find_candidates, host_of
from lastmile.geo.districts import Districts
from lastmile.geo.features import Feature
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import Snapper
from lastmile.loading import load_scenario


@pytest.mark.parametrize(
    ("tags", "host"),
    [
        ({"amenity": "university"}, "university"),
        ({"amenity": "college"}, "university"),
        ({"amenity": "school"}, "school"),
        ({"amenity": "hospital"}, "hospital"),
        ({"amenity": "post_office"}, "post_office"),
        ({"amenity": "townhall"}, "office"),
        ({"amenity": "marketplace"}, "shop"),
        ({"shop": "kiosk"}, "shop"),
        ({"office": "company"}, "office"),
        ({"building": "office"}, "office"),
        ({"place": "village"}, "village"),
        ({"place": "hamlet"}, "village"),
        ({"place": "town"}, "town"),
        ({"landuse": "residential"}, "residential"),
        ({"landuse": "industrial"}, "industrial"),
        ({"landuse": "commercial"}, "commercial"),
        ({"landuse": "retail"}, "commercial"),
        ({"amenity": "hospital", "shop": "chemist"}, "hospital"),
        ({"landuse": "forest"}, None),
        ({"amenity": "bench"}, None),
        ({}, None),
    ],
)
def test_host_of_tags(tags, host):
    assert host_of(tags) == host


def feature(name, place, geometry=None, **tags):
    return Feature(osm_id=name, name=name, tags=tags, geometry=geometry or shapely.Point(*place))


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    path = town.write_town(tmp_path_factory.mktemp("streets"))
    return RoadNetwork.from_osm(path.parent / "town.osm")


def find(folder, streets, features, table=None, scenario=None, demand=((3.5, 3.5),), forbidden=None):
    """Candidates and exclusions of a town with these features and this table."""
    changes = dict(scenario or {})
    extra = ""
    if table is not None:
        (folder / "places.csv").write_text(
            "id,name,host,lon,lat,status,facilities,modules,district\n" + "\n".join(table), encoding="utf-8"
        )
        extra += 'table = { file = "places.csv", crs = "wgs84" }\n'
    if forbidden is not None:
        shapely_text = shapely.to_geojson(forbidden)
        (folder / "no.geojson").write_text(
            '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"reason": "old town"}, '
            f'"geometry": {shapely_text}}}]}}'
        )
        extra += 'forbidden = { file = "no.geojson", crs = "wgs84" }\n'
    extra += changes.pop("candidates", "")
    path = town.write_town(folder, scenario={"[search]": f"[candidates]\n{extra}\n[search]"} | changes)
    loaded = load_scenario(path)
    places = np.array([town.corner(*place) for place in demand])
    return find_candidates(
        loaded, tuple(features), Snapper(streets, "walk"), Districts.from_frame(loaded.districts), places
    )


def reasons(excluded):
    return {item.id: item.reason for item in excluded}


def test_facilities_follow_the_host_and_district_the_place(tmp_path, streets):
    found, excluded = find(
        tmp_path,
        streets,
        [
            feature("shop", town.corner(3, 3), shop="kiosk"),
            feature("school", town.corner(6.5, 3), amenity="school"),
            feature("mill", town.corner(3, 4), landuse="industrial"),
        ],
        demand=((3, 3), (6.5, 3)),
    )
    assert {c.id: c.facilities for c in found} == {"shop": ("outlet", "station"), "school": ("locker",)}
    assert {c.id: c.district for c in found} == {"shop": "河南镇", "school": "河北镇"}
    assert excluded == ()  # no facility wants a mill, so it is no candidate and needs no reason


def test_table_comes_first_and_keeps_existing_and_forbidden_sites(tmp_path, streets):
    at = {name: town.corner(3, column) for name, column in (("old", 1), ("no", 2), ("new", 4))}
    table = [
        f"old,Old,shop,{at['old'][0]},{at['old'][1]},existing,locker,3,My District",
        f"no,No,shop,{at['no'][0]},{at['no'][1]},forbidden,,,",
        f"new,New,shop,{at['new'][0]},{at['new'][1]},candidate,,,",
    ]
    found, excluded = find(tmp_path, streets, [feature("a-shop", town.corner(3, 6), shop="x")], table)
    assert [c.id for c in found] == ["old", "new", "a-shop"]
    assert [c.existing_modules for c in found] == [3, 0, 0]
    assert found[0].facilities == ("locker",)
    assert found[0].district == "My District"
    assert found[1].facilities == ("outlet", "locker", "station")
    assert reasons(excluded) == {"no": "forbidden in the table"}


def test_each_reason_to_exclude(tmp_path, streets):
    lake = shapely.box(*town.corner(1.9, 1.9), *town.corner(2.1, 2.1))
    old = shapely.box(*town.corner(3.9, 3.9), *town.corner(4.1, 4.1))
    features = [
        feature("good", town.corner(3, 3), shop="x"),
        feature("twin", np.array(town.corner(3, 3)) + 0.0001, shop="x"),
        feature("afloat", town.corner(2, 2), shop="x"),
        feature("monument", town.corner(4, 4), shop="x"),
        feature("afar", town.corner(3, 11), shop="x"),
        feature("lake", None, lake, natural="water"),
    ]
    found, excluded = find(tmp_path, streets, features, forbidden=old)
    assert [c.id for c in found] == ["good"]
    assert reasons(excluded) == {
        "twin": "the same place as another candidate",
        "afloat": "on land that is not built on (water, forest, military, cemetery)",
        "monument": "old town",
        "afar": "further than 500 m from any way on foot",
    }
    assert count_reasons(excluded)["old town"] == 1


def test_no_demand_within_reach_excludes_unless_a_target_counts_such_sites(tmp_path, streets):
    # The school may only hold lockers, the shop an outlet too; 1,500 m is the widest reach, targets count outlets and
    # lockers, so both stay. Without the target for lockers the school has nothing to be there for.
    features = [feature("school", town.corner(7, 0), amenity="school"), feature("shop", town.corner(7, 1), shop="x")]
    far = ((0, 7),)
    kept, _ = find(tmp_path, streets, features, demand=far)
    assert {c.id for c in kept} == {"school", "shop"}
    text = town.SCENARIO
    start = text.index('[[targets]]\nmeasure = "count"\nid = "lockers"')
    clause = text[start : text.index("[[targets]]", start + 1)]
    kept, excluded = find(tmp_path, streets, features, demand=far, scenario={clause: ""})
    assert {c.id for c in kept} == {"shop"}
    assert reasons(excluded) == {"school": "no demand within 1500 m"}


def test_maximum_keeps_the_nearest_to_demand_and_what_exists(tmp_path, streets):
    lon, lat = town.corner(0, 7)
    features = [feature(f"s{k}", town.corner(3, k), shop="x") for k in range(6)]
    found, excluded = find(
        tmp_path,
        streets,
        features,
        [f"old,Old,shop,{lon},{lat},existing,locker,2,"],
        {"candidates": "maximum = 2\n"},
        demand=((3, 2.2),),
    )
    assert {c.id for c in found} == {"old", "s2", "s3"}
    assert set(reasons(excluded).values()) == {"beyond the 2 candidates nearest to demand"}
