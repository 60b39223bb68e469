"""Who walks how far, by hand; the referee's own reading of the same points agrees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.referee.walking import coming
from lastmile.scenario import Facility
from lastmile.walk_shares import walk_share


def facility(shares=(), reach_m=500.0):
    return Facility(
        id="f", kind="locker", channel="locker", reach_m=reach_m, parcels_per_module=10.0, hosts=("shop",),
        walk_shares=shares,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metres", "share"),
    [(0, 0.9), (100, 0.9), (200, 0.7), (300, 0.5), (350, 0.3), (400, 0.1), (400.1, 0.0), (600, 0.0)],
)
def test_between_the_points_it_is_linear(metres, share):
    # 0.9 up to 100 m, 0.5 at 300 m, 0.1 at 400 m, the last.
    made = facility(((100.0, 0.9), (300.0, 0.5), (400.0, 0.1)))
    assert walk_share(made, np.array([float(metres)])).tolist() == pytest.approx([share])


def test_nobody_walks_beyond_the_reach():
    made = facility(((0.0, 1.0), (1000.0, 0.5)))
    assert walk_share(made, np.array([500.0, 500.5])).tolist() == [0.75, 0.0]


def test_without_points_all_within_reach_walk():
    assert walk_share(facility(), np.array([0.0, 500.0, 501.0])).tolist() == [1.0, 1.0, 0.0]


points = st.lists(st.tuples(st.integers(0, 800), st.integers(1, 100)), max_size=4, unique_by=lambda point: point[0])


@given(points, st.lists(st.floats(0, 900), min_size=1, max_size=8))
def test_the_referee_reads_the_same(drawn, metres):
    far = sorted(point[0] for point in drawn)
    share = sorted((point[1] / 100 for point in drawn), reverse=True)
    made = facility(tuple(zip(map(float, far), share, strict=True)))
    found = walk_share(made, np.array(metres))
    assert found == pytest.approx(coming(made, np.array(metres)))
    assert (np.diff(found[np.argsort(metres)]) <= 1e-12).all()
