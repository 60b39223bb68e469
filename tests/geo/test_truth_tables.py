"""Travel tables on real maps against two programs that share no code with the core: scipy's Dijkstra and RoutingKit."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import product

import numpy as np
import pytest
import shapely

from benchmarks.roads.peers import dijkstra, routingkit
from benchmarks.roads.weighted import weigh
from lastmile import _core
from lastmile.geo.access import Profile, lay_rules
from lastmile.geo.network import RoadNetwork
from lastmile.geo.osm import ReadOptions
from lastmile.geo.paths import Roads
from lastmile.geo.speeds import REGIMES
from lastmile.geo.tags import MODES
from lastmile.scenario import (
    Battery,
    Calendar,
    Demand,
    Depot,
    Generated,
    MapSource,
    ScenarioFile,
    VehicleFilter,
    VehicleType,
    Zone,
)

MAPS = ("chengdu.osm", "porto-alegre.osm.pbf", "andorra.osm.pbf", "helsinki-clipped.osm.pbf")
PLACES = 120
# Dijkstra takes some milliseconds per origin on the largest of the maps, so fewer origins reach all the places.
ORIGINS = 30


def network_without_restrictions(path):
    """The network whose tables are compared; both peers are given its nodes and edges as they are."""
    return RoadNetwork.from_osm(path, ReadOptions(turn_restrictions=False))


@dataclass(frozen=True)
class Town:
    network: RoadNetwork

    @cached_property
    def hierarchy(self):
        weighted = weigh(self.network)
        return weighted.hierarchy(weighted.graph())

    @cached_property
    def contracted(self):
        """RoutingKit's hierarchy of all edges, open or closed, once for every class and hour."""
        return routingkit.contract(weigh(self.network), np.ones(self.network.edges, dtype=bool))

    def tables(self, weighted, nodes):
        return _core.many_to_many(weighted.graph(), weighted.metric(self.hierarchy), weighted.positions(nodes))

    def check(self, weighted, what):
        """Compare all pairs with RoutingKit, and those from some of the origins with Dijkstra."""
        nodes = weighted.sample(PLACES)
        assert len(nodes) == PLACES, what
        times = self.tables(weighted, nodes)[0]
        every = np.ones(self.network.edges, dtype=bool)
        metric = routingkit.customize(self.contracted, routingkit.weights(weighted, every))
        np.testing.assert_array_equal(times, routingkit.as_table(routingkit.sweep(metric, nodes)), err_msg=what)
        some = np.arange(0, PLACES, PLACES // ORIGINS)
        truth = dijkstra.table(dijkstra.matrix(weighted), nodes[some], nodes)
        np.testing.assert_array_equal(times[some], truth, err_msg=what)
        return times


@pytest.fixture(scope="module", params=MAPS)
def town(request, data_folder):
    return Town(network_without_restrictions(data_folder / "osm" / request.param))


def test_tables_equal_dijkstra_and_routingkit_for_every_class_in_every_regime(town):
    for mode, regime in product(MODES, REGIMES):
        times = town.check(weigh(town.network, mode, regime), f"{mode}, {regime}")
        # Every class keeps its largest component only, so that all of its nodes reach each other.
        assert (times != _core.UNREACHABLE).all()


def test_edges_of_paths_sum_to_the_tables(town):
    for mode in MODES:
        weighted = weigh(town.network, mode)
        nodes = weighted.sample(8)
        time, length, energy = town.tables(weighted, nodes)
        graph, metric, points = weighted.graph(), weighted.metric(town.hierarchy), weighted.positions(nodes)
        for origin, target in product(range(len(nodes)), repeat=2):
            edges = _core.path(graph, metric, points, origin, target)
            # A place at a node may be named by the end of an edge that enters it, or the start of one that leaves it.
            if len(edges) and weighted.head[edges[0]] == nodes[origin]:
                edges = edges[1:]
            if len(edges) and weighted.tail[edges[-1]] == nodes[target]:
                edges = edges[:-1]
            at = nodes[origin]
            for edge in edges:
                assert weighted.tail[edge] == at
                at = weighted.head[edge]
            assert at == nodes[target]
            for weight, table in ((weighted.time, time), (weighted.length, length), (weighted.energy, energy)):
                assert weight[edges].sum() == table[origin, target], (mode, origin, target)


def trucks_kept_out(network, vehicle):
    """A scenario whose middle ninth is closed to trucks from 7 to 20, under the usual peak and night traffic."""
    west, south, east, north = network.bounds
    file = ScenarioFile(
        name="town",
        day=date(2026, 11, 18),
        map=MapSource(osm="town.osm"),
        demand=Demand(generate=Generated(parcels_per_person_day=0.3)),
        depots=(Depot(id="d", lon=west, lat=south, crs="wgs84"),),
        vehicles=(vehicle,),
        zones=(
            Zone(
                id="z",
                polygon="middle",
                vehicles=VehicleFilter(vehicle_class=("truck_light",)),
                when=Calendar(hours=("07:00-20:00",)),
            ),
        ),
    )
    width, height = (east - west) / 3, (north - south) / 3
    middle = shapely.box(west + width, south + height, east - width, north - height)
    return lay_rules(network, file, {"middle": middle}, metric_crs="EPSG:3857")


@pytest.mark.parametrize("vehicle_class", ["e_van", "truck_light"])
def test_tables_equal_dijkstra_and_routingkit_in_every_period(town, vehicle_class):
    network = town.network
    vehicle = VehicleType(
        id="v",
        vehicle_class=vehicle_class,
        based_at=("d",),
        parcels=100.0,
        battery=Battery(usable_kwh=40.0, kwh_per_km=0.2),
    )
    profile = Profile(vehicle=vehicle)
    roads = Roads(network, trucks_kept_out(network, vehicle))
    # 0-6 night, 6-7 free, 7-9 peak, 9-17 free, 17-19.30 peak, 19.30-20 free but closed, 20-22 free, then night: the
    # second day goes the same way.
    hours = [period.start_s / 3600 for period in roads.periods]
    cuts = [0, 6, 7, 9, 17, 19.5, 20, 22, 30, 31, 33, 41, 43.5, 44, 46]
    # Porto Alegre has streets with hours of their own, which cut the day further.
    assert (hours == cuts) if not network.conditions else (set(hours) > set(cuts))
    for period in roads.periods[: hours.index(30)]:
        weighted = replace(weigh(network, vehicle_class), time=roads.weights(profile, (period,)))
        town.check(weighted, f"{vehicle_class}, from {period.start_s} s")
        shut = roads.access.zones_in_force(profile, period) == ("z",)
        assert shut == (vehicle_class == "truck_light" and 7 * 3600 <= period.start_s < 20 * 3600)
        open_inside = weighted.open & roads.access.inside["z"][network.edge_segment]
        assert open_inside.any() != shut
