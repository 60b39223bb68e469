"""The linear relaxation of facility location without capacities, by a first-order method.

With D_1 < D_2 < ... the costs at which customer i can be served and z_k whether it pays more than D_k (z_0 = 1)::

    min  sum f_j y_j + sum over customers of D_1 + sum_k (D_{k+1} - D_k) z_k
    s.t. z_k + sum of y_j that serve at D_k >= z_{k-1};  sum y_j of kind h <= p_h

It has one entry for each pair [1]_, and needs no more than a few digits: the Lagrangian bound is taken anew at the
prices that it gives, and is right for any prices. PDLP [2]_ solves it without factors, in memory linear in the pairs.

References
----------
.. [1] Elloumi (2010). A tighter formulation of the p-median problem. Journal of Combinatorial Optimization 19(1).
       doi:10.1007/s10878-008-9137-6
.. [2] Applegate et al. (2021). Practical large-scale linear programming using primal-dual hybrid gradient.
       arXiv:2106.04756
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.pdlp import solvers_pb2
from ortools.pdlp.python import pdlp
from scipy.sparse import coo_array, csc_matrix

from lastmile.solvers.location_problem import LocationProblem

_ABSOLUTE: Final = 1e-9


def prices(problem: LocationProblem, *, accuracy: float, seconds: float) -> NDArray[np.float64]:
    """The customers' prices at the optimum of the relaxation, or where the time limit ends the way there.

    Parameters
    ----------
    accuracy
        Relative gap at which to stop.
    """
    sites = len(problem.opening)
    useful = np.flatnonzero(problem.pair_cost < problem.unserved[problem.pair_customer])
    useful = useful[np.lexsort((problem.pair_cost[useful], problem.pair_customer[useful]))]
    customer, cost = problem.pair_customer[useful], problem.pair_cost[useful]
    if not len(useful):
        return np.where(np.isfinite(problem.unserved), problem.unserved, 0.0)
    begins = np.ones(len(useful), dtype=bool)
    begins[1:] = (customer[1:] != customer[:-1]) | (cost[1:] != cost[:-1])
    level = np.cumsum(begins) - 1  # of each pair
    level_customer, level_cost = customer[begins], cost[begins]
    levels = len(level_customer)
    first = np.ones(levels, dtype=bool)
    first[1:] = level_customer[1:] != level_customer[:-1]
    last = np.append(first[1:], True)
    dearer = np.where(last, problem.unserved[level_customer], np.append(level_cost[1:], np.inf))
    # Whoever must be served pays no more than the dearest cost.
    leaves = np.flatnonzero(np.isfinite(dearer))
    column = np.full(levels, -1)
    column[leaves] = sites + np.arange(len(leaves))
    chained = np.flatnonzero(~first)
    rows = [level, leaves, chained]
    columns = [problem.pair_site[useful], column[leaves], column[chained - 1]]
    values = [np.ones(len(useful)), np.ones(len(leaves)), -np.ones(len(chained))]
    scarce = problem.scarce()
    for row, kind in enumerate(scarce, start=levels):
        of_kind = np.flatnonzero(problem.kinds() == kind)
        rows.append(np.full(len(of_kind), row))
        columns.append(of_kind)
        values.append(-np.ones(len(of_kind)))
    width = sites + len(leaves)
    height = levels + len(scarce)
    objective = np.concatenate((problem.opening, (dearer - level_cost)[leaves]))
    unit = max(float(objective.mean()), np.finfo(float).tiny)
    program = pdlp.QuadraticProgram()
    program.resize_and_initialize(width, height)
    program.objective_vector = objective / unit
    program.constraint_matrix = csc_matrix(
        coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(height, width))
    )
    program.constraint_lower_bounds = np.append(first.astype(float), [-float(problem.limits()[k]) for k in scarce])
    program.constraint_upper_bounds = np.full(height, np.inf)
    program.variable_lower_bounds = np.concatenate((problem.stands().astype(float), np.zeros(len(leaves))))
    program.variable_upper_bounds = np.ones(width)
    parameters = solvers_pb2.PrimalDualHybridGradientParams()
    stop = parameters.termination_criteria
    stop.time_sec_limit = max(seconds, 0.0)
    stop.simple_optimality_criteria.eps_optimal_relative = accuracy
    stop.simple_optimality_criteria.eps_optimal_absolute = _ABSOLUTE
    found = pdlp.primal_dual_hybrid_gradient(program, parameters)
    result = np.where(np.isfinite(problem.unserved), problem.unserved, 0.0)
    paid = level_cost[first] + np.maximum(np.asarray(found.dual_solution)[:levels][first], 0.0) * unit
    result[level_customer[first]] = np.minimum(paid, problem.unserved[level_customer[first]])
    return result
