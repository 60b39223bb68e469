"""Which district a place is in: by polygon where there is one, else by the nearest centre."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from lastmile.geo.distances import metres_per_degree


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Districts:
    """The districts of a scenario.

    Parameters
    ----------
    name
        Names, length k; one unnamed district where the scenario has no table.
    population
        float64, persons, NaN where not stated.
    urban
        bool; False for counties.
    shapes
        shapely geometries in WGS-84, polygons or centres; empty without a table.
    """

    name: tuple[str, ...]
    population: NDArray[np.float64]
    urban: NDArray[np.bool_]
    shapes: NDArray[np.object_]

    @classmethod
    def from_frame(cls, frame: Any) -> "Districts":
        """From the table of :data:`lastmile.tables.schemas.DISTRICTS`, or None."""
        if frame is None:
            return cls(
                name=("",),
                population=np.array([np.nan]),
                urban=np.array([True]),
                shapes=np.empty(0, dtype=object),
            )
        return cls(
            name=tuple(frame["name"]),
            population=frame["population"].to_numpy(dtype=np.float64, na_value=np.nan),
            urban=(frame["kind"] == "urban").to_numpy(dtype=bool),
            shapes=frame.geometry.to_numpy(),
        )

    def of(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Index of each place's district.

        A place inside a polygon belongs to it. Any other belongs to the nearest shape: the nearest centre where the
        table has centres, the nearest border where it has polygons (places on a river or just outside the map). Near
        is measured on the plane at the middle latitude of all shapes, whichever places are asked for together.
        """
        if not len(self.shapes):
            return np.zeros(len(lon), dtype=np.int64)
        _, south, _, north = shapely.total_bounds(self.shapes)
        per_lon, per_lat = metres_per_degree(np.array([(south + north) / 2]))
        scale = np.array([per_lon[0], per_lat[0]])
        shapes = shapely.transform(self.shapes, lambda points: points * scale)
        places = shapely.points(np.column_stack((lon, lat)) * scale)
        nearest: NDArray[np.int64] = np.asarray(shapely.STRtree(shapes).nearest(places), dtype=np.int64)
        return nearest
