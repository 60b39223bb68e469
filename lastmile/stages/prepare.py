"""Stage 1: the city as the solvers' stages need it: streets, rules, demand and candidate places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lastmile.chargers import Charger, read_chargers
from lastmile.errors import Fault, InputError
from lastmile.geo.access import Access, lay_rules, stopping_edges
from lastmile.geo.cache import PreparedNetwork, prepare_network
from lastmile.geo.candidates import Candidate, Excluded, count_reasons, find_candidates
from lastmile.geo.demand import Demand, build_demand
from lastmile.geo.districts import Districts
from lastmile.geo.elevation import climbs
from lastmile.geo.features import Feature, read_features
from lastmile.geo.network import RoadNetwork
from lastmile.geo.ordering import make_hierarchy
from lastmile.geo.osm import ReadOptions
from lastmile.geo.paths import Roads
from lastmile.geo.snapping import EdgePoints, Snapper
from lastmile.geo.speeds import lay_measured
from lastmile.geo.tags import Mode
from lastmile.loading import Scenario, depot_places
from lastmile.scenario import CHILLED, ScenarioFile
from lastmile.stages.trips import swaps

Progress = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class City:
    """Everything that has a longitude, ready for use.

    ``places`` are the demand's distinct places (lon, lat), ``place_of`` maps each order to its place; ``walk_places``
    are the places' positions on the walking network.
    """

    scenario: Scenario
    network: RoadNetwork
    features: tuple[Feature, ...]
    districts: Districts
    access: Access
    roads: Roads
    snappers: dict[Mode, Snapper]
    demand: Demand
    chargers: tuple[Charger, ...]
    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    places: NDArray[np.float64]
    place_of: NDArray[np.int64]
    walk_places: EdgePoints
    warnings: tuple[str, ...]

    def parcels_of_places(self, orders: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Parcels of each place, of all orders or of those that are marked."""
        parcels = self.demand.parcels if orders is None else np.where(orders, self.demand.parcels, 0)
        return np.bincount(self.place_of, weights=parcels, minlength=len(self.places)).astype(np.float64)

    def of_orders(self, index: NDArray[np.int64]) -> "City":
        """The same city with only the orders at ``index``; the candidates stay those of all orders."""
        used, place_of = np.unique(self.place_of[index], return_inverse=True)
        return replace(
            self,
            demand=self.demand.take(index),
            places=self.places[used],
            place_of=place_of.reshape(-1),
            walk_places=self.walk_places.take(used),
        )


def load_network(scenario: Scenario) -> PreparedNetwork:
    """Read the scenario's map; a place name is downloaded, which is the only use of the internet."""
    path, source = scenario.map_path, scenario.file.map
    if path is None:
        assert source.place is not None
        network = RoadNetwork.from_place(source.place)
        return PreparedNetwork(
            network=network, order=make_hierarchy(network).order, origin=f"downloaded: {source.place}"
        )
    options = ReadOptions(ferries=source.ferries, turn_restrictions=source.turn_restrictions)
    return prepare_network(path, options, keep=source.cache, threads=scenario.file.search.threads)


def load_features(scenario: Scenario) -> tuple[tuple[Feature, ...], dict[str, int]]:
    """Read the map's places and areas; the second value counts what was dropped and why."""
    if scenario.map_path is not None:
        return read_features(scenario.map_path)
    from lastmile.geo.osmnx_graphs import features_from_place

    assert scenario.file.map.place is not None
    return features_from_place(scenario.file.map.place), {}


def prepare(scenario: Scenario, *, on_progress: Progress) -> City:
    """Read the map, lay the rules on it, find demand and candidates.

    Raises
    ------
    InputError
        When a vehicle class has no road, a depot stands too far from one, a zone closes every road to everyone, an
        order lies off the map, or the raster of heights cannot be used.
    """
    on_progress("map", "reading streets and places")
    prepared = load_network(scenario)
    network = prepared.network
    on_progress("map", f"roads {prepared.origin}")
    features, dropped = load_features(scenario)
    on_progress(
        "map", f"{network.junctions:,} junctions, {network.segments:,} segments, {len(features):,} places and areas"
    )
    snappers = _snappers(scenario, network)
    unmeasured: list[str] = []
    measured = None
    if scenario.measured is not None:
        table = scenario.file.speeds.measured
        assert table is not None
        measured, unmeasured = lay_measured(network, scenario.measured, place=table.file)
    access = lay_rules(
        network, scenario.file, scenario.zone_polygons, metric_crs=scenario.metric_crs, measured=measured
    )
    warnings = [*scenario.warnings, *_warnings(scenario, network, access, dropped), *unmeasured]
    districts = Districts.from_frame(scenario.districts)
    on_progress("demand", "placing the day's parcels")
    demand = build_demand(scenario, features, network, districts)
    on_progress("demand", demand.notes[-1] if demand.notes else "")
    places, place_of = np.unique(np.column_stack((demand.lon, demand.lat)), axis=0, return_inverse=True)
    candidates, excluded = find_candidates(scenario, features, snappers["walk"], districts, places)
    for reason, number in count_reasons(excluded).items():
        warnings.append(f"candidates excluded: {number} {reason}")
    on_progress("candidates", f"{len(candidates):,} places may hold a site, {len(excluded):,} are excluded")
    warnings += demand.notes
    warnings += _chilled_warnings(scenario, demand)
    chargers = read_chargers(scenario)
    warnings += _charging_warnings(scenario.file, chargers)
    return City(
        scenario=scenario,
        network=network,
        features=features,
        districts=districts,
        access=access,
        roads=Roads(
            network,
            access,
            threads=scenario.file.search.threads,
            order=prepared.order,
            climbs=None if scenario.elevation_path is None else climbs(network, scenario.elevation_path),
        ),
        snappers=snappers,
        demand=demand,
        chargers=chargers,
        candidates=candidates,
        excluded=excluded,
        places=places,
        place_of=place_of.reshape(-1),
        walk_places=snappers["walk"].snap(places[:, 0], places[:, 1]),
        warnings=tuple(warnings),
    )


