"""Stage 2: which sites open with how many modules, and which order goes to which of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from lastmile.plans import Phase, Service, Site, SitingSummary, Unserved
from lastmile.scenario import CHILLED, SIZES, AreaTarget, BudgetTarget, CountTarget, CoverageTarget, Facility, Target
from lastmile.solvers.phased_siting import RulesDue, site_in_phases
from lastmile.solvers.siting_problem import CoverageRow, Shortfall, SitingProblem, SitingRow, SitingSolution
from lastmile.stages.commodities import (
    Option,
    Refrigerated,
    kinds_of_orders,
    limits_by_size,
    modules_beside,
    refrigerated,
)
from lastmile.stages.phases import SiteTarget, phase_dates
from lastmile.stages.prepare import City, Progress
from lastmile.stages.room import Room, lacks, loaded
from lastmile.stages.supply import Supply
from lastmile.stages.targets import ceilings
from lastmile.stages.walks import Pairs, area_pairs, counted_share, walks, walks_to_areas, wanted_areas
from lastmile.units import fen
from lastmile.walk_shares import walk_share

_DAYS_A_YEAR = 365
_NOTHING = 1e-6  # of a shortfall: rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """What siting decided: sites, the channel and site of every order, orders no site takes, and the proven bound.

    ``ceilings``: by target, what no choice of sites reaches more of. ``phases``: see :class:`lastmile.plans.Plan`.
    """

    sites: tuple[Site, ...]
    services: tuple[Service, ...]
    unserved: tuple[Unserved, ...]
    summary: SitingSummary | None
    phases: tuple[Phase, ...] = ()
    ceilings: Mapping[str, float] = field(default_factory=dict)


def place_sites(city: City, *, supply: Supply | None = None, on_progress: Progress) -> Placement:
    """Choose sites by one mixed-integer program, then assign whole orders to them, nearest first.

    Where targets have several dates there is one program for each: the final network first, then from the last date to
    the first the best part of what comes after. Orders are assigned to the final network.

    Parameters
    ----------
    supply
        What it cost to supply the sites of an earlier plan; None: nothing is known of that.
    """
    file = city.scenario.file
    options = [
        Option(candidate=c, facility=facility)
        for c, candidate in enumerate(city.candidates)
        for facility in file.facilities
        if facility.id in candidate.facilities
    ]
    if not file.facilities:
        return _assign(city, (), Pairs.none(), None)
    lon = np.array([candidate.lon for candidate in city.candidates])
    lat = np.array([candidate.lat for candidate in city.candidates])
    reach = walks(city, lon, lat, city.walk_places)
    areas = walks_to_areas(city, lon, lat)
    dates = phase_dates(file.targets)
    # Which of several places refrigerated modules stand at is open until the end: too late for sites with dates.
    stands = refrigerated(city, options, reach, apart=bool(dates))
    problem = _problem(city, options, stands, reach, areas, supply)
    on_progress("siting", f"{len(options):,} possible sites, {len(problem.serve_site):,} pairs within walking reach")
    due = _rules_due(city, dates, options, stands, reach, areas)

    told: set[str] = set()

    def tell(rules: RulesDue, found: SitingSolution) -> None:
        again = "again, for the sake of earlier dates, " if rules.name in told else ""
        told.add(rules.name)
        by = f"{again}by {rules.name}: " if rules.name else ""
        best = "possible" if rules is due[-1] else "part of the network after it"
        text = (
            f"{by}{np.count_nonzero(found.modules[: len(options)])} sites, at most {found.gap:.2%} from the best {best}"
        )
        on_progress("siting", f"{text} ({found.stopped})")

    solutions = site_in_phases(
        problem, due, seconds=file.search.siting_seconds, gap=file.search.siting_gap, on_phase=tell
    )
    summaries = [_summary(solution) for solution in solutions]
    modules = solutions[-1].modules
    opened = np.flatnonzero(modules[: len(options)] > 0)
    chilled = modules_beside(stands, modules, modules[len(options) :].tolist())
    # Networks nest: a site opens after the phases that it is missing in.
    missing = np.sum([solution.modules[opened] == 0 for solution in solutions], axis=0)
    opens_by = [dates[phase] if dates else None for phase in missing.tolist()]
    sites = tuple(
        _site(city, options[j], int(modules[j]), chilled.get(j, 0), by)
        for j, by in zip(opened.tolist(), opens_by, strict=True)
    )
    chosen = np.array([options[j].candidate for j in opened.tolist()], dtype=np.int32)
    placed = _assign(city, sites, _to_sites(reach, chosen), summaries[-1])
    return replace(
        placed,
        phases=tuple(Phase(by=by, siting=summary) for by, summary in zip(dates, summaries, strict=bool(dates))),
        ceilings=ceilings(city, reach, areas),
    )


def _to_sites(reach: Pairs, chosen: NDArray[np.int32]) -> Pairs:
    """Pairs of candidates -> pairs of opened sites; several sites may share a candidate."""
    starts = np.searchsorted(reach.origin, chosen)
    ends = np.searchsorted(reach.origin, chosen, side="right")
    index = np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)] or [np.empty(0, np.int64)])
    return Pairs(
        origin=np.repeat(np.arange(len(chosen), dtype=np.int32), ends - starts),
        target=reach.target[index.astype(np.int64)],
        metres=reach.metres[index.astype(np.int64)],
    )


def opening_fen(facility: Facility, host: str) -> int:
    """What opening costs at a host, without modules."""
    return fen(facility.yuan_open * (1 - facility.host_discount.get(host, 0.0)))  # type: ignore[call-overload]


def _site(city: City, option: Option, modules: int, chilled_modules: int, opens_by: date | None) -> Site:
    candidate, facility = city.candidates[option.candidate], option.facility
    existing = candidate.existing_modules > 0
    added = facility.yuan_per_module * modules + facility.yuan_per_chilled_module * chilled_modules
    cost = 0 if existing else opening_fen(facility, candidate.host) + fen(added)
    room = Room.of(facility, modules, chilled_modules)
    return Site(
        id=f"{facility.id}:{candidate.id}",
        candidate_id=candidate.id,
        facility=facility.id,
        kind=facility.kind,
        name=candidate.name,
        host=candidate.host,
        district=candidate.district,
        lon=candidate.lon,
        lat=candidate.lat,
        existing=existing,
        modules=modules,
        capacity_parcels=room.left("", chilled=False) + room.chilled,
        load_parcels=0,
        cost_fen=cost,
        opens_by=None if existing else opens_by,
        chilled_modules=chilled_modules,
        chilled_capacity_parcels=room.chilled,
        compartments={size: modules * facility.compartments[size] for size in SIZES if size in facility.compartments},
    )


def _summary(solution: SitingSolution) -> SitingSummary:
    return SitingSummary(
        value_fen=round(solution.value_fen),
        bound_fen=round(solution.bound_fen),
        gap=solution.gap,
        stopped=solution.stopped,
        shortfalls=tuple(_short(shortfall) for shortfall in solution.shortfalls),
        relaxations=tuple(
            f"all other rules could be met if {name} gave way by {amount:.4g}" for name, amount in solution.relaxations
        ),
    )


def _short(shortfall: Shortfall) -> str:
    text = f"{shortfall.name}: short by {shortfall.amount:.4g}"
    if shortfall.alone is None:
        return text
    alone = f"short by {shortfall.alone:.4g} even" if shortfall.alone > _NOTHING else "met"
    return f"{text}; {alone} if there were no other rule"


def _problem(
    city: City,
    options: list[Option],
    stands: list[Refrigerated],
    reach: Pairs,
    areas: Pairs,
    supply: Supply | None,
) -> SitingProblem:
    file = city.scenario.file
    life = file.economics.site_life_years * _DAYS_A_YEAR
    candidate = np.array([option.candidate for option in options], dtype=np.int32)
    hosts = [city.candidates[option.candidate].host for option in options]
    per_day = [
        (opening_fen(option.facility, host) / life + fen(option.facility.yuan_per_day),
         fen(option.facility.yuan_per_module) / life)
        for option, host in zip(options, hosts, strict=True)
    ]  # fmt: skip
    facility = np.array([file.facilities.index(option.facility) for option in options], dtype=np.int32)
    needs = [(site, j) for site, stand in enumerate(stands, start=len(options)) for j in stand.options]
    beside = np.full(len(options), -1, dtype=np.int32)  # of each option, the site of its own refrigerated modules
    for site, stand in enumerate(stands, start=len(options)):
        if len(stand.options) == 1:
            beside[stand.options[0]] = site

    # Demand rows: place x kind, each order counted under the channel it would use first.
    kinds, first = kinds_of_orders(city)
    places = len(city.places)
    weight: NDArray[np.float64] = np.bincount(
        city.place_of * len(kinds) + first, weights=city.demand.parcels, minlength=places * len(kinds)
    ).astype(np.float64)
    serve: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]] = []
    attract: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]] = []
    for index, kind in enumerate(file.facilities):
        near = _site_pairs(reach.within(kind.reach_m), candidate, facility == index)
        if kind.channel is not None:
            cold = near.take(np.flatnonzero(beside[near.origin] >= 0))
            for row, taken in enumerate(kinds):
                if taken.channel == kind.channel:
                    pairs, at = (cold, beside[cold.origin]) if taken.chilled else (near, near.origin)
                    serve.append((pairs.target * len(kinds) + row, at, pairs.metres, walk_share(kind, pairs.metres)))
        elif kind.dispatches:
            attract.append((near.target * len(kinds), near.origin, walk_share(kind, near.metres)))

    def column(of_options: Iterable[float], of_stands: Iterable[float], dtype: type) -> Any:
        return np.array([*of_options, *of_stands], dtype=dtype)

    return SitingProblem(
        fixed_fen=column(
            np.rint([a for a, _ in per_day] + _supplied(city, candidate, facility, supply)),
            (0 for _ in stands),
            np.int64,
        ),
        module_fen=column(
            (round(b) for _, b in per_day),
            (
                round(fen(stand.facility.yuan_per_chilled_module) / life)
                + fen(stand.facility.yuan_per_chilled_module_day)
                for stand in stands
            ),
            np.int64,
        ),
        modules_max=column(
            (option.facility.modules_max for option in options),
            (stand.each * len(stand.options) for stand in stands),
            np.int32,
        ),
        module_capacity=column(
            (int(option.facility.parcels_per_module) for option in options),
            (int(stand.facility.parcels_per_chilled_module or 0) for stand in stands),
            np.int32,
        ),
        existing=column(
            (city.candidates[option.candidate].existing_modules for option in options),
            (stand.existing for stand in stands),
            np.int32,
        ),
        weight=weight,
        serve_demand=_joined([a for a, _, _, _ in serve], np.int32),
        serve_site=_joined([b for _, b, _, _ in serve], np.int32),
        serve_metres=_joined([c for _, _, c, _ in serve], np.float64),
        serve_share=_joined([d for _, _, _, d in serve], np.float64),
        attract_demand=_joined([a for a, _, _ in attract], np.int32),
        attract_site=_joined([b for _, b, _ in attract], np.int32),
        attract_share=_joined([c for _, _, c in attract], np.float64),
        parcel_fen=file.economics.parcel_yuan * 100,
        minded_fen=column(
            (option.facility.inconvenience_yuan * 100 for option in options),
            (stand.facility.inconvenience_yuan * 100 for stand in stands),
            np.float64,
        ),
        conflicts=_conflicts(city, options),
        needs=np.array(needs, dtype=np.int32).reshape(-1, 2),
        **limits_by_size(options, len(stands), kinds, places),
    )


def _supplied(
    city: City, candidate: NDArray[np.int32], facility: NDArray[np.int32], supply: Supply | None
) -> NDArray[np.float64]:
    """Of each option, fen a day for bringing parcels there, as far as that is known."""
    fen_a_day = np.zeros(len(candidate))
    if supply is None:
        return fen_a_day
    lon, lat = np.array([one.lon for one in city.candidates]), np.array([one.lat for one in city.candidates])
    for index, kind in enumerate(city.scenario.file.facilities):
        of = facility == index
        fen_a_day[of] = supply.at(kind.id, lon[candidate[of]], lat[candidate[of]])
    return fen_a_day


def _joined(parts: list[Any], dtype: type) -> Any:
    return np.concatenate(parts).astype(dtype) if parts else np.empty(0, dtype=dtype)


def _site_pairs(reach: Pairs, candidate: NDArray[np.int32], chosen: NDArray[np.bool_]) -> Pairs:
    """Pairs of candidates -> pairs of the chosen options' indices."""
    index = np.flatnonzero(chosen).astype(np.int32)
    pairs = _to_sites(reach, candidate[index])
    return Pairs(origin=index[pairs.origin], target=pairs.target, metres=pairs.metres)


