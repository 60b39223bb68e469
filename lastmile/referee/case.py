"""What is under examination, with the lookups that every rule needs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from lastmile.geo.access import stopping_edges
from lastmile.geo.crs import to_wgs84
from lastmile.geo.demand import Demand
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.elevation import climbs
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import EdgePoints, Snapper
from lastmile.geo.tags import MODES, Mode
from lastmile.loading import Scenario
from lastmile.plans import Plan, Route, Site, Stop, Violation
from lastmile.scenario import Depot, Facility, Permit, VehicleType
from lastmile.units import DAY_S, parse_hours

Place = tuple[float, float]
Violations = Iterator[Violation]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A plan beside everything it has to answer to.

    A plan may name things that do not exist. The lookups give None for them: the rule of identity reports the name,
    every other rule passes over it.
    """

    scenario: Scenario
    network: RoadNetwork
    demand: Demand
    plan: Plan

    @cached_property
    def orders(self) -> dict[str, int]:
        """Order id -> row of the demand."""
        return {order: row for row, order in enumerate(self.demand.id)}

    @cached_property
    def sites(self) -> dict[str, Site]:
        """Sites of the plan by id."""
        return {site.id: site for site in self.plan.sites}

    @cached_property
    def facilities(self) -> dict[str, Facility]:
        """Facilities of the scenario by id."""
        return {facility.id: facility for facility in self.scenario.file.facilities}

    @cached_property
    def vehicles(self) -> dict[str, VehicleType]:
        """Vehicle types of the scenario by id."""
        return {vehicle.id: vehicle for vehicle in self.scenario.file.vehicles}

    @cached_property
    def permits(self) -> dict[str, Permit]:
        """Permits of the scenario by id."""
        return {permit.id: permit for permit in self.scenario.file.permits}

    @cached_property
    def depots(self) -> dict[str, Depot]:
        """Depots of the scenario by id."""
        return {depot.id: depot for depot in self.scenario.file.depots}

    @cached_property
    def depot_places(self) -> dict[str, Place]:
        """Longitude and latitude of every depot in WGS-84."""
        places = {}
        for depot in self.scenario.file.depots:
            lon, lat = to_wgs84([depot.lon], [depot.lat], depot.crs)
            places[depot.id] = (float(lon[0]), float(lat[0]))
        return places

    @cached_property
    def chargers(self) -> dict[str, "Charger"]:
        """Chargers of the scenario's table by id."""
        table = self.scenario.chargers
        if table is None:
            return {}
        columns = (table["id"], table["power_kw"], table["vehicles"], table["yuan_per_kwh"], table.geometry)
        return {
            key: Charger(
                place=(float(point.x), float(point.y)), kw=float(kw), classes=tuple(classes), price=float(price)
            )
            for key, kw, classes, price, point in zip(*columns, strict=True)
        }

    @cached_property
    def candidate_places(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes and latitudes of the scenario's table of candidates, empty where it has none."""
        table = self.scenario.candidates
        if table is None:
            return np.empty(0), np.empty(0)
        return table.geometry.x.to_numpy(), table.geometry.y.to_numpy()

    def districts_at(self, lon: float, lat: float) -> list[str]:
        """Districts that a place is in or nearest to; several where borders touch, one without name without a table."""
        frame = self.scenario.districts
        if frame is None:
            return [""]
        away = shapely.distance(self._district_shapes, shapely.Point(lon * self._squeeze, lat))
        return [str(name) for name in frame["name"][away <= away.min() + 1e-6]]

    @cached_property
    def _squeeze(self) -> float:
        """Metres in a degree of longitude for each in one of latitude, halfway between the table's south and north."""
        bounds = self.scenario.districts.total_bounds
        per_lon, per_lat = metres_per_degree(np.array([(bounds[1] + bounds[3]) / 2]))
        return float(per_lon[0] / per_lat[0])

    @cached_property
    def _district_shapes(self) -> NDArray[np.object_]:
        shapes = self.scenario.districts.geometry.to_numpy()
        squeezed = shapely.transform(shapes, lambda points: points * np.array([self._squeeze, 1.0]))
        return np.asarray(squeezed, dtype=object)

    @cached_property
    def rises(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Metres up along and down along every segment; None where the scenario has no raster of heights."""
        if self.scenario.elevation_path is None:
            return None
        found = climbs(self.network, self.scenario.elevation_path)
        return found.ascent_m, found.descent_m

    @cached_property
    def edge_tail(self) -> NDArray[np.int32]:
        """Node at which every edge starts."""
        return self.network.edge_source

    @cached_property
    def edge_of_segment(self) -> NDArray[np.int64]:
        """Some edge of every segment."""
        edges = np.zeros(self.network.segments, dtype=np.int64)
        edges[self.network.edge_segment] = np.arange(self.network.edges)
        return edges

    def facility(self, site_id: str) -> Facility | None:
        """The facility of a site of the plan."""
        site = self.sites.get(site_id)
        return None if site is None else self.facilities.get(site.facility)

    def place(self, stop: Stop) -> Place | None:
        """Where the thing that a stop names lies, by demand, plan or scenario; not what the stop says."""
        if stop.kind == "door":
            row = self.orders.get(stop.location_id)
            return None if row is None else (float(self.demand.lon[row]), float(self.demand.lat[row]))
        if stop.kind == "charge":
            charger = self.chargers.get(stop.location_id)
            return None if charger is None else charger.place
        site = self.sites.get(stop.location_id)
        if site is not None:
            return (site.lon, site.lat) if math.isfinite(site.lon) and math.isfinite(site.lat) else None
        return self.depot_places.get(stop.location_id) if stop.kind == "base" else None

    @cached_property
    def positions(self) -> dict[tuple[Mode, Place], "Position"]:
        """Where on the road each place of each route lies, for the mode of its vehicle."""
        wanted: dict[Mode, dict[Place, None]] = {mode: {} for mode in MODES}
        for route in self.plan.routes:
            vehicle = self.vehicles.get(route.vehicle_type)
            if vehicle is not None:
                for stop in route.stops:
                    place = self.place(stop)
                    if place is not None:
                        wanted[vehicle.vehicle_class][place] = None
        found: dict[tuple[Mode, Place], Position] = {}
        for mode, places in wanted.items():
            if not places:
                continue
            snapper = Snapper(self.network, mode, edges=stopping_edges(self.network, self.scenario.file, mode))
            if not snapper.usable:
                continue
            points = snapper.snap([lon for lon, _ in places], [lat for _, lat in places])
            for row, place in enumerate(places):
                found[mode, place] = Position.of(points, row)
        return found

    def position(self, vehicle: VehicleType, stop: Stop) -> "Position | None":
        """Where on the road a vehicle stands at a stop."""
        place = self.place(stop)
        return None if place is None else self.positions.get((vehicle.vehicle_class, place))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A point of the road: share of the segment's length from its first point, and metres away from the place."""

    segment: int
    fraction: float
    distance_m: float

    @classmethod
    def of(cls, points: EdgePoints, row: int) -> "Position":
        """One row of many."""
        return cls(
            segment=int(points.segment[row]),
            fraction=float(points.fraction[row]),
            distance_m=float(points.distance_m[row]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Charger:
    """A row of the table: no class of vehicle means all, a price that is not a number the vehicle's own."""

    place: Place
    kw: float
    classes: tuple[str, ...]
    price: float


def trips(route: Route) -> list[range]:
    """Cut a round at its visits to the base; each trip as the indices of its stops, both base stops included."""
    cuts = [0, *(i for i, stop in enumerate(route.stops[:-1]) if i and stop.kind == "base"), len(route.stops) - 1]
    return [range(a, b + 1) for a, b in pairwise(cuts)]


def leaving(route: Route, trip: range) -> int:
    """When a trip sets out: with its first leg, or where that is missing, at the end of its first stop."""
    first = trip[0]
    return route.legs[first].depart_s if first < len(route.legs) else route.stops[first].depart_s


def daily(hours: str) -> list[tuple[int, int]]:
    """Hours of every day, from the day before the planned day to the second after it."""
    start, end = parse_hours(hours)
    return [(start + day * DAY_S, end + day * DAY_S) for day in (-1, 0, 1, 2)]


def outside_s(moment: float, spans: list[tuple[int, int]]) -> float:
    """Seconds between a moment and the nearest of the spans, 0 within one (both ends belong to it)."""
    return min(max(start - moment, moment - end, 0) for start, end in spans)