def _chilled_warnings(scenario: Scenario, demand: Demand) -> list[str]:
    orders = int(demand.chilled().sum())
    found = []
    if orders and not any(CHILLED in vehicle.skills for vehicle in scenario.file.vehicles):
        found.append(f"{orders:,} chilled orders, but no vehicle type has the skill {CHILLED!r}: none is delivered")
    if orders and not any(facility.parcels_per_chilled_module for facility in scenario.file.facilities):
        found.append(f"{orders:,} chilled orders, but no facility has refrigerated modules: they go to doors at best")
    return found


def _snappers(scenario: Scenario, network: RoadNetwork) -> dict[Mode, Snapper]:
    """One index per mode in use; every depot must stand near a road of every class based there."""
    faults = []
    modes: list[Mode] = ["walk", *dict.fromkeys(vehicle.vehicle_class for vehicle in scenario.file.vehicles)]
    source = scenario.file.map
    snappers: dict[Mode, Snapper] = {
        mode: Snapper(
            network,
            mode,
            edges=stopping_edges(network, scenario.file, mode),
            kerbside=() if mode == "walk" else source.kerbside,
            drive_on=source.drive_on,
        )
        for mode in modes
    }
    for mode, snapper in snappers.items():
        if not snapper.usable:
            faults.append(
                Fault(
                    place=network.source,
                    cause=f"the map has no road for {mode}",
                    remedy="take an extract with such roads, or leave the vehicle class out",
                )
            )
    limit = scenario.file.map.max_snap_m
    lon, lat = depot_places(scenario.file)
    for i, (depot, x, y) in enumerate(zip(scenario.file.depots, lon, lat, strict=True)):
        for mode in dict.fromkeys(v.vehicle_class for v in scenario.file.vehicles if depot.id in v.based_at):
            if not snappers[mode].usable:
                continue
            distance = float(snappers[mode].snap(x, y).distance_m[0])
            if distance > limit:
                faults.append(
                    Fault(
                        place=f"{scenario.path.name}, depots[{i}] {depot.id!r}",
                        cause=f"({x:.5f}, {y:.5f}) is {distance:,.0f} m from the nearest road for {mode}",
                        remedy=f"move it to a road (limit map.max_snap_m = {limit:g}), check its crs and the map",
                    )
                )
    if faults:
        raise InputError(faults)
    return snappers


def _charging_warnings(file: ScenarioFile, chargers: Sequence[Charger]) -> list[str]:
    """What of charging on the way is not planned with, and why."""
    able = [vehicle for vehicle in file.vehicles if vehicle.charges_on_its_way]
    if not able and not chargers:
        return []
    if not able:
        return ["chargers are only drawn: no vehicle's battery states its power of charging (battery.charging)"]
    found = []
    for vehicle in able:
        if not any(charger.admits(vehicle) and charger.power_kw > 0 for charger in chargers):
            found.append(f"vehicle {vehicle.id}: it can charge on its way, but no charger takes it")
    return found


def _warnings(scenario: Scenario, network: RoadNetwork, access: Access, dropped: dict[str, int]) -> list[str]:
    found = [f"map: {number} {reason}" for reason, number in {**network.dropped, **dropped}.items()]
    length = float(network.segment_length_m.sum())
    for mode in dict.fromkeys(("walk", *(vehicle.vehicle_class for vehicle in scenario.file.vehicles))):
        if network.cut_off[mode] > 0:
            found.append(
                f"map: {network.cut_off[mode] / 1000:.1f} km of road for {mode} are cut off from the rest and unused "
                f"({network.cut_off[mode] / length:.1%} of all roads)"
            )
    if network.synthetic:
        found.insert(0, "the map is a synthetic city: streets, homes and shops are made up")
    for zone in scenario.file.zones:
        inside = access.inside[zone.id][network.segment_length_m > 0]
        if not inside.any():
            found.append(f"zone {zone.id}: none of the map's roads is in it")
        elif inside.all():
            found.append(f"zone {zone.id}: every road of the map is in it")
    for vehicle in scenario.file.vehicles:
        if vehicle.trips_per_day == 1 and swaps(vehicle):
            found.append(
                f"vehicle {vehicle.id}: its battery is swapped where it reloads, and with one trip a day it never does"
            )
    batteries = [vehicle.battery for vehicle in scenario.file.vehicles if vehicle.battery is not None]
    if scenario.elevation_path is not None and all(battery.physics is None for battery in batteries):
        found.append("map.elevation changes nothing: no vehicle has a battery with physics")
    if any(depot.docks is not None for depot in scenario.file.depots):
        found.append("depots: docks are not limited yet")
    return found
