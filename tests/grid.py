"""A made-up grid of streets with rules, as Roads: for tests of travel between positions."""

from datetime import date
from itertools import product

import numpy as np
import shapely

from lastmile.geo.access import Profile, lay_rules
from lastmile.geo.network import RoadNetwork
from lastmile.geo.paths import Roads
from lastmile.geo.snapping import Snapper
from lastmile.scenario import (
    Battery,
    Demand,
    Depot,
    Generated,
    MapSource,
    ScenarioFile,
    Speeds,
    VehicleType,
    Zone,
)

HOUR = 3600
DAY = 86_400
WEST, SOUTH, STEP = 113.0, 34.0, 0.002
QUIET = Speeds(peak=(), night=())


def vehicle(kind="e_van", **values):
    battery = Battery(usable_kwh=40.0, kwh_per_km=0.2)
    return VehicleType(**({"id": kind, "vehicle_class": kind, "based_at": ("d",), "parcels": 100.0,
                           "battery": battery} | values))  # fmt: skip


def profile(kind="e_van", **values):
    return Profile(vehicle=vehicle(kind, **values))


def scenario(*, zones=(), speeds=QUIET, **values):
    return ScenarioFile(
        name="grid",
        day=date(2026, 11, 18),
        map=MapSource(osm="grid.osm"),
        demand=Demand(generate=Generated(parcels_per_person_day=0.3)),
        depots=(Depot(id="d", lon=WEST, lat=SOUTH, crs="wgs84"),),
        vehicles=(vehicle(),),
        zones=zones,
        speeds=speeds,
        **values,
    )


def zone(polygon, hours, name=None, **values):
    return Zone(
        id=name or f"{polygon} {hours}",
        polygon=polygon,
        when={"hours": (hours,)},
        **({"boundary": "included", "boundary_tolerance_m": 0.0} | values),
    )


def box(row, column, rows, columns):
    """A rectangle that begins at a crossing, sizes in blocks."""
    west, south = WEST + column * STEP, SOUTH + row * STEP
    return shapely.box(west, south, west + columns * STEP, south + rows * STEP)


def streets(write_map, rows, columns, highway=lambda row, column, along: "residential"):
    """A grid of two-way streets; ``highway(row, column, along_row)`` names the class of the block that begins there."""
    nodes = {
        row * columns + column + 1: (WEST + column * STEP, SOUTH + row * STEP)
        for row, column in product(range(rows), range(columns))
    }
    ways = {}
    for row, column in product(range(rows), range(columns)):
        here = row * columns + column + 1
        for there, along in ((here + 1, True), (here + columns, False)):
            if (column + 1 < columns) if along else (row + 1 < rows):
                ways[len(ways) + 1] = ((here, there), {"highway": highway(row, column, along)})
    return RoadNetwork.from_osm(write_map(nodes, ways))


def roads(network, file, polygons=None, **values):
    return Roads(network, lay_rules(network, file, polygons or {}, metric_crs="EPSG:32649"), **values)


def points(network, places, mode="e_van"):
    """Positions at (row, column), between crossings for fractions."""
    at = np.array(places, dtype=np.float64)
    return Snapper(network, mode).snap(WEST + at[:, 1] * STEP, SOUTH + at[:, 0] * STEP)