def _rules_due(
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
    return _site_pairs(area_pairs(city, target, areas), candidate, chosen)


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
            near = _site_pairs(reach.within(target.reach_m), candidate, chosen)
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


def _conflicts(city: City, options: list[Option]) -> NDArray[np.int32]:
    """Pairs of one facility that stand nearer than its spacing."""
    project = Transformer.from_crs("EPSG:4326", city.scenario.metric_crs, always_xy=True)
    found = []
    for facility in city.scenario.file.facilities:
        if facility.minimum_spacing_m <= 0:
            continue
        index = np.array([j for j, option in enumerate(options) if option.facility.id == facility.id], dtype=np.int32)
        if not len(index):
            continue
        at = [city.candidates[options[j].candidate] for j in index.tolist()]
        plane = np.column_stack(project.transform([c.lon for c in at], [c.lat for c in at]))
        near = cKDTree(plane).query_pairs(facility.minimum_spacing_m, output_type="ndarray")
        found.append(index[np.sort(near, axis=1)])
    return np.concatenate(found).astype(np.int32) if found else np.empty((0, 2), dtype=np.int32)


def _assign(city: City, sites: tuple[Site, ...], reach: Pairs, summary: SitingSummary | None) -> Placement:
    """Give every order its best channel that still has room, nearest orders first.

    Orders stay whole, so a site may be left with a little room that no order fits into. All parcels of an order need
    compartments of its size; a chilled order needs refrigerated modules.
    """
    demand = city.demand
    chilled = demand.chilled().tolist()
    facilities = {facility.id: facility for facility in city.scenario.file.facilities}
    room = [Room.of(facilities[site.facility], site.modules, site.chilled_modules) for site in sites]
    near: dict[int, list[tuple[float, int]]] = {}
    for j, place, metres in zip(reach.origin.tolist(), reach.target.tolist(), reach.metres.tolist(), strict=True):
        facility = facilities[sites[j].facility]
        if facility.channel is not None and metres <= facility.reach_m:
            near.setdefault(place, []).append((metres, j))
    taken: list[tuple[str, int] | None] = [None] * len(demand)
    full: dict[int, set[str]] = {}
    unfit: dict[int, dict[str, str]] = {}
    for choice in range(max((len(channels) for channels in demand.channels), default=0)):
        waiting = []
        for order, channels in enumerate(demand.channels):
            if taken[order] is not None or choice >= len(channels):
                continue
            if channels[choice] == "door":
                taken[order] = ("door", -1)
                continue
            for metres, j in near.get(int(city.place_of[order]), ()):
                facility = facilities[sites[j].facility]
                if facility.channel != channels[choice]:
                    continue
                if lacking := lacks(sites[j], facility, demand.size[order], chilled[order]):
                    unfit.setdefault(order, {})[sites[j].id] = lacking
                else:
                    waiting.append((metres, order, j))
        for _, order, j in sorted(waiting):
            parcels = int(demand.parcels[order])
            if taken[order] is None:
                if parcels <= room[j].left(demand.size[order], chilled[order]):
                    room[j].take(parcels, demand.size[order], chilled[order])
                    taken[order] = (demand.channels[order][choice], j)
                else:
                    full.setdefault(order, set()).add(sites[j].id)
    services, unserved = [], []
    for order, answer in enumerate(taken):
        if answer is None:
            unserved.append(_unserved(city, order, full.get(order, set()), unfit.get(order, {})))
            continue
        channel, j = answer
        services.append(
            Service(order_id=demand.id[order], channel=channel, site_id=sites[j].id if j >= 0 else None,  # type: ignore[arg-type]
                    parcels=int(demand.parcels[order]))
        )  # fmt: skip
    return Placement(
        sites=loaded(sites, services, demand, facilities.values()),
        services=tuple(services),
        unserved=tuple(unserved),
        summary=summary,
    )


def _unserved(city: City, order: int, full: set[str], unfit: Mapping[str, str]) -> Unserved:
    """``full`` and ``unfit`` are ids of sites within reach: those that had no room, and what others have none of."""
    demand = city.demand
    channels = demand.channels[order]
    chilled, size = demand.skill[order] == CHILLED, demand.size[order]
    if full:
        by_size = size and any(facility.compartments for facility in city.scenario.file.facilities)
        of_what = " of chilled parcels" if chilled else f" for size {size}" if by_size else ""
        reason = f"every {' or '.join(channels)} within walking reach is full{of_what}: {', '.join(sorted(full))}"
        modules = "refrigerated modules" if chilled else "modules"
        remedy = f"allow more {modules} or sites there, or let the receiver also agree to the door"
    elif unfit:
        lacking = " or ".join(sorted(set(unfit.values())))
        reason = f"no {' or '.join(channels)} within walking reach has {lacking}: {', '.join(sorted(unfit))}"
        remedy = f"allow {lacking} there, or let the receiver also agree to the door"
    else:
        reason = f"no {' or '.join(channels)} opens within walking reach"
        remedy = "let the receiver also agree to the door, raise reach_m, or add a candidate nearby"
    return Unserved(
        order_id=demand.id[order],
        channel=channels[0],
        parcels=int(demand.parcels[order]),
        lon=float(demand.lon[order]),
        lat=float(demand.lat[order]),
        reasons=(reason,),
        remedy=remedy,
    )
