"""Who drove where: recorded traces with their vehicles, matched to the roads of the scenario's map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lastmile.errors import Fault, InputError
from lastmile.geo.access import Profile, eligible
from lastmile.geo.crs import from_wgs84, in_china, parse_crs, to_wgs84
from lastmile.geo.driven import MatchedTrace
from lastmile.geo.fixes import Trace
from lastmile.geo.matching import Matcher, MatchSettings
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import Snapper
from lastmile.geo.tags import Mode
from lastmile.plans import Plan
from lastmile.scenario import ScenarioFile
from lastmile.stages.prepare import Progress
from lastmile.traces.reading import Recorded, Recordings
from lastmile.traces.stands import Stands, find_stands
from lastmile.validation import nearest

_BATCH_FIXES: Final = 20_000  # matched at a time, so that progress shows
_SAMPLE: Final = 2_000
_BETTER: Final = 0.5  # share of the distance to the roads at which another system fits much better
_BETTER_M: Final = 15.0
_SPARSE: Final = 0.5  # share of matched fixes below which the user is told


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Journey:
    """One vehicle: what it recorded, the roads found, and where it stood."""

    vehicle_id: str
    profile: Profile
    trace: Trace
    matched: MatchedTrace
    stands: Stands


def profiles_of(
    recordings: Recordings,
    file: ScenarioFile,
    *,
    plan: Plan | None = None,
    vehicle_type: str | None = None,
    permits: Sequence[str] = (),
) -> dict[str, Profile]:
    """The type and permits of every vehicle.

    The type is that of the files' column vehicle_type, else that of the plan, else the given one, else the scenario's
    only one. Permits are those of the plan's routes, and the given ones where the type is eligible.

    Raises
    ------
    InputError
        When a type or permit is unknown, or a vehicle has no type.
    """
    known = {vehicle.id: vehicle for vehicle in file.vehicles}
    by_id = {permit.id: permit for permit in file.permits}
    faults = [
        Fault(place="--permit", cause=f"{name!r} is no permit of the scenario", remedy=nearest(name, list(by_id)))
        for name in permits
        if name not in by_id
    ]
    planned: dict[str, str] = {}
    held: dict[str, set[str]] = {}
    for route in plan.routes if plan is not None else ():
        planned[route.vehicle_id] = route.vehicle_type
        held.setdefault(route.vehicle_id, set()).update(route.permits)
    fallback = vehicle_type or (next(iter(known)) if len(known) == 1 else "")
    if vehicle_type is not None and vehicle_type not in known:
        faults.append(_unknown_type("--vehicle-type", vehicle_type, list(known)))
    profiles = {}
    without = []
    for recorded in recordings.vehicles:
        name = recorded.vehicle_type or planned.get(recorded.vehicle_id, "") or fallback
        if not name:
            without.append(recorded.vehicle_id)
        elif name in known:
            given = {permit for permit in permits if permit in by_id and eligible(by_id[permit], known[name])}
            profiles[recorded.vehicle_id] = Profile(
                vehicle=known[name], permits=frozenset(given | held.get(recorded.vehicle_id, set()))
            )
        elif name != vehicle_type:  # which is complained of already
            faults.append(_unknown_type(f"vehicle {recorded.vehicle_id!r}", name, list(known)))
    if without:
        faults.append(
            Fault(
                place="vehicle_type",
                cause=f"{len(without)} of {len(recordings.vehicles)} vehicles have no type, first {without[0]!r}",
                remedy=f"give --vehicle-type or a column vehicle_type: {', '.join(known)}",
            )
        )
    if faults:
        raise InputError(faults)
    return profiles


def _unknown_type(place: str, name: str, known: list[str]) -> Fault:
    return Fault(place=place, cause=f"{name!r} is no vehicle type of the scenario", remedy=nearest(name, known))


def match_journeys(
    recordings: Recordings,
    profiles: Mapping[str, Profile],
    network: RoadNetwork,
    *,
    crs: str,
    threads: int,
    on_progress: Progress,
) -> tuple[tuple[Journey, ...], tuple[str, ...]]:
    """Match all traces, class by class; the second value warns of what looks wrong.

    Parameters
    ----------
    crs
        The system that the coordinates were declared in: another one that fits the roads much better is named.

    Raises
    ------
    InputError
        When the map has no road for a vehicle's class, or no fix at all lies near a road.
    """
    by_mode: dict[Mode, list[Recorded]] = {}
    for recorded in recordings.vehicles:
        by_mode.setdefault(profiles[recorded.vehicle_id].mode, []).append(recorded)
    found: dict[str, MatchedTrace] = {}
    warnings: list[str] = []
    done = 0
    for mode, vehicles in by_mode.items():
        matcher = Matcher(network, mode, threads=threads)
        if not matcher.snapper.usable:
            raise InputError.single(
                place=network.source,
                cause=f"the map has no road for {mode}",
                remedy="take an extract with such roads, or give the vehicles another type",
            )
        warnings += _fits_better(matcher.snapper, vehicles, crs)
        for batch in _batches(vehicles):
            matched = matcher.match([recorded.trace for recorded in batch])
            found.update(zip((recorded.vehicle_id for recorded in batch), matched, strict=True))
            done += len(batch)
            on_progress("matching", f"{done:,} of {len(recordings.vehicles):,} vehicles")
    if not any(trace.matched_share > 0 for trace in found.values()):
        first = recordings.vehicles[0].trace
        raise InputError.single(
            place="traces",
            cause=f"no fix lies near a road of {network.source}; the first is at "
            f"({first.lon[0]:.5f}, {first.lat[0]:.5f})" + "".join(f"; {text}" for text in warnings),
            remedy="check the declared coordinate system (--crs), and that map and traces are of one region",
        )
    journeys = tuple(
        Journey(
            vehicle_id=recorded.vehicle_id,
            profile=profiles[recorded.vehicle_id],
            trace=recorded.trace,
            matched=found[recorded.vehicle_id],
            stands=find_stands(found[recorded.vehicle_id]),
        )
        for recorded in recordings.vehicles
    )
    warnings += [
        f"vehicle {journey.vehicle_id}: only {journey.matched.matched_share:.0%} of its {len(journey.trace):,} fixes "
        f"lie on roads for {journey.profile.mode}"
        for journey in journeys
        if journey.matched.matched_share < _SPARSE
    ]
    warnings += [
        f"vehicle {journey.vehicle_id}: half of its fixes are {interval:,.0f} s or more apart; what is driven in more "
        f"than {gap:g} s of silence is not guessed"
        for journey in journeys
        if len(journey.trace) > 1
        and (interval := float(np.median(np.diff(journey.trace.second)))) > (gap := MatchSettings().gap_s)
    ]
    return journeys, tuple(warnings)


def _batches(vehicles: Sequence[Recorded]) -> list[list[Recorded]]:
    batches: list[list[Recorded]] = [[]]
    fixes = 0
    for recorded in vehicles:
        if fixes >= _BATCH_FIXES:
            batches.append([])
            fixes = 0
        batches[-1].append(recorded)
        fixes += len(recorded.trace)
    return batches


def _fits_better(snapper: Snapper, vehicles: Sequence[Recorded], declared: str) -> list[str]:
    """Name the system in which the places lie much nearer to the roads than in the declared one."""
    lon = np.concatenate([recorded.trace.lon for recorded in vehicles])
    lat = np.concatenate([recorded.trace.lat for recorded in vehicles])
    sample = slice(None, None, len(lon) // _SAMPLE + 1)
    lon, lat = lon[sample], lat[sample]
    name = parse_crs(declared)
    if name.startswith("EPSG:") or not in_china(lon, lat).any():
        return []
    raw = from_wgs84(lon, lat, name)
    stated = float(np.median(snapper.snap(lon, lat).distance_m))
    others = {
        other: float(np.median(snapper.snap(*to_wgs84(*raw, other)).distance_m))
        for other in ("wgs84", "gcj02", "bd09")
        if other != name and not (other == "wgs84" and name == "cgcs2000")
    }
    best = min(others, key=lambda other: others[other])
    if others[best] > _BETTER * stated or stated - others[best] < _BETTER_M:
        return []
    return [
        f"read as {name}, as declared, half of the places lie more than {stated:,.0f} m from a road; read as {best} it "
        f"would be {others[best]:,.0f} m: check --crs"
    ]
