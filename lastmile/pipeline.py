"""The stages in order: from a checked scenario to a plan that the referee has seen."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np

from lastmile.chargers import crowded
from lastmile.indicators import Walks, measure
from lastmile.loading import Scenario
from lastmile.plans import Built, Manifest, Plan, Site, require_network
from lastmile.referee import check
from lastmile.stages.fleet import make_fleet
from lastmile.stages.prepare import City, Progress, prepare
from lastmile.stages.routing import Rounds, route_vehicles
from lastmile.stages.siting import Ground, Placement, place_sites
from lastmile.stages.supply import Supply
from lastmile.stages.targets import evaluate
from lastmile.stages.walks import Pairs, walks
from lastmile.walk_shares import walk_share


def _silent(_stage: str, _text: str) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planned:
    """A plan with what it was made from: what maps, reports and files are written from."""

    scenario: Scenario
    city: City
    plan: Plan
    walks: Walks
    indicators: dict[str, Any]


def plan(scenario: Scenario, *, on_progress: Progress = _silent) -> Plan:
    """Make a plan; the short way for programs that only need its values.

    Examples
    --------
    >>> import lastmile
    >>> plan = lastmile.plan(lastmile.load_scenario("scenario.toml"))  # doctest: +SKIP
    >>> plan.feasible  # doctest: +SKIP
    True
    """
    return plan_scenario(scenario, on_progress=on_progress).plan


def plan_scenario(scenario: Scenario, *, on_progress: Progress = _silent) -> Planned:
    """Run all stages, have the referee check the result, and measure it.

    Parameters
    ----------
    on_progress
        Called with the stage's name and a line of text as work goes on.

    Raises
    ------
    InputError
        When an input cannot be used. A plan that breaks a rule or misses a target is returned with what is wrong.
    """
    laps = _Laps()
    city = prepare(scenario, on_progress=on_progress)
    laps.end("prepare")
    return _plan(city, laps, on_progress)


def plan_city(city: City, *, on_progress: Progress = _silent) -> Planned:
    """Plan a city that is prepared already: sites, rounds, the referee's check and the measuring.

    With ``search.siting_rounds`` sites are chosen anew with what the rounds cost to supply them, as long as the plan
    gets better by that: it never gets worse.
    """
    return _plan(city, _Laps(), on_progress)


def _plan(city: City, laps: "_Laps", on_progress: Progress) -> Planned:
    ground = Ground.of(city) if city.scenario.file.facilities else None
    placement = place_sites(city, ground=ground, on_progress=on_progress)
    laps.end("siting")
    planned = _carry_out(city, placement, laps, on_progress)
    for number in range(1, city.scenario.file.search.siting_rounds + 1):
        before = planned.plan
        on_progress("siting", f"again with the cost of supply, {number}; {_in_words(planned)}")
        supply = Supply.of(before.sites, before.routes)
        placement = place_sites(city, supply=supply, ground=ground, on_progress=on_progress)
        laps.end("siting")
        if _built(placement.sites) == _built(before.sites):
            break
        other = _carry_out(city, placement, laps, on_progress)
        if _worth(other) >= _worth(planned):
            on_progress("siting", f"no better with other sites: {_in_words(other)}")
            break
        planned = other
    return replace(planned, plan=replace(planned.plan, timings_s=laps.seconds))


class _Laps:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """A stage ends, and with it what has passed since the one before."""
        now = time.perf_counter()
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + now - self._last, 3)
        self._last = now


def _built(sites: Iterable[Site]) -> set[tuple[str, int, int, date | None, tuple[Built, ...]]]:
    return {(site.id, site.modules, site.chilled_modules, site.opens_by, site.built) for site in sites}


def _worth(planned: Planned) -> tuple[int, int, int, float]:
    """What makes a plan worse, the worst first: broken rules, missed targets, parcels left out, yuan a day."""
    made = planned.plan
    return (
        len(made.violations),
        sum(not target.met for target in made.targets),
        sum(order.parcels for order in made.unserved),
        float(planned.indicators["money"]["day_total_yuan"]),
    )


def _in_words(planned: Planned) -> str:
    violations, missed, left_out, yuan = _worth(planned)
    faults = ((violations, "broken rules"), (missed, "missed targets"), (left_out, "parcels left out"))
    return ", ".join([f"{yuan:,.0f} yuan a day", *(f"{number:,} {what}" for number, what in faults if number)])


def _carry_out(city: City, placement: Placement, laps: _Laps, on_progress: Progress) -> Planned:
    """Rounds for these sites, what becomes of the targets, and what the referee says."""
    scenario = city.scenario
    rounds = route_vehicles(city, placement, on_progress=on_progress)
    laps.end("routing")
    fleet = make_fleet(scenario.file, rounds.routes)
    reach = walks_from_sites(city, rounds.sites)
    made = Plan(
        manifest=_manifest(scenario, city),
        sites=_with_expected(city, rounds, reach),
        services=rounds.services,
        routes=rounds.routes,
        fleet=fleet,
        unserved=rounds.unserved,
        siting=placement.summary,
        phases=placement.phases,
        targets=evaluate(city, rounds.sites, reach, fleet, placement.ceilings, placement.bounds),
        warnings=(*city.warnings, *_cut_short(placement, rounds), *crowded(city.chargers, rounds.routes)),
    )
    laps.end("targets")
    on_progress("check", "the referee recomputes the plan")
    violations = check(scenario, city.network, city.demand, made)
    on_progress("check", f"{len(violations)} violations" if violations else "no violation")
    laps.end("check")
    by_order = order_walks(city, reach)
    made = replace(made, violations=violations, checked=True)
    indicators = measure(scenario, made, city.demand, by_order)
    laps.end("indicators")
    return Planned(scenario=scenario, city=city, plan=made, walks=by_order, indicators=indicators)


def _with_expected(city: City, rounds: Rounds, reach: Pairs) -> tuple[Site, ...]:
    """The sites, with what of their load is expected to be fetched on foot."""
    number = {site.id: j for j, site in enumerate(rounds.sites)}
    place_of = dict(zip(city.demand.id, city.place_of.tolist(), strict=True))
    taken: Counter[tuple[int, int]] = Counter()
    for service in rounds.services:
        if service.site_id is not None and service.channel != "door":
            taken[number[service.site_id], place_of[service.order_id]] += service.parcels
    sites = list(rounds.sites)
    for facility in city.scenario.file.facilities:
        if facility.channel is None or not facility.walk_shares:
            continue
        own = [site.facility == facility.id for site in sites]
        near = reach.of(np.array(own, dtype=bool))
        parcels = np.array([taken[pair] for pair in zip(near.origin.tolist(), near.target.tolist(), strict=True)])
        expected = np.bincount(near.origin, parcels * walk_share(facility, near.metres), minlength=len(sites))
        for j in np.flatnonzero(own).tolist():
            sites[j] = replace(sites[j], expected_parcels=round(float(expected[j]), 3))
    return tuple(sites)


def _cut_short(placement: Placement, rounds: Rounds) -> list[str]:
    """What the clock ended: such a plan need not come out the same on another machine."""
    ended = []
    proofs = [placement.summary, *(phase.siting for phase in placement.phases)]
    if any(proof is not None and proof.stopped == "limit" for proof in proofs):
        ended.append("siting (search.siting_seconds)")
    if rounds.cut_short:
        ended.append("routing (search.routing_seconds)")
    return [f"the time limit ended {what}: another run may find another plan" for what in ended]


def walks_from_sites(city: City, sites: tuple[Site, ...]) -> Pairs:
    """Walks from the sites to the demand's places."""
    lon, lat = np.array([site.lon for site in sites]), np.array([site.lat for site in sites])
    return walks(city, lon, lat, city.walk_places)


