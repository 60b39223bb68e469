"""Siting problems check what they are given and name the rule."""

import numpy as np
import pytest

from lastmile.solvers.siting_problem import CoverageRow, SitingProblem

NEAR = CoverageRow(name="near", demand=np.array([0], dtype=np.int32), site=np.array([0], dtype=np.int32),
                   weight=np.ones(1), minimum=0.5, share=np.array([-0.1]))  # fmt: skip


def siting(**changes):
    base = {
        "fixed_fen": np.array([10, 20]), "module_fen": np.array([1, 1]),
        "modules_max": np.array([1, 2], dtype=np.int32),
        "module_capacity": np.array([5, 5], dtype=np.int32), "existing": np.array([0, 0], dtype=np.int32),
        "weight": np.array([3.0]), "serve_demand": np.array([0], dtype=np.int32),
        "serve_site": np.array([1], dtype=np.int32), "serve_metres": np.array([10.0]),
        "attract_demand": np.empty(0, np.int32), "attract_site": np.empty(0, np.int32), "parcel_fen": 100.0,
    }  # fmt: skip
    return SitingProblem(**base | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"module_fen": np.array([1])}, "module_fen has 1 entries for 2 sites"),
        ({"modules_max": np.zeros(3, dtype=np.int32)}, "modules_max has 3 entries for 2 sites"),
        ({"module_capacity": np.array([1], dtype=np.int32)}, "module_capacity has 1 entries for 2 sites"),
        ({"existing": np.array([0], dtype=np.int32)}, "existing has 1 entries for 2 sites"),
        ({"serve_site": np.array([2], dtype=np.int32)}, r"serve_site has an index outside 0\.\.1"),
        ({"serve_demand": np.array([-1], dtype=np.int32)}, r"serve_demand has an index outside 0\.\.0"),
        ({"attract_site": np.array([2], dtype=np.int32)}, r"attract_site has an index outside 0\.\.1"),
        ({"attract_demand": np.array([1], dtype=np.int32)}, r"attract_demand has an index outside 0\.\.0"),
        ({"weight": np.array([-1.0])}, "weight is negative"),
        ({"minded_fen": np.ones(3)}, "minded_fen has 3 entries for 2 sites"),
        ({"minded_fen": np.array([1.0, np.nan])}, "minded_fen has an entry that is not at least 0"),
        ({"serve_share": np.ones(2)}, "serve_share has 2 entries for 1 pairs"),
        ({"serve_share": np.array([1.1])}, r"serve_share has an entry outside 0\.\.1"),
        ({"serve_share": np.array([np.nan])}, r"serve_share has an entry outside 0\.\.1"),
        ({"attract_share": np.ones(1)}, "attract_share has 1 entries for 0 pairs"),
        ({"coverage": (NEAR,)}, r"the share of near has an entry outside 0\.\.1"),
        ({"size": np.array([0], np.int8), "size_capacity": np.ones((1, 2))}, "1 and 1 entries for 1 demand rows and 2"),
        ({"size": np.array([2], np.int8), "size_capacity": np.ones((2, 2))}, r"a size is outside 0\.\.1"),
    ],
)
def test_fault_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        siting(**changes)


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        siting().weight[0] = 0
