"""Walks equal a search by scipy over a network of junctions and the ways off the road."""

import numpy as np
import town
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from lastmile.stages.walks import area_pairs, furthest_reach, walks, walks_to_areas, wanted_areas


def brute_force(city, lon, lat, to_lon, to_lat):
    network = city.network
    size = network.nodes + len(lon) + len(to_lon)
    a, b, metres = [], [], []
    on_foot = np.flatnonzero(network.permitted("walk"))
    for edge in on_foot.tolist():
        a.append(network.edge_source[edge])
        b.append(network.edge_target[edge])
        metres.append(network.edge_length_m[edge])
    places = [(network.nodes + k, x, y) for k, (x, y) in enumerate(zip(lon, lat, strict=True))]
    places += [(network.nodes + len(lon) + k, x, y) for k, (x, y) in enumerate(zip(to_lon, to_lat, strict=True))]
    at = city.snappers["walk"].snap([x for _, x, _ in places], [y for _, _, y in places])
    for k, (node, _, _) in enumerate(places):
        edge = int(at.forward[k])
        length = float(network.edge_length_m[edge])
        ends = ((network.edge_source[edge], at.fraction[k]), (network.edge_target[edge], 1 - at.fraction[k]))
        for end, share in ends:
            a += [node, end]
            b += [end, node]
            metres += [share * length + at.distance_m[k] + 1e-9] * 2
        for other in range(k):
            if at.segment[other] == at.segment[k]:
                direct = abs(at.fraction[k] - at.fraction[other]) * length + at.distance_m[k] + at.distance_m[other]
                a += [node, places[other][0]]
                b += [places[other][0], node]
                metres += [direct + 1e-9] * 2
    # Parallel ways: the shortest counts, a sparse matrix would add them up.
    order = np.lexsort((metres, b, a))
    a, b, metres = np.array(a)[order], np.array(b)[order], np.array(metres)[order]
    keep = np.concatenate(([True], (a[1:] != a[:-1]) | (b[1:] != b[:-1])))
    graph = coo_array((metres[keep], (a[keep], b[keep])), shape=(size, size)).tocsr()
    rows = network.nodes + np.arange(len(lon))
    return dijkstra(graph, indices=rows)[:, network.nodes + len(lon) :]


def test_walks_equal_brute_force(make_city):
    city = make_city()
    lon, lat = np.array([c.lon for c in city.candidates]), np.array([c.lat for c in city.candidates])
    found = walks(city, lon, lat, city.walk_places)
    table = np.full((len(lon), len(city.places)), np.inf)
    table[found.origin, found.target] = found.metres
    slow = brute_force(city, lon, lat, city.places[:, 0], city.places[:, 1])
    reach = furthest_reach(city)
    assert reach == 1500.0
    np.testing.assert_allclose(table[table <= reach - 1], slow[table <= reach - 1], atol=0.1)
    assert (slow[np.isinf(table)] >= reach - 1).all()
    assert (table < np.inf).sum() > 300


def test_place_inside_an_area_is_at_no_distance(make_city):
    city = make_city()
    lon, lat = town.corner(0.5, 1.5)  # the place of community 0, 100 m from any street
    pairs = walks_to_areas(city, np.array([lon]), np.array([lat]))
    nearest = pairs.metres[pairs.target == 0]
    assert nearest.tolist() == [0.0]


def test_with_at_most_one_a_place_belongs_to_the_nearer_area(make_city):
    clause = (
        '[[targets]]\nmeasure = "each_area"\nid = "each"\ntext = "each"\nfacilities = ["locker"]\n'
        'area_kind = "community"\nreach_m = 900.0\nat_most_one = true\ndistricts = ["河南镇"]\n\n[[depots]]'
    )
    city = make_city({"[[depots]]": clause})
    target = city.scenario.file.targets[-1]
    lon, lat = town.corner(0.5, 1.9)
    pairs = walks_to_areas(city, np.array([lon]), np.array([lat]))
    assert len(pairs.within(900.0).target) > 1
    assert area_pairs(city, target, pairs).target.tolist() == [0]
    assert wanted_areas(city, target).tolist() == [True] * 8 + [False] * 2  # the last two lie north of the river
