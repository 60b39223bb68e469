"""Siting in phases: a network that grows, with rules that are due at one phase or another.

Sites open, with all their modules and the sites that need them, and stay; those that may grow open with some modules,
and more come later. The final network is chosen first, then each earlier phase from the last to the first: the best
part of the network of the phase after it. So networks nest, and each phase's gap is to the best part that there is. One
program of all phases together would weigh an earlier phase's value against a later one's; here the later one always
counts more.

A minimum holds from its phase on, a maximum (also a budget) at its phase alone. Minima could always be met by opening
everything at once; where an earlier phase has a maximum, not every network has a part that keeps it. Where the network
that is best without regard to that turns out to have none, all is chosen anew by programs that hold the sites of each
earlier phase with a maximum once more (:mod:`lastmile.solvers.phased_program`), so that the network they find is the
best of those from which the earlier phases' rules can be met. Either way the gap is to the best of these: the first
network, where it has such parts, is the best of more.

References
----------
.. [1] Nickel, Saldanha da Gama (2015). Multi-period facility location. doi:10.1007/978-3-319-13111-5_11
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.solvers.phased_program import RulesDue, coverage_due, program, rows_due
from lastmile.solvers.siting import site
from lastmile.solvers.siting_problem import SitingProblem, SitingSolution

_NOTHING: Final = 1e-3  # of a share missed: rounding


def site_in_phases(
    problem: SitingProblem,
    phases: Sequence[RulesDue],
    *,
    seconds: float,
    gap: float,
    on_phase: Callable[[RulesDue, SitingSolution], None],
) -> tuple[SitingSolution, ...]:
    """Choose the sites of every phase.

    Parameters
    ----------
    problem
        Without rules of its own; its demand is that of no phase but those whose ``demand`` is 1.
    phases
        In the order of time, one at least.
    seconds, gap
        For each phase, as for :func:`lastmile.solvers.siting.site`; as much time again where all is chosen anew.
    on_phase
        Called with each phase as soon as it is solved, the last one first.

    Returns
    -------
    tuple of SitingSolution
        One for each phase: no site has modules in one and fewer in a later one, or more where it does not grow. Value
        and bound of the last are those of the whole problem, of the others those of parts of the network that follows.
    """
    if problem.rows or problem.coverage:
        raise ValueError("the rules must be those of the phases")
    if len(phases) > 1 and len(np.unique(problem.needs[:, 0])) < len(problem.needs):
        raise ValueError("where there are phases, a site may need one other, not one of several")

    def chosen(*, foresee: bool) -> tuple[SitingSolution, ...]:
        return tuple(_backwards(problem, phases, foresee, seconds, gap, on_phase))[::-1]

    found = chosen(foresee=False)
    if not any(solution.shortfalls for solution in found[:-1]) or not any(phase.limits for phase in phases[:-1]):
        return found
    again = chosen(foresee=True)
    return again if _missed(phases, again) < _missed(phases, found) - _NOTHING else found


def _backwards(
    problem: SitingProblem,
    phases: Sequence[RulesDue],
    foresee: bool,
    seconds: float,
    gap: float,
    on_phase: Callable[[RulesDue, SitingSolution], None],
) -> Iterator[SitingSolution]:
    """Each phase out of the one after it, the last one first; ``foresee``: so that those before it are possible."""
    number = len(problem.fixed_fen)
    network = np.arange(number, dtype=np.int32)  # sites that may open, by their index in the whole problem
    each = np.ones(number, dtype=np.int32)  # modules for one of the part's
    growing = problem.growing()
    part, due = problem, list(phases)
    while due:
        earlier = [k for k, phase in enumerate(due[:-1]) if foresee and phase.limits]
        solution = site(program(part, due, earlier, is_part=len(due) < len(phases)), seconds=seconds, gap=gap)
        opened = solution.modules[: len(network)]
        modules = np.zeros(number, dtype=np.int32)
        modules[network] = opened * each
        solution = replace(solution, modules=modules)
        on_phase(due[-1], solution)
        yield solution
        kept = np.flatnonzero(opened > 0)
        lump = np.where(part.growing(), 0, opened)
        part, due = _part(part, kept, opened, lump), [_rules_of_part(phase, kept, lump) for phase in due[:-1]]
        network = network[kept]
        each = np.where(growing[network], 1, modules[network])


def _missed(phases: Sequence[RulesDue], found: Sequence[SitingSolution]) -> float:
    """By how many shares of each rule all phases fall short of what is due in them."""
    missed = 0.0
    for k, solution in enumerate(found):
        opened = solution.modules > 0
        for row in rows_due(phases, k):
            total = row.total(solution.modules)
            missed += max(row.lower - total, 0.0) / max(row.lower, 1.0)
            missed += max(total - row.upper, 0.0) / max(row.upper, 1.0)
        for cover in coverage_due(phases, k):
            missed += max(cover.minimum - cover.reached(opened), 0.0)
    return missed


def _part(
    problem: SitingProblem, kept: NDArray[np.int64], modules: NDArray[np.int32], lump: NDArray[np.int32]
) -> SitingProblem:
    """The problem of these sites alone, with no more modules.

    ``lump``: by site, the modules that count as one: all of them; 0 where each is one for itself, as the site grows.
    """
    lump, modules = lump[kept], modules[kept]
    single, at_once = lump == 0, np.maximum(lump, 1)
    of_part = _positions(len(problem.fixed_fen), kept)
    empty = problem.size_capacity
    serve, attract = of_part[problem.serve_site] >= 0, of_part[problem.attract_site] >= 0
    return SitingProblem(
        fixed_fen=problem.fixed_fen[kept] + problem.module_fen[kept] * lump,
        module_fen=np.where(single, problem.module_fen[kept], 0),
        modules_max=np.where(single, modules, 1),
        module_capacity=problem.module_capacity[kept] * at_once,
        existing=np.minimum(problem.existing[kept], 1),
        weight=problem.weight,
        serve_demand=problem.serve_demand[serve],
        serve_site=of_part[problem.serve_site[serve]],
        serve_metres=problem.serve_metres[serve],
        serve_share=None if problem.serve_share is None else problem.serve_share[serve],
        attract_demand=problem.attract_demand[attract],
        attract_site=of_part[problem.attract_site[attract]],
        attract_share=None if problem.attract_share is None else problem.attract_share[attract],
        parcel_fen=problem.parcel_fen,
        minded_fen=None if problem.minded_fen is None else problem.minded_fen[kept],
        # What a walk takes off a parcel's worth stays the same, so that all phases have one value.
        walk_discount=problem.walk_discount,
        furthest_m=problem.furthest_m or float(problem.serve_metres.max(initial=0.0)),
        needs=of_part[problem.needs[(of_part[problem.needs] >= 0).all(axis=1)]],
        size=problem.size,
        size_capacity=problem.size_capacity[kept] * at_once[:, None] if problem.size_capacity.size else empty,
        grows=None if problem.grows is None else problem.grows[kept],
        # Sites that must not stand together do not, in no part of what is chosen.
    )


def _rules_of_part(phase: RulesDue, kept: NDArray[np.int64], lump: NDArray[np.int32]) -> RulesDue:
    of_part = _positions(len(lump), kept)
    rows = []
    for row in phase.rows:
        there = of_part[row.site] >= 0
        at = row.site[there]
        rows.append(
            replace(
                row,
                site=of_part[at],
                per_open=row.per_open[there] + row.per_module[there] * lump[at],
                per_module=np.where(lump[at] == 0, row.per_module[there], 0.0),
            )
        )
    coverage = []
    for cover in phase.coverage:
        there = of_part[cover.site] >= 0
        share = None if cover.share is None else cover.share[there]
        coverage.append(replace(cover, demand=cover.demand[there], site=of_part[cover.site[there]], share=share))
    return replace(phase, rows=tuple(rows), coverage=tuple(coverage))


def _positions(number: int, kept: NDArray[np.int64]) -> NDArray[np.int32]:
    """Of every site its place among those that are kept, -1 where it is not."""
    of_part = np.full(number, -1, dtype=np.int32)
    of_part[kept] = np.arange(len(kept), dtype=np.int32)
    return of_part
