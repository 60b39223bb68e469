"""The legal plan of the town passes, and its arithmetic is what the fixture says."""

import numpy as np


def test_legal_plan_has_no_violation(town):
    assert town.check() == ()


def test_streets_are_500_m_long(town):
    assert town.network.segments == 12
    np.testing.assert_allclose(town.network.segment_length_m, 500.0, atol=0.1)


def test_feasible_does_not_follow_from_legal(town):
    # One community is out of reach: the plan says so, which is no violation, but the plan is not feasible.
    assert not town.plan.feasible
