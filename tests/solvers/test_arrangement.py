"""Places are numbered so that near ones follow each other, and nobody sees it."""

from itertools import pairwise

import numpy as np
import pytest

from lastmile.solvers import compiled
from lastmile.solvers.arrangement import sequence
from lastmile.solvers.problem import RoutingProfile, RoutingVehicle, routing_problem
from lastmile.solvers.routing import Stop, solve


def scattered(count, seed):
    at = np.random.default_rng(seed).uniform(0, 10_000, (count, 2))
    return np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)).astype(np.int32)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 9, 500])
def test_every_place_comes_once(count):
    assert sorted(sequence(scattered(count, 1)).tolist()) == list(range(count))


def test_places_at_one_spot_are_no_trouble():
    assert sorted(sequence(np.zeros((50, 50), dtype=np.int32)).tolist()) == list(range(50))


def test_what_follows_is_near():
    metres = scattered(2_000, 2)
    places = sequence(metres)
    follows = metres[places[:-1], places[1:]]
    # At random it would be half a side; the nearest neighbour is 112 m away in the mean.
    assert follows.mean() < 500


@pytest.mark.parametrize("copied", [0, 2**28], ids=["tables as they are", "tables in another order"])
def test_plans_name_options_and_places_as_they_were_given(copied, monkeypatch):
    monkeypatch.setattr(compiled, "_COPIED", copied)
    metres = scattered(61, 3)
    problem = routing_problem(
        profiles=[RoutingProfile(duration_s=metres, distance_m=metres)],
        vehicles=[
            RoutingVehicle(
                count=9, start=7, end=7, profile=0, capacity=np.array([10]), shift_s=(0, 10**6), fen_per_km=1000
            )
        ],
        location=np.array([place for place in range(61) if place != 7]),
        delivery=np.ones((60, 1), dtype=np.int64),
        service_s=np.arange(60),
    )  # fmt: skip
    solution = solve(problem, stop=Stop(iterations=2_000))
    served = sorted(option for found in solution.rounds for option in found.options)
    assert served == list(range(60))
    for found in solution.rounds:
        way = [7, *(int(problem.location[option]) for option in found.options), 7]
        assert found.distance_m == sum(int(metres[a, b]) for a, b in pairwise(way))
    again = solve(problem, stop=Stop(iterations=1), start=[found.tour for found in solution.rounds])
    assert again.cost.total <= solution.cost.total
