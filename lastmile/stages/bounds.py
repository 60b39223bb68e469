"""How far each target of sites could go if all others were kept: what is reached at most, or spent at the least."""

import time
from collections.abc import Sequence

from lastmile.solvers.clause_bounds import furthest
from lastmile.solvers.siting_problem import SitingProblem, SitingSolution
from lastmile.stages.due_rules import Demanded


def clause_bounds(
    problem: SitingProblem,
    demanded: Demanded,
    solutions: Sequence[SitingSolution],
    proved: dict[str, float | None],
    *,
    seconds: float,
    gap: float,
) -> dict[str, float | None]:
    """What no plan goes beyond that keeps all other targets, or misses them by no more than this one does.

    Parameters
    ----------
    solutions
        The plan: of each phase.
    proved
        What an earlier plan for the same targets proved. It holds for this one where both keep all rules, and is added
        to then.
    seconds
        Ceiling for all together; each has an equal part of what is left.

    Returns
    -------
    dict
        By the target's id, in its own unit; None where the time was too short.
    """
    until = time.perf_counter() + seconds
    networks = [solution.modules for solution in solutions]
    keeps_all = not any(solution.shortfalls for solution in solutions)
    found: dict[str, float | None] = {}
    for number, clause in enumerate(demanded.clauses):
        known = proved.get(clause.name) if keeps_all else None
        if known is not None:
            found[clause.name] = clause.further(known, clause.value(networks[clause.phase]))
            continue
        left = (until - time.perf_counter()) / (len(demanded.clauses) - number)
        found[clause.name] = furthest(problem, demanded.phases, networks, clause, seconds=left, gap=gap)
        if keeps_all:
            proved[clause.name] = found[clause.name]
    return found
