"""The plan tells the truth about its targets.

A target that is missed and reported as missed breaks no rule. Where a value hangs on walks, it is computed with the
reach a little shorter and a little longer, and whatever lies between is accepted: two honest ways of measuring a walk
differ by some decimetres, and one order on the edge must not decide.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import shapely
from numpy.typing import NDArray

from lastmile.plans import TargetResult, Violation
from lastmile.referee.access import holders
from lastmile.referee.case import Case, Violations
from lastmile.referee.costs import site_yuan
from lastmile.referee.phases import standing
from lastmile.referee.walking import TOLERANCE_M, Walks, coming
from lastmile.scenario import (
    AreaTarget,
    BudgetTarget,
    CountTarget,
    CoverageTarget,
    FleetTarget,
    NewEnergyTarget,
    PermitTarget,
    Target,
)

_RELATIVE = 1e-3
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Values that are honest for a target, and when a value meets it; ``nan`` is a share of nothing, whatever it is."""

    values: tuple[float, ...]  # the middle one is exact
    meets: Callable[[float], bool]


def check_targets(case: Case, walks: Walks | None) -> Violations:
    """One true result for every target; without ``walks`` those that hang on them are passed over."""
    targets = {target.id: target for target in case.scenario.file.targets}
    count = Counter(result.id for result in case.plan.targets)
    for name in count.keys() - targets.keys():
        yield Violation(rule="target", place=name, amount=name, detail=f"there is no target {name!r}")
    for target in targets.values():
        if count[target.id] != 1:
            yield Violation(
                rule="target",
                place=target.id,
                amount=f"{count[target.id]} results",
                detail=f"target {target.id} must have one result, the plan has {count[target.id]}",
            )
    for result in case.plan.targets:
        known = targets.get(result.id)
        if known is not None and (result.measure, result.text, result.citation) != (
            known.measure,
            known.text,
            known.citation,
        ):
            yield Violation(
                rule="target",
                place=result.id,
                amount="other words",
                detail=f"measure, text or citation of target {result.id} are not those of the scenario",
            )
        if known is not None and (walks is not None or not isinstance(known, CoverageTarget | AreaTarget)):
            yield from _compare(result, _truth(case, known, walks))


