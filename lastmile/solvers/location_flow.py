"""Who is served where, and how much of each, once the sites with capacities are open: a transportation problem.

With the sites fixed, the program of :mod:`lastmile.solvers.location` is a minimum-cost flow from customers over sites
to a sink [1]_; OR-Tools solves it by cost scaling.

References
----------
.. [1] Hitchcock (1941). The distribution of a product from several sources to numerous localities. Journal of
       Mathematics and Physics 20. doi:10.1002/sapm1941201224
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python import min_cost_flow

from lastmile.solvers.location_problem import LocationProblem

_UNITS: Final = 2.0**40  # of amounts, where they are no whole numbers
_COSTS: Final = 2.0**60  # the greatest cost of a unit times the number of nodes: the solver scales costs by that
_LEAST: Final = 1e-100  # what is dearest is nothing below


def serve(problem: LocationProblem, sites: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pairs that open sites serve, and the share of the customer that each does, for the least cost.

    Of a problem with capacities in which nobody must be served. Amounts that are no whole numbers are rounded up, so
    that loads fit.
    """
    assert problem.capacity is not None and problem.amount is not None
    pair = problem.pairs_of(sites)
    pair = pair[problem.pair_cost[pair] < problem.unserved[problem.pair_customer[pair]]]
    total = float(problem.amount.sum())
    whole = total <= _UNITS and bool((problem.amount % 1 == 0).all())
    unit = 1.0 if whole or total <= 0 else _UNITS / total
    amount = np.ceil(problem.amount * unit).astype(np.int64)
    nothing = pair[amount[problem.pair_customer[pair]] == 0]
    pair = pair[amount[problem.pair_customer[pair]] > 0]
    brings = np.flatnonzero(amount > 0)
    room = np.floor(np.minimum(problem.capacity[sites], total) * unit).astype(np.int64)
    customers = len(problem.unserved)
    node = np.full(len(problem.opening), -1)
    node[sites] = customers + np.arange(len(sites))
    sink = customers + len(sites)
    each = np.concatenate((problem.pair_cost[pair], problem.unserved[brings])) / np.concatenate(
        (amount[problem.pair_customer[pair]], amount[brings])
    )
    each *= _COSTS / (sink + 2) / max(float(each.max(initial=0.0)), _LEAST)
    flow = min_cost_flow.SimpleMinCostFlow()
    customer = problem.pair_customer[pair]
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        np.concatenate((customer, brings, node[sites])).astype(np.int32),
        np.concatenate((node[problem.pair_site[pair]], np.full(len(brings) + len(sites), sink))).astype(np.int32),
        np.concatenate((amount[customer], amount[brings], room)),
        np.concatenate((np.rint(each), np.zeros(len(sites)))).astype(np.int64),
    )
    flow.set_nodes_supplies(np.append(np.arange(customers), sink), np.append(amount, -amount.sum()))
    status = flow.solve()
    assert status == flow.OPTIMAL, status  # nobody must be served: there is always a flow
    share = flow.flows(arcs[: len(pair)]) / amount[customer]
    flowing = np.flatnonzero(share > 0)
    # Who brings nothing takes no room.
    order = nothing[np.lexsort((problem.pair_cost[nothing], problem.pair_customer[nothing]))]
    first = np.unique(problem.pair_customer[order], return_index=True)[1]
    return np.concatenate((pair[flowing], order[first])), np.concatenate((share[flowing], np.ones(len(first))))
