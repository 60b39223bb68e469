"""What siting tells apart: parcels by size and chilled ones, and the refrigerated modules that take these."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lastmile.scenario import SIZES, Facility
from lastmile.stages.options import Option
from lastmile.stages.prepare import City
from lastmile.stages.room import chilled_modules_max, module_takes, rank
from lastmile.stages.walks import Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What the parcels of a demand row have in common; ``size`` is 0 for the smallest, and where none matters."""

    channel: str
    size: int = 0
    chilled: bool = False


def site_channel(channels: tuple[str, ...]) -> str:
    """The channel that siting counts an order under: the first that is not the door, else the door."""
    return next((channel for channel in channels if channel != "door"), "door")


def kinds_of_orders(city: City) -> tuple[list[Kind], NDArray[np.int64]]:
    """The kinds of demand rows, and of each order which of them it is counted under.

    Sizes are told apart only in channels where some facility has compartments.
    """
    sized = {kind.channel for kind in city.scenario.file.facilities if kind.compartments}
    found = {Kind(channel=channel): row for row, channel in enumerate(("door", "locker", "station"))}
    demand = city.demand
    rows = []
    for channels, size, chilled in zip(demand.channels, demand.size, demand.chilled().tolist(), strict=True):
        channel = site_channel(channels)
        if channel == "door":
            kind = Kind(channel=channel)
        elif chilled:
            kind = Kind(channel=channel, chilled=True)
        else:
            kind = Kind(channel=channel, size=rank(size) if channel in sized else 0)
        rows.append(found.setdefault(kind, len(found)))
    return list(found), np.array(rows, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refrigerated:
    """Refrigerated modules as one site of the solver.

    Parameters
    ----------
    options
        Those that they may stand beside. Where no chilled parcel is within reach, one place is as good as another of
        the same facility, host and district, and all of these are one site: a city's program stays small.
    each
        Most modules beside each.
    existing
        Modules that stand there already.
    """

    facility: Facility
    options: tuple[int, ...]
    each: int
    existing: int = 0


def refrigerated(city: City, options: Sequence[Option], reach: Pairs, *, apart: bool) -> list[Refrigerated]:
    """Where refrigerated modules may stand: the solver's sites behind all options.

    Parameters
    ----------
    reach
        Walks from the candidates to the demand's places.
    apart
        Each option has a site of its own in any case.
    """
    demand = city.demand
    chilled = demand.chilled() & (demand.parcels > 0)
    wanted: dict[str, NDArray[np.bool_]] = {}
    for order in np.flatnonzero(chilled).tolist():
        places = wanted.setdefault(site_channel(demand.channels[order]), np.zeros(len(city.places), dtype=bool))
        places[city.place_of[order]] = True
    near: dict[str, set[int]] = {}
    for facility in city.scenario.file.facilities:
        if facility.parcels_per_chilled_module is not None and facility.channel in wanted:
            pairs = reach.within(facility.reach_m)
            near[facility.id] = set(np.unique(pairs.origin[wanted[facility.channel][pairs.target]]).tolist())
    found: list[Refrigerated] = []
    idle: dict[tuple[str, str, str, int], list[int]] = {}
    for j, option in enumerate(options):
        facility, candidate = option.facility, city.candidates[option.candidate]
        each = chilled_modules_max(facility, candidate)
        existing = candidate.existing_chilled_modules
        if each and (apart or existing or option.candidate in near.get(facility.id, ())):
            found.append(Refrigerated(facility=facility, options=(j,), each=each, existing=existing))
        elif each:
            idle.setdefault((facility.id, candidate.host, candidate.district, each), []).append(j)
    found += [
        Refrigerated(facility=options[group[0]].facility, options=tuple(group), each=key[-1])
        for key, group in idle.items()
    ]
    return found


def modules_beside(stands: Sequence[Refrigerated], modules: NDArray[np.int32]) -> dict[int, int]:
    """Of each opened option, the refrigerated modules beside it.

    Parameters
    ----------
    modules
        Of every option, then of every stand; 0 where it is closed.
    """
    found = {}
    for stand, number in zip(stands, modules[len(modules) - len(stands) :].tolist(), strict=True):
        left = number
        for j in stand.options:
            if modules[j] > 0 and left > 0:
                found[j] = min(left, stand.each)
                left -= found[j]
    return found


def limits_by_size(options: Sequence[Option], stands: int, kinds: Sequence[Kind], places: int) -> dict[str, Any]:
    """The siting problem's limits by size, of which none holds for refrigerated modules; none without compartments."""
    if not any(option.facility.compartments for option in options):
        return {}
    capacity = [module_takes(option.facility) for option in options] + [np.full(len(SIZES), np.inf)] * stands
    return {
        "size": np.tile(np.array([kind.size for kind in kinds], dtype=np.int8), places),
        "size_capacity": np.array(capacity).reshape(-1, len(SIZES)),
    }