def order_walks(city: City, reach: Pairs) -> Walks:
    """Walks from sites to places -> walks between orders and sites; orders at one place share its walks."""
    by_place = np.argsort(city.place_of, kind="stable")
    count = np.bincount(city.place_of, minlength=len(city.places))
    start = np.concatenate(([0], np.cumsum(count)))
    repeats = count[reach.target]
    within = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return Walks(
        order=by_place[np.repeat(start[reach.target], repeats) + within].astype(np.int32),
        site=np.repeat(reach.origin, repeats).astype(np.int32),
        metres=np.repeat(reach.metres, repeats),
    )


def _manifest(scenario: Scenario, city: City) -> Manifest:
    return Manifest(
        scenario_name=scenario.file.name,
        title=scenario.file.title,
        day=scenario.file.day.isoformat(),
        seed=scenario.file.seed,
        version=version("lastmile"),
        inputs=dict(scenario.inputs),
        network_hash=city.network.hash,
        synthetic_map=city.network.synthetic,
    )


def restore(scenario: Scenario, made: Plan, *, on_progress: Progress = _silent) -> Planned:
    """Put a plan that was read from its file back into its city, checked and measured anew.

    Raises
    ------
    InputError
        When the plan was made on another map.
    """
    city = prepare(scenario, on_progress=on_progress)
    require_network(made, city.network.hash)
    violations = check(scenario, city.network, city.demand, made)
    made = replace(made, violations=violations, checked=True)
    by_order = order_walks(city, walks_from_sites(city, made.sites))
    indicators = measure(scenario, made, city.demand, by_order)
    return Planned(scenario=scenario, city=city, plan=made, walks=by_order, indicators=indicators)
