"""Which vehicles were in zones that were closed to them.

A vehicle enters a zone when its matched way comes onto a road that the zone's rule is about, while the rule is in force
for it and none of its permits lifts it. What was driven there counts; a vehicle that stood there when the zone closed
has broken no rule until it drives, unless the rule bans standing too. The calendar is that of the day on which it
drove; days other than the planned one count as ordinary days without an alert.

A way is known to within the receiver's error: an entry of fewer metres than that is listed as doubtful, and no verdict
rests on it. Roads above each other, an elevated road and the street of the same course below it, are not told apart:
where a rule speaks of one of them, look at the map.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.access import Access, Profile, periods
from lastmile.scenario import Zone
from lastmile.traces.journeys import Journey
from lastmile.units import DAY_S

Floats = NDArray[np.float64]
Span = tuple[float, float]

_LEAST_M: Final = 1.0
_STOOD_S: Final = 60.0
_DOUBTFUL_M: Final = 30.0
_DOUBTFUL_SIGMAS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneEntry:
    """One stay of a vehicle in a zone that was closed to it.

    Parameters
    ----------
    first_s
        Second after the planned day's midnight at which it was first inside while the zone was closed.
    seconds, driven_m
        Inside while it was closed.
    lon, lat
        Where it was at ``first_s``.
    doubtful
        So short that the receiver's error may explain it.
    """

    vehicle_id: str
    vehicle_type: str
    zone: str
    name: str
    citation: str
    first_s: float
    seconds: float
    driven_m: float
    lon: float
    lat: float
    doubtful: bool


def audit_zones(journeys: Sequence[Journey], access: Access) -> tuple[ZoneEntry, ...]:
    """All entries, in the order of vehicles and time."""
    zones = {zone.id: zone for zone in access.file.zones}
    spans: dict[tuple[Profile, int], Mapping[str, list[Span]]] = {}
    entries: list[ZoneEntry] = []
    for journey in journeys:
        matched = journey.matched
        if not len(matched.edge) or not zones:
            continue
        closed: dict[str, list[Span]] = {}
        first_day, last_day = int(matched.enter_s.min() // DAY_S), int(matched.leave_s.max() // DAY_S)
        for day in range(first_day, last_day + 1):
            key = (journey.profile, day)
            if key not in spans:
                spans[key] = _closed_on(access, journey.profile, day)
            for zone, own in spans[key].items():
                closed.setdefault(zone, []).extend(own)
        for name, own in closed.items():
            inside = access.inside[name][access.network.edge_segment[matched.edge]]
            entries += _entries(journey, zones[name], _merged(own), inside, access)
    order = {journey.vehicle_id: k for k, journey in enumerate(journeys)}
    return tuple(sorted(entries, key=lambda entry: (order[entry.vehicle_id], entry.first_s, entry.zone)))


def _closed_on(access: Access, profile: Profile, offset: int) -> dict[str, list[Span]]:
    """Spans of one day, so many days after the planned one, in which zones are closed to a profile."""
    file = access.file
    if offset:
        day: date = file.day + timedelta(days=offset)
        file = file.model_copy(update={"day": day, "holiday": False, "alert_level": None})
        access = replace(access, file=file)
    found: dict[str, list[Span]] = {}
    for period in periods(file):
        if period.start_s >= DAY_S:
            break
        start, end = period.start_s + offset * DAY_S, min(period.end_s, DAY_S) + offset * DAY_S
        for zone in access.zones_in_force(profile, period):
            found.setdefault(zone, []).append((start, end))
    return found


def _merged(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _entries(
    journey: Journey, zone: Zone, closed: list[Span], inside: NDArray[np.bool_], access: Access
) -> list[ZoneEntry]:
    matched, network = journey.matched, access.network
    # Stays: edges inside that follow each other. Turns and gates of no length are in no zone, and end no stay.
    real = np.flatnonzero(network.edge_length_m[matched.edge] > 0)
    runs = _runs(inside[real], matched.part[real])
    entries = []
    for a, b in runs:
        enter, leave = float(matched.enter_s[real[a]]), float(matched.leave_s[real[b]])
        low = float(matched.metres[: real[a]].sum())
        high = low + float(matched.metres[real[a] : real[b] + 1].sum())
        for start, end in closed:
            first, last = max(enter, start), min(leave, end)
            if first >= last:
                continue
            at = np.clip(np.interp((first, last), matched.at_s, matched.at_m), low, high)
            # Between two fixes at one place times are equal and metres are not: a whole stay is taken from its edges.
            at = np.where((first == enter, last == leave), (low, high), at)
            driven = float(at[1] - at[0])
            stood = zone.standing_banned and last - first >= _STOOD_S
            if driven <= _LEAST_M and not stood:
                continue
            lon, lat = _place(journey, first)
            entries.append(
                ZoneEntry(
                    vehicle_id=journey.vehicle_id,
                    vehicle_type=journey.profile.vehicle.id,
                    zone=zone.id,
                    name=zone.name,
                    citation=zone.citation,
                    first_s=first,
                    seconds=last - first,
                    driven_m=driven,
                    lon=lon,
                    lat=lat,
                    doubtful=not stood and driven < max(_DOUBTFUL_M, _DOUBTFUL_SIGMAS * matched.sigma_m),
                )
            )
    return entries


def _runs(mask: NDArray[np.bool_], part: NDArray[np.int32]) -> list[tuple[int, int]]:
    """First and last index of every run of True within a part."""
    opens = mask.copy()
    opens[1:] &= ~mask[:-1] | (part[1:] != part[:-1])
    closes = mask.copy()
    closes[:-1] &= ~mask[1:] | (part[1:] != part[:-1])
    return list(zip(np.flatnonzero(opens).tolist(), np.flatnonzero(closes).tolist(), strict=True))


def _place(journey: Journey, second: float) -> tuple[float, float]:
    """Where the receiver put the vehicle, between its fixes."""
    trace = journey.trace
    return (
        float(np.interp(second, trace.second, trace.lon)),
        float(np.interp(second, trace.second, trace.lat)),
    )
