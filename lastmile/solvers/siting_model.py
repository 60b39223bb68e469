"""What every program of siting is made of: sites with their modules, and how much of the demand they cover."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt
from ortools.math_opt.solvers.highs_pb2 import HighsOptionsProto

from lastmile.solvers.siting_problem import CoverageRow, SitingProblem

#: Sites up to which a program is solved as a whole.
AT_ONCE: Final = 10_000
_FINER: Final = 1e-7  # of a row; HiGHS's own is 1e-6


def variables(problem: SitingProblem, model: mathopt.Model) -> tuple[list[mathopt.Variable], list[mathopt.Variable]]:
    """By site, whether it is open, and its modules: the same variable where it has one at most."""
    sites = len(problem.fixed_fen)
    opened = [model.add_variable(lb=float(problem.existing[j] > 0), ub=1.0, is_integer=True) for j in range(sites)]
    modules = []
    for j in range(sites):
        # A site that stands is kept as it is.
        most = int(problem.existing[j]) or int(problem.modules_max[j])
        if most == 1:
            modules.append(opened[j])
            continue
        count = model.add_variable(lb=float(problem.existing[j]), ub=float(most), is_integer=True)
        model.add_linear_constraint(count - opened[j] >= 0)
        model.add_linear_constraint(count - most * opened[j] <= 0)
        modules.append(count)
    return opened, modules


def keep_apart_and_together(
    problem: SitingProblem, model: mathopt.Model, opened: list[mathopt.Variable], modules: list[mathopt.Variable]
) -> None:
    """Forbid what conflicts, and what stands without those that it needs."""
    for a, b in problem.conflicts.tolist():
        if not (problem.existing[a] and problem.existing[b]):
            model.add_linear_constraint(opened[a] + opened[b] <= 1)
    bases: dict[int, list[int]] = defaultdict(list)
    for a, b in problem.needs.tolist():
        bases[a].append(b)
    for a, at in bases.items():
        there = mathopt.LinearSum(opened[b] for b in at)
        model.add_linear_constraint(opened[a] - there <= 0)
        if modules[a] is not opened[a] or len(at) > 1:
            model.add_linear_constraint(modules[a] - int(problem.modules_max[a]) / len(at) * there <= 0)


def best_shares(
    model: mathopt.Model,
    opened: Sequence[mathopt.Variable],
    demand: NDArray[np.int32],
    site: NDArray[np.int32],
    share: NDArray[np.float64] | None,
    worth: NDArray[np.float64],
) -> list[mathopt.LinearTypes]:
    """Terms whose sum is at most what each row is worth by the greatest share of its opened sites.

    A variable for each row and share, not for each pair: exact, and its relaxation no weaker. A row whose sites all
    have one share has one variable.
    """
    near: dict[int, dict[float, list[mathopt.Variable]]] = defaultdict(lambda: defaultdict(list))
    of_pair = np.ones(len(site)) if share is None else share
    for i, j, among in zip(demand.tolist(), site.tolist(), of_pair.tolist(), strict=True):
        if worth[i] > 0 and among > 0:
            near[i][among].append(opened[j])
    terms: list[mathopt.LinearTypes] = []
    for i, levels in near.items():
        covered = []
        for among, sites in levels.items():
            covered.append(model.add_variable(lb=0.0, ub=1.0))
            model.add_linear_constraint(covered[-1] - mathopt.LinearSum(sites) <= 0)
            terms.append(float(worth[i]) * among * covered[-1])
        if len(covered) > 1:
            model.add_linear_constraint(mathopt.LinearSum(covered) <= 1)
    return terms


def summed(
    opened: list[mathopt.Variable],
    modules: list[mathopt.Variable],
    site: Iterable[int],
    per_open: Iterable[float],
    per_module: Iterable[float],
) -> mathopt.LinearSum:
    """What a rule counts, or what is spent: for each site so much where it is open, and so much for each module."""
    parts = zip(site, per_open, per_module, strict=True)
    return mathopt.LinearSum(float(a) * opened[j] + float(b) * modules[j] for j, a, b in parts)


def covered_share(model: mathopt.Model, opened: Sequence[mathopt.Variable], cover: CoverageRow) -> mathopt.LinearSum:
    """The share that a clause of coverage counts, at most; it must have weight. ``opened``: by the clause's sites."""
    weight = cover.weight / float(cover.weight.sum())
    return mathopt.LinearSum(best_shares(model, opened, cover.demand, cover.site, cover.share, weight))


@contextmanager
def relaxed(model: mathopt.Model) -> Iterator[None]:
    """Meanwhile no variable need be whole."""
    integers = [variable for variable in model.variables() if variable.integer]
    try:
        for variable in integers:
            variable.integer = False
        yield
    finally:
        for variable in integers:
            variable.integer = True


def solve(model: mathopt.Model, seconds: float, gap: float) -> mathopt.SolveResult:
    """Solve the program with HiGHS within a time limit."""
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=max(seconds, 0.0)), relative_gap_tolerance=gap, random_seed=1
    )
    # At times what HiGHS finds is off by just its tolerance, and it ends with an error of its own, in place of which
    # OR-Tools 9.15 raises an AttributeError. Without presolve it finds another point, with a finer tolerance one more.
    for change in (_without_presolve, _with_another_tolerance):
        try:
            return mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)
        except (mathopt.InternalMathOptError, AttributeError):
            change(parameters)
    return mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)


def _without_presolve(parameters: mathopt.SolveParameters) -> None:
    parameters.presolve = mathopt.Emphasis.OFF


def _with_another_tolerance(parameters: mathopt.SolveParameters) -> None:
    parameters.highs = HighsOptionsProto(double_options={"mip_feasibility_tolerance": _FINER})
