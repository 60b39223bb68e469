"""What the targets demand of siting, and by when."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from lastmile.scenario import AreaTarget, BudgetTarget, CountTarget, CoverageTarget, Target
from lastmile.solvers.phased_program import RulesDue
from lastmile.solvers.siting_problem import CoverageRow, SitingRow
from lastmile.stages.commodities import Refrigerated
from lastmile.stages.options import Option, opening_fen
from lastmile.stages.phases import SiteTarget
from lastmile.stages.prepare import City
from lastmile.stages.walks import Pairs, area_pairs, counted_share, site_pairs, wanted_areas


def rules_due(
    city: City,
    dates: Sequence[date],
    options: list[Option],
    stands: list[Refrigerated],
    reach: Pairs,
    areas: Pairs,
) -> list[RulesDue]:
    """The targets of sites by their dates; those without one are due with the last."""
    candidate = np.array([option.candidate for option in options], dtype=np.int32)
    found = []
    for by in dates or (None,):
        own = [
            target
            for target in city.scenario.file.targets
            if isinstance(target, SiteTarget) and (not dates or (target.by or dates[-1]) == by)
        ]
        found.append(
            RulesDue(
                name="" if by is None else by.isoformat(),
                rows=tuple(_rows(city, own, options, stands, candidate, areas)),
                coverage=tuple(_coverage(city, own, options, candidate, reach, areas)),
            )
        )
    return found


def _rows(
    city: City,
    targets: Sequence[Target],
    options: list[Option],
    stands: list[Refrigerated],
    candidate: NDArray[np.int32],
    areas: Pairs,
) -> list[SitingRow]:
    def beside(sites: NDArray[np.int32]) -> list[int]:
        """Sites of the refrigerated modules of these options: a rule counts all options of a stand or none."""
        chosen = set(sites.tolist())
        return [site for site, stand in enumerate(stands, start=len(options)) if stand.options[0] in chosen]

    rows = []
    for target in targets:
        if isinstance(target, CountTarget):
            sites = np.array(
                [
                    j
                    for j, option in enumerate(options)
                    if option.facility.id == target.facility
                    and (target.host is None or city.candidates[option.candidate].host in target.host)
                    and (target.district is None or city.candidates[option.candidate].district == target.district)
                ],
                dtype=np.int32,
            )
            if target.of == "chilled_modules":
                sites = np.array(beside(sites), dtype=np.int32)
            ones, zeros = np.ones(len(sites)), np.zeros(len(sites))
            per_open, per_module = (ones, zeros) if target.of == "sites" else (zeros, ones)
            upper = float("inf") if target.maximum is None else float(target.maximum)
            rows.append(
                SitingRow(name=target.id, site=sites, per_open=per_open, per_module=per_module,
                          lower=float(target.minimum), upper=upper)
            )  # fmt: skip
        elif isinstance(target, BudgetTarget):
            sites = np.array(
                [
                    j
                    for j, option in enumerate(options)
                    if option.facility.budget == target.category
                    and not city.candidates[option.candidate].existing_modules
                ],
                dtype=np.int32,
            )
            hosts = [city.candidates[options[j].candidate].host for j in sites.tolist()]
            colds = beside(sites)
            rows.append(
                SitingRow(
                    name=target.id,
                    site=np.array([*sites.tolist(), *colds], dtype=np.int32),
                    per_open=np.array(
                        [
                            *(
                                opening_fen(options[j].facility, host) / 100
                                for j, host in zip(sites.tolist(), hosts, strict=True)
                            ),
                            *(0.0 for _ in colds),
                        ]
                    ),
                    per_module=np.array(
                        [
                            *(options[j].facility.yuan_per_module for j in sites.tolist()),
                            *(stands[site - len(options)].facility.yuan_per_chilled_module for site in colds),
                        ]
                    ),
                    upper=target.maximum_yuan,
                    yuan=True,
                )
            )
        elif isinstance(target, AreaTarget):
            near = _area_pairs(city, target, options, candidate, areas)
            for area in np.unique(near.target).tolist():
                sites = near.origin[near.target == area]
                rows.append(
                    SitingRow(
                        name=f"{target.id}: {city.scenario.areas['name'].iloc[area]}",
                        site=sites,
                        per_open=np.ones(len(sites)),
                        per_module=np.zeros(len(sites)),
                        lower=1.0 if target.minimum >= 1.0 else 0.0,
                        upper=1.0 if target.at_most_one else float("inf"),
                    )
                )
    return rows


def _area_pairs(
    city: City, target: AreaTarget, options: list[Option], candidate: NDArray[np.int32], areas: Pairs
) -> Pairs:
    """Which options are near which of the target's areas."""
    chosen = np.array([option.facility.id in target.facilities for option in options], dtype=bool)
    return site_pairs(area_pairs(city, target, areas), candidate, chosen)


def _coverage(
    city: City,
    targets: Sequence[Target],
    options: list[Option],
    candidate: NDArray[np.int32],
    reach: Pairs,
    areas: Pairs,
) -> list[CoverageRow]:
    rows = []
    parcels = city.parcels_of_places()
    district = np.empty(len(city.places), dtype=object)
    district[city.place_of] = np.array(city.demand.district, dtype=object)
    for target in targets:
        if isinstance(target, CoverageTarget):
            chosen = np.array([option.facility.id in target.facilities for option in options], dtype=bool)
            near = site_pairs(reach.within(target.reach_m), candidate, chosen)
            share = np.zeros(len(near.origin))
            for facility in city.scenario.file.facilities:
                of = np.array([option.facility is facility for option in options], dtype=bool)[near.origin]
                share[of] = counted_share(target, facility, near.metres[of])
            names = sorted(set(city.demand.district)) if target.districts is None else target.districts
            groups = [(name,) for name in names] if target.each_district else [tuple(names)]
            for group in groups:
                weight = np.where(np.isin(district, group), parcels, 0.0)
                name = f"{target.id}: {group[0]}" if target.each_district else target.id
                rows.append(
                    CoverageRow(name=name, demand=near.target, site=near.origin, weight=weight, minimum=target.minimum,
                                share=share)
                )  # fmt: skip
        elif isinstance(target, AreaTarget) and target.minimum < 1.0:
            near = _area_pairs(city, target, options, candidate, areas)
            wanted = wanted_areas(city, target)
            rows.append(
                CoverageRow(name=target.id, demand=near.target, site=near.origin, weight=wanted.astype(np.float64),
                            minimum=target.minimum)
            )  # fmt: skip
    return rows
