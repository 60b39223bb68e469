"""How long an edge takes: speed by road class and hour for every mode.

The built-in table is an estimate: free, peak and night speeds of moving cars, anchored on the commuting-peak averages
of large Chinese cities (24-34 km/h, Baidu 2020). Scenarios replace it with measured values.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lastmile.errors import Fault
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import ROAD_CLASSES, ROAD_CODE, Mode
from lastmile.scenario import Speeds

Regime = Literal["free", "peak", "night"]
REGIMES: Final[tuple[Regime, ...]] = ("free", "peak", "night")

_SLOW: Final = (12.0, 10.0, 12.0)
CAR_KMH: Final[dict[str, tuple[float, float, float]]] = {
    "motorway": (90, 75, 95), "motorway_link": (60, 50, 65),
    "trunk": (60, 38, 65), "trunk_link": (40, 30, 45),
    "primary": (35, 22, 42), "primary_link": (30, 20, 36),
    "secondary": (30, 20, 36), "secondary_link": (26, 18, 30),
    "tertiary": (26, 18, 30), "tertiary_link": (22, 16, 26),
    "unclassified": (22, 17, 25), "road": (22, 17, 25), "residential": (18, 15, 20),
}  # fmt: skip
TRUCK_FACTOR: Final = 0.85
TRIKE_LIMIT_KMH: Final = 15.0  # YZ/T 0136-2014
TRIKE_FACTOR: Final = 0.85


def check_speeds(speeds: Speeds, *, place: str) -> list[Fault]:
    """Road classes that the scenario names and the map does not know."""
    return [
        Fault(
            place=f"{place}, speeds.kmh.{name}",
            cause=f"{name!r} is no road class",
            remedy=f"use one of {', '.join(ROAD_CLASSES)}",
        )
        for name in speeds.kmh
        if name not in ROAD_CODE
    ]


def edge_times_ms(network: RoadNetwork, mode: Mode, regime: Regime, speeds: Speeds) -> NDArray[np.int32]:
    """Milliseconds to travel each edge, moving, in one regime of traffic.

    Returns
    -------
    int32, shape (edges,), at least 1, rounded up: a time is never promised that the speed does not allow.
    """
    if mode == "walk":
        kmh = np.full(network.segments, speeds.walk_kmh)
    else:
        column = REGIMES.index(regime)
        table = np.array([speeds.kmh.get(name, CAR_KMH.get(name, _SLOW))[column] for name in ROAD_CLASSES])
        kmh = table[network.segment_road]
        posted = network.segment_max_kmh > 0
        kmh = np.where(posted, np.minimum(kmh, network.segment_max_kmh), kmh)
        if mode == "e_trike":
            kmh = np.minimum(kmh, TRIKE_LIMIT_KMH) * TRIKE_FACTOR
        elif mode in ("truck_light", "truck_medium"):
            kmh = kmh * TRUCK_FACTOR
    # A posted 0.001 km/h must not wrap around: the largest time is as good as never.
    milliseconds = np.clip(np.ceil(network.segment_length_m / kmh * 3600.0), 1, np.iinfo(np.int32).max)
    times: NDArray[np.int32] = milliseconds.astype(np.int32)[network.edge_segment]
    return times
