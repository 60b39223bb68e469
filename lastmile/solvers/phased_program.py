"""The program of a network's phases: its sites once for each, and the rules that are due in each.

With o_jk site j open in phase k, m_jk its modules there, M_j the most that it may have, and k+ the next phase in the
program::

    o_jk <= o_jk+;  m_jk <= m_jk+;  m_jk+ - m_jk <= M_j (1 - o_jk);  every rule that is due in k, over o_jk and m_jk

The third row makes a site open with all its modules, and with those sites that need it. Sites that may grow do without:
expansion of capacity in later periods, as in [2]_.

A minimum holds from its phase on, a maximum (also a budget) at its phase alone. A phase without a maximum may be left
out: its minima hold in the one that follows, whose network would do for it.

References
----------
.. [1] Nickel, Saldanha da Gama (2015). Multi-period facility location. doi:10.1007/978-3-319-13111-5_11
.. [2] Jena, Cordeau, Gendron (2015). Dynamic facility location with generalized modular capacities.
       doi:10.1287/trsc.2014.0575
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lastmile.solvers.siting_problem import CoverageRow, SitingProblem, SitingRow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RulesDue:
    """A phase: the rules that are due in it, and the demand there is, as a multiple of the problem's.

    Its name, if it has one, is put behind those of the rules.
    """

    name: str = ""
    demand: float = 1.0
    rows: tuple[SitingRow, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()

    @property
    def limits(self) -> bool:
        """Whether it has a maximum."""
        return any(np.isfinite(row.upper) for row in self.rows)


def program(
    problem: SitingProblem, phases: Sequence[RulesDue], earlier: Sequence[int], *, is_part: bool = False
) -> SitingProblem:
    """The last phase's problem with its demand, and the sites of some earlier ones once more, without value or cost.

    Parameters
    ----------
    earlier
        These, ascending. Their sites come after the last phase's, in this order: with one phase the program is the
        problem itself.
    is_part
        The sites are a network that is chosen, in which those that do not grow open together with what they need.
    """
    number = len(problem.fixed_fen)
    last = len(phases) - 1
    start = {last: 0} | {k: number * (n + 1) for n, k in enumerate(earlier)}
    rows: list[SitingRow] = []
    coverage: list[CoverageRow] = []
    for k in (last, *earlier):
        for row in rows_due(phases, k):
            rows.append(replace(row, site=row.site + start[k]))
        for cover in coverage_due(phases, k):
            coverage.append(replace(cover, site=cover.site + start[k]))
    base: dict[int, int] = dict(problem.needs.tolist())
    growing = problem.growing().tolist()
    for k, following in pairwise([*earlier, last]):
        for j in range(number):
            begun = start[k] + base.get(j, j)
            complete = None if growing[j] else begun
            rows.extend(_stays(start[k] + j, start[following] + j, complete, int(problem.modules_max[j])))
    if is_part:
        for k in (last, *earlier):
            rows.extend(
                _together(start[k] + below, start[k] + above) for above, below in base.items() if not growing[above]
            )
    copies = len(earlier)

    def repeated(values: NDArray[Any]) -> NDArray[Any]:
        return np.tile(values, copies + 1)

    def nothing(values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate((values, np.zeros(number * copies, dtype=np.int64)))

    return replace(
        problem,
        fixed_fen=nothing(problem.fixed_fen),
        module_fen=nothing(problem.module_fen),
        modules_max=repeated(problem.modules_max),
        module_capacity=repeated(problem.module_capacity),
        existing=repeated(problem.existing),
        weight=problem.weight * phases[-1].demand,
        minded_fen=None if problem.minded_fen is None else repeated(problem.minded_fen),
        needs=np.concatenate([problem.needs + number * k for k in range(copies + 1)]),
        size_capacity=np.tile(problem.size_capacity, (copies + 1, 1)),
        grows=None if problem.grows is None else repeated(problem.grows),
        rows=tuple(rows),
        coverage=tuple(coverage),
    )


def rows_due(phases: Sequence[RulesDue], at: int) -> Iterator[SitingRow]:
    """What is due in a phase: its own rules, and of those before it the minima."""
    for k, phase in enumerate(phases[: at + 1]):
        for row in phase.rows:
            upper = row.upper if k == at else float("inf")
            yield replace(row, name=_named(row.name, phases[at]), upper=upper)


def coverage_due(phases: Sequence[RulesDue], at: int) -> Iterator[CoverageRow]:
    """The shares that are due in a phase, with those before it."""
    for phase in phases[: at + 1]:
        for cover in phase.coverage:
            yield replace(cover, name=_named(cover.name, phases[at]))


def _named(rule: str, phase: RulesDue) -> str:
    return f"{rule} by {phase.name}" if phase.name else rule


def _stays(before: int, after: int, complete: int | None, most: int) -> Iterator[SitingRow]:
    """A site that is open before is open after, with no fewer modules; no more where ``complete`` is open before."""

    def row(per_open: dict[int, float], per_module: dict[int, float], upper: float) -> SitingRow:
        sites = sorted({before, after, before if complete is None else complete})
        return SitingRow(
            name="growth",
            site=np.array(sites, dtype=np.int32),
            per_open=np.array([per_open.get(j, 0.0) for j in sites]),
            per_module=np.array([per_module.get(j, 0.0) for j in sites]),
            upper=upper,
            hard=True,
        )

    yield row({before: 1.0, after: -1.0}, {}, 0.0)
    if most > 1:
        yield row({}, {before: 1.0, after: -1.0}, 0.0)
    if complete is not None and (most > 1 or complete != before):
        yield row({complete: float(most)}, {before: -1.0, after: 1.0}, float(most))


def _together(below: int, above: int) -> SitingRow:
    """Where one site is open, so is the other."""
    return SitingRow(
        name="together",
        site=np.array([below, above], dtype=np.int32),
        per_open=np.array([1.0, -1.0]),
        per_module=np.zeros(2),
        upper=0.0,
        hard=True,
    )
