"""Streets: problems of which one sees what is best."""

import numpy as np

from lastmile.solvers.problem import RoutingProfile, RoutingVehicle

DAY = 100_000


def line(*metres):
    """Places along a street, the base at 0; a metre takes a second."""
    at = np.array([0, *metres])
    table = np.abs(at[:, None] - at[None]).astype(np.int32)
    return RoutingProfile(duration_s=table, distance_m=table)


def vehicle(**changes):
    base = {
        "count": 1, "start": 0, "end": 0, "profile": 0, "capacity": np.array([10]), "shift_s": (0, DAY),
        "fixed_fen": 1000, "fen_per_km": 1000,
    }  # fmt: skip
    return RoutingVehicle(**base | changes)
