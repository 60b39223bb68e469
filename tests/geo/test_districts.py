"""Districts by polygons and by centres."""

import geopandas
import numpy as np
import pandas as pd
import shapely

from lastmile.geo.districts import Districts


def frame(shapes, **columns):
    count = len(shapes)
    table = {"name": [f"d{k}" for k in range(count)], "population": pd.array([100.0] * count, dtype="Float64")}
    return geopandas.GeoDataFrame(table | {"kind": ["urban"] * count} | columns, geometry=list(shapes), crs="EPSG:4326")


def test_place_belongs_to_the_polygon_it_is_in_and_outside_to_the_nearest_border():
    west, east = shapely.box(112.0, 34.0, 112.1, 34.1), shapely.box(112.2, 34.0, 112.3, 34.1)
    districts = Districts.from_frame(frame([west, east]))
    # The gap between them is 0.1 degrees wide; 112.14 is nearer to the western one.
    assert districts.of(np.array([112.05, 112.25, 112.14, 112.16]), np.full(4, 34.05)).tolist() == [0, 1, 0, 1]


def test_place_belongs_to_the_nearest_centre_on_the_ground():
    # A degree of longitude is shorter than one of latitude: 0.010 degrees east are 920 m, 0.009 north 1,000 m.
    centres = [shapely.Point(112.010, 34.0), shapely.Point(112.0, 34.009)]
    assert Districts.from_frame(frame(centres)).of(np.array([112.0]), np.array([34.0])).tolist() == [0]


def test_a_places_district_does_not_hang_on_what_else_is_asked_for():
    # On the line between the two centres the answer changes with the latitude at which a degree of longitude is taken.
    districts = Districts.from_frame(frame([shapely.Point(113.64, 34.72), shapely.Point(113.61, 34.752)]))
    east, north = np.random.default_rng(0).uniform((113.5, 34.6), (113.8, 34.9), (4_000, 2)).T
    together = districts.of(np.append(east, 113.0), np.append(north, 33.0))[:-1]
    alone = [int(districts.of(np.array([x]), np.array([y]))[0]) for x, y in zip(east, north, strict=True)]
    assert together.tolist() == alone


def test_population_may_be_unstated_and_counties_are_not_urban():
    table = frame(
        [shapely.Point(1, 1), shapely.Point(2, 2)],
        population=pd.array([pd.NA, 5.0], dtype="Float64"),
        kind=["urban", "county"],
    )
    districts = Districts.from_frame(table)
    assert np.isnan(districts.population[0])
    assert districts.population[1] == 5.0
    assert districts.urban.tolist() == [True, False]


def test_without_a_table_everything_is_one_district_without_name():
    districts = Districts.from_frame(None)
    assert districts.name == ("",)
    assert districts.of(np.array([1.0, 2.0]), np.array([3.0, 4.0])).tolist() == [0, 0]
    assert districts.of(np.empty(0), np.empty(0)).tolist() == []
