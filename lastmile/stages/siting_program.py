"""The city as a problem of siting: places, facilities and demand become indices, capacities and money."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from lastmile.solvers.siting_problem import SitingProblem
from lastmile.stages.commodities import Refrigerated, kinds_of_orders, limits_by_size
from lastmile.stages.options import Option, opening_fen
from lastmile.stages.prepare import City
from lastmile.stages.supply import Supply
from lastmile.stages.walks import Pairs, site_pairs
from lastmile.units import fen
from lastmile.walk_shares import walk_share

_DAYS_A_YEAR = 365


def siting_problem(
    city: City,
    options: list[Option],
    stands: list[Refrigerated],
    reach: Pairs,
    supply: Supply | None,
) -> SitingProblem:
    """The program's sites, what each is worth and may take, without the rules that targets make.

    Parameters
    ----------
    options, stands
        Its sites: what may open where, and behind them refrigerated modules.
    reach
        Walks from the candidates to the demand's places.
    """
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
        near = site_pairs(reach.within(kind.reach_m), candidate, facility == index)
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
        walk_discount=file.economics.walk_discount,
        minded_fen=column(
            (option.facility.inconvenience_yuan * 100 for option in options),
            (stand.facility.inconvenience_yuan * 100 for stand in stands),
            np.float64,
        ),
        conflicts=_conflicts(city, options),
        needs=np.array(needs, dtype=np.int32).reshape(-1, 2),
        grows=column(
            (option.facility.modules_grow for option in options),
            (stand.facility.modules_grow for stand in stands),
            np.bool_,
        ),
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
