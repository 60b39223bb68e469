"""The best plan of a siting program within a time limit: as it is, or where it is large by kernel search.

References
----------
.. [1] Angelelli, Mansini, Speranza (2010). Kernel search: a general heuristic for the multi-dimensional knapsack
       problem. doi:10.1016/j.cor.2010.02.002
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

from lastmile.solvers.siting_model import AT_ONCE, relaxed, solve

_MORE: Final = 2_000  # sites that the second kernel has more than the first; each further one twice as many more
_RELAXED: Final = 1 / 3  # of the time, for the relaxation; where that is too short, the program is solved as it is
_UNUSED: Final = 1e-7  # of a site, in the relaxation: closed
_ROUNDING: Final = 1e-6  # of an objective: the solver's tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best plan found, what none exceeds, and whether these met within the gap that was asked for."""

    values: Mapping[mathopt.Variable, float]
    objective: float
    bound: float
    finished: bool

    def built(self, modules: list[mathopt.Variable]) -> NDArray[np.int32]:
        """Modules by site."""
        return np.array([round(self.values[count]) for count in modules], dtype=np.int32)


def is_large(opened: Sequence[mathopt.Variable]) -> bool:
    """Whether a program of so many sites is solved by kernels."""
    return len(opened) > AT_ONCE


def optimize(
    model: mathopt.Model, opened: list[mathopt.Variable], seconds: float, gap: float, start: Collection[int] = ()
) -> Found | None:
    """The best plan within a time limit, None where none was found.

    Parameters
    ----------
    start
        Sites of a plan that is known, which every kernel has: so each has a plan. Where there is no time for the
        relaxation, none is sought then.
    """
    until = time.perf_counter() + seconds
    if not is_large(opened):
        return _whole(model, seconds, gap)
    with relaxed(model):
        found = solve(model, seconds * _RELAXED, 0.0)
    # HiGHS may go far beyond its time with the whole program: that is for where there is no plan at all yet.
    if found.termination.reason == mathopt.TerminationReason.INFEASIBLE or (
        found.termination.reason != mathopt.TerminationReason.OPTIMAL and len(start)
    ):
        return None
    if found.termination.reason != mathopt.TerminationReason.OPTIMAL:
        return _whole(model, until - time.perf_counter(), gap)
    bound = float(found.objective_value())
    share = np.array(found.variable_values(opened))
    # Of what the relaxation leaves closed, first what it would cost least to open.
    closed = np.flatnonzero((share <= _UNUSED) & (np.array([site.lower_bound for site in opened]) <= 0))
    closed = np.setdiff1d(closed, np.fromiter(start, dtype=np.int64))
    closed = closed[np.argsort(np.abs(np.array(found.reduced_costs(opened))[closed]), kind="stable")]
    best: Found | None = None
    size = 0
    while True:
        left = [opened[site] for site in closed[size:].tolist()]
        with none_of(left):
            kernel = _whole(model, max(until - time.perf_counter(), 1.0), gap / 2)
        # A kernel may be too small for any plan.
        if kernel is not None and (best is None or abs(bound - kernel.objective) < abs(bound - best.objective)):
            best = Found(
                values=kernel.values,
                objective=kernel.objective,
                bound=bound,
                finished=abs(bound - kernel.objective) <= max(gap * abs(bound), _ROUNDING),
            )
        if not left and kernel is not None:
            # Nothing is left out: what bounds this one bounds all.
            return kernel
        if not left or (best is not None and best.finished) or time.perf_counter() >= until:
            return best
        size = size * 2 + _MORE


@contextmanager
def none_of(variables: Iterable[mathopt.Variable]) -> Iterator[None]:
    """Meanwhile these are nothing."""
    with _fixed((variable, 0.0) for variable in variables):
        yield


def as_built(
    model: mathopt.Model,
    opened: list[mathopt.Variable],
    modules: list[mathopt.Variable],
    built: NDArray[np.int32],
    seconds: float,
) -> Found | None:
    """A plan that has just these modules by site, whose bound is its own: it says nothing of other plans."""
    is_built = zip(opened, np.minimum(built, 1).tolist(), strict=True)
    with _fixed([*is_built, *zip(modules, built.tolist(), strict=True)]):
        return _whole(model, seconds, 0.0)


@contextmanager
def _fixed(values: Iterable[tuple[mathopt.Variable, float]]) -> Iterator[None]:
    """Meanwhile these variables have these values."""
    fixed = list(values)
    before = [(variable, variable.lower_bound, variable.upper_bound) for variable, _ in fixed]
    try:
        for variable, value in fixed:
            variable.lower_bound = variable.upper_bound = float(value)
        yield
    finally:
        for variable, least, most in before:
            variable.lower_bound, variable.upper_bound = least, most


def _whole(model: mathopt.Model, seconds: float, gap: float) -> Found | None:
    """Solve the program as it is."""
    result = solve(model, seconds, gap)
    if not result.has_primal_feasible_solution():
        return None
    return Found(
        values=result.variable_values(),
        objective=float(result.objective_value()),
        bound=float(result.termination.objective_bounds.dual_bound),
        finished=result.termination.reason == mathopt.TerminationReason.OPTIMAL,
    )