def _compare(result: TargetResult, truth: Truth) -> Violations:
    low, high, exact = min(truth.values), max(truth.values), truth.values[len(truth.values) // 2]
    if not math.isnan(exact):
        room = _RELATIVE * max(abs(low), abs(high)) + _ROUNDING
        if not low - room <= result.value <= high + room:
            yield Violation(
                rule="target",
                place=result.id,
                amount=f"{result.value:g} for {exact:g}",
                detail=f"the plan reaches {exact:g} in target {result.id} and says {result.value:g}",
            )
        if result.met not in {truth.meets(value) for value in truth.values}:
            yield Violation(
                rule="target",
                place=result.id,
                amount=f"{'met' if result.met else 'missed'} at {exact:g}",
                detail=f"with {exact:g}, target {result.id} is {'missed' if result.met else 'met'}, "
                f"the plan says it is {'met' if result.met else 'missed'}",
            )
        money = result.measure == "budget"
        if result.bound is not None and (result.bound > high + room if money else result.bound < low - room):
            yield Violation(
                rule="target",
                place=result.id,
                amount=f"{result.bound:g} for {exact:g}",
                detail=f"the plan reaches {exact:g} in target {result.id} and says that none reaches "
                f"{'less' if money else 'more'} than {result.bound:g}",
            )


def _truth(case: Case, target: Target, walks: Walks | None) -> Truth:
    if isinstance(target, CountTarget):
        return Truth(values=(_count(case, target),), meets=_between(target.minimum, target.maximum))
    if isinstance(target, CoverageTarget):
        assert walks is not None
        values = tuple(_coverage(case, target, walks, shift) for shift in (-TOLERANCE_M, 0.0, TOLERANCE_M))
        return Truth(values=values, meets=_between(target.minimum, None))
    if isinstance(target, AreaTarget):
        assert walks is not None
        reaches = (target.reach_m - TOLERANCE_M, target.reach_m, target.reach_m + TOLERANCE_M)
        values = tuple(_areas(case, target, walks, reach) for reach in reaches)
        return Truth(values=values, meets=_between(target.minimum, None))
    if isinstance(target, BudgetTarget):
        yuan, rounding = _budget(case, target), 0.01 * len(case.plan.sites)  # each site is rounded to whole fen
        return Truth(values=(yuan - rounding, yuan, yuan + rounding), meets=_between(None, target.maximum_yuan))
    if isinstance(target, FleetTarget):
        return Truth(values=(_vehicles(case, target),), meets=_between(target.minimum, None))
    if isinstance(target, NewEnergyTarget):
        return Truth(values=(_new_energy(case, target),), meets=_between(target.minimum, None))
    if isinstance(target, PermitTarget):
        return Truth(values=(float(holders(case, target.permit)),), meets=_between(target.minimum, target.maximum))
    assert_never(target)


def _between(minimum: float | None, maximum: float | None) -> Callable[[float], bool]:
    def meets(value: float) -> bool:
        return (minimum is None or value >= minimum - _ROUNDING) and (maximum is None or value <= maximum + _ROUNDING)

    return meets


def _count(case: Case, target: CountTarget) -> float:
    chosen = [
        site
        for site in standing(case, target)
        if site.facility == target.facility
        and (target.host is None or site.host in target.host)
        and (target.district is None or site.district == target.district)
    ]
    if target.of == "sites":
        return float(len(chosen))
    return float(sum(site.chilled_modules if target.of == "chilled_modules" else site.modules for site in chosen))


def _coverage(case: Case, target: CoverageTarget, walks: Walks, shift_m: float) -> float:
    """With all walks this much shorter than measured."""
    demand = case.demand
    covered = np.zeros(len(demand))
    for site in standing(case, target):
        facility = case.facilities.get(site.facility)
        if facility is None or site.facility not in target.facilities or site.id not in walks.orders:
            continue
        within = walks.orders[site.id] <= target.reach_m + shift_m
        come = coming(facility, walks.orders[site.id], shift_m) if target.expected else 1.0
        covered = np.maximum(covered, np.where(within, come, 0.0))
    districts = np.array(demand.district, dtype=object)
    chosen = np.ones(len(demand), dtype=bool)
    if target.districts is not None:
        chosen = np.array([name in target.districts for name in demand.district], dtype=bool)
    if not target.each_district:
        return _share(demand.parcels, chosen, covered)
    names = target.districts if target.districts is not None else dict.fromkeys(demand.district)
    shares = [_share(demand.parcels, chosen & (districts == name), covered) for name in names]
    return min((share for share in shares if not math.isnan(share)), default=math.nan)


def _share(parcels: NDArray[np.int32], chosen: NDArray[np.bool_], covered: NDArray[np.float64]) -> float:
    total = int(parcels[chosen].sum())
    return float((parcels * covered)[chosen].sum()) / total if total else math.nan


def _areas(case: Case, target: AreaTarget, walks: Walks, reach_m: float) -> float:
    areas = case.scenario.areas
    if areas is None:
        return math.nan
    of_kind = (areas["kind"] == target.area_kind).to_numpy(dtype=bool)
    chosen = of_kind
    if target.districts is not None:
        chosen = of_kind & np.array([name in target.districts for name in _area_districts(case)], dtype=bool)
    if not chosen.any():
        return math.nan
    rows = [
        walks.areas[site.id]
        for site in standing(case, target)
        if site.facility in target.facilities and site.id in walks.areas
    ]
    if not rows:
        return 0.0
    metres = np.array(rows, dtype=np.float64)
    if not target.at_most_one:
        return float((metres.min(axis=0) <= reach_m)[chosen].mean())
    # A site belongs to the nearest area of the kind, whichever district that is in.
    metres[:, ~of_kind] = np.inf
    belongs = metres.argmin(axis=1)[metres.min(axis=1) <= reach_m]
    return float((np.bincount(belongs, minlength=len(areas)) == 1)[chosen].mean())


def _area_districts(case: Case) -> list[str]:
    """District of every area: as its table says, else where it lies."""
    areas = case.scenario.areas
    names: list[str] = [str(name) for name in areas["district"]]
    for row, middle in enumerate(shapely.point_on_surface(areas.geometry.to_numpy())):
        names[row] = names[row] or case.districts_at(middle.x, middle.y)[0]
    return names


def _budget(case: Case, target: BudgetTarget) -> float:
    yuan = 0.0
    for site in standing(case, target):
        facility = case.facilities.get(site.facility)
        if facility is not None and facility.budget == target.category:
            yuan += site_yuan(site, facility)
    return yuan


def _fleet(case: Case) -> dict[str, int]:
    """Vehicles driven and in reserve by type."""
    counts = Counter(route.vehicle_type for route in case.plan.routes)
    for entry in case.plan.fleet:
        counts[entry.vehicle_type] += entry.reserve
    return {name: count for name, count in counts.items() if name in case.vehicles}


def _vehicles(case: Case, target: FleetTarget) -> float:
    return float(
        sum(
            count
            for name, count in _fleet(case).items()
            if (not target.new_only or case.vehicles[name].new)
            and (not target.marked_only or case.vehicles[name].marked)
        )
    )


def _new_energy(case: Case, target: NewEnergyTarget) -> float:
    fleet = {name: n for name, n in _fleet(case).items() if not target.new_only or case.vehicles[name].new}
    total = sum(fleet.values())
    electric = sum(count for name, count in fleet.items() if case.vehicles[name].energy == "electric")
    return electric / total if total else math.nan
