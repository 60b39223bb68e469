"""All that recorded traces tell about a scenario: speeds, zones entered, and the plan beside what was driven."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.access import Profile, lay_rules
from lastmile.geo.features import Feature
from lastmile.geo.network import RoadNetwork
from lastmile.loading import Scenario
from lastmile.plans import Plan, require_network
from lastmile.stages.prepare import Progress, load_features, load_network
from lastmile.traces.audit import ZoneEntry, audit_zones
from lastmile.traces.comparison import RoundCompared, compare
from lastmile.traces.journeys import Journey, match_journeys, profiles_of
from lastmile.traces.reading import Recordings
from lastmile.traces.speeds import ClassSpeed, WaySpeed, WayUse, class_speeds, passes, way_speeds, way_uses
from lastmile.units import DAY_S


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TraceStudy:
    """What the traces tell, with what it was found from: what files and the map are written from."""

    scenario: Scenario
    network: RoadNetwork
    features: tuple[Feature, ...]
    journeys: tuple[Journey, ...]
    ways: tuple[WaySpeed, ...]
    uses: tuple[WayUse, ...]
    classes: tuple[ClassSpeed, ...]
    entries: tuple[ZoneEntry, ...]
    rounds: tuple[RoundCompared, ...] | None
    warnings: tuple[str, ...]

    @property
    def breaches(self) -> tuple[ZoneEntry, ...]:
        """The entries that the receiver's error does not explain."""
        return tuple(entry for entry in self.entries if not entry.doubtful)


def _silent(_stage: str, _text: str) -> None:
    pass


def study_traces(
    scenario: Scenario,
    recordings: Recordings,
    *,
    crs: str,
    plan: Plan | None = None,
    vehicle_type: str | None = None,
    permits: Sequence[str] = (),
    on_progress: Progress = _silent,
) -> TraceStudy:
    """Read the scenario's map, match traces to it and evaluate them.

    Parameters
    ----------
    crs
        The system that the traces were declared in.
    plan
        Compared with what was driven, vehicle by vehicle; must have been made on the scenario's map.
    vehicle_type, permits
        Of vehicles for which neither the traces nor the plan say more; see
        :func:`lastmile.traces.journeys.profiles_of`.

    Raises
    ------
    InputError
        When a vehicle's type is unknown, no fix lies near a road, or the plan is of another map.
    """
    # What the user may have misspelt is complained of before the map is read.
    profiles = profiles_of(recordings, scenario.file, plan=plan, vehicle_type=vehicle_type, permits=permits)
    on_progress("map", "reading streets and places")
    network = load_network(scenario).network
    features, _ = load_features(scenario)
    return evaluate_traces(
        scenario, recordings, profiles, network, features, crs=crs, plan=plan, on_progress=on_progress
    )


def evaluate_traces(
    scenario: Scenario,
    recordings: Recordings,
    profiles: Mapping[str, Profile],
    network: RoadNetwork,
    features: tuple[Feature, ...],
    *,
    crs: str,
    plan: Plan | None = None,
    on_progress: Progress = _silent,
) -> TraceStudy:
    """Match traces to a map that was read already, and evaluate them.

    Parameters
    ----------
    profiles
        From :func:`lastmile.traces.journeys.profiles_of`.
    features
        Places and areas of the map; water and parks are drawn.

    Raises
    ------
    InputError
        When no fix lies near a road, or the plan is of another map.
    """
    if plan is not None:
        require_network(plan, network.hash)
    on_progress("matching", f"{recordings.fixes:,} fixes of {len(recordings.vehicles):,} vehicles")
    journeys, warnings = match_journeys(
        recordings, profiles, network, crs=crs, threads=scenario.file.search.threads, on_progress=on_progress
    )
    on_progress("speeds", "medians by way and road class")
    found = passes(journeys, network, scenario.file)
    on_progress("zones", "who drove where it was closed")
    access = lay_rules(network, scenario.file, scenario.zone_polygons, metric_crs=scenario.metric_crs)
    entries = audit_zones(journeys, access)
    rounds = None
    if plan is not None:
        on_progress("plan", "what was planned beside what was driven")
        rounds = compare(plan, journeys, network)
        warnings += _strangers(plan, journeys)
    return TraceStudy(
        scenario=scenario,
        network=network,
        features=features,
        journeys=journeys,
        ways=way_speeds(found),
        uses=way_uses(found, _driven_ways(journeys, network)),
        classes=class_speeds(found),
        entries=entries,
        rounds=rounds,
        warnings=(*recordings.warnings, *_other_days(scenario, journeys), *warnings),
    )


def _driven_ways(journeys: Sequence[Journey], network: RoadNetwork) -> NDArray[np.int64]:
    segments = np.unique(np.concatenate([network.edge_segment[journey.matched.edge] for journey in journeys]))
    ways: NDArray[np.int64] = network.segment_way[segments[network.segment_length_m[segments] > 0]]
    return ways


def _other_days(scenario: Scenario, journeys: Sequence[Journey]) -> list[str]:
    days = sorted({int(second // DAY_S) for journey in journeys for second in journey.trace.second[[0, -1]]})
    if not days or days in ([0], [0, 1]):
        return []
    return [
        f"the traces reach from {days[0]:+d} to {days[-1]:+d} days from the planned day "
        f"{scenario.file.day.isoformat()}: rules are those of each day, taken as an ordinary one without an alert; a "
        "plan is compared with its own day"
    ]


def _strangers(plan: Plan, journeys: Sequence[Journey]) -> tuple[str, ...]:
    planned = {route.vehicle_id for route in plan.routes}
    driven = {journey.vehicle_id for journey in journeys}
    found = []
    if extra := sorted(driven - planned):
        found.append(f"{len(extra)} vehicles of the traces are not in the plan, the first is {extra[0]!r}")
    if silent := sorted(planned - driven):
        found.append(f"{len(silent)} vehicles of the plan recorded nothing, the first is {silent[0]!r}")
    return tuple(found)
