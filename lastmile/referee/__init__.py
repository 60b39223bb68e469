"""The independent referee: every rule that a plan breaks, with place and amount.

It recomputes everything from the scenario, the streets and the demand, in plain and slow code, and shares none with
the solvers, the compiled core or the geography that plans. One file holds one family of rules.
"""

from collections.abc import Iterator

from lastmile.geo.demand import Demand
from lastmile.geo.network import RoadNetwork
from lastmile.loading import Scenario
from lastmile.plans import Plan, Violation
from lastmile.referee.access import check_hours, check_permits, check_roads, check_zones
from lastmile.referee.breaks import check_breaks
from lastmile.referee.case import Case
from lastmile.referee.costs import check_costs
from lastmile.referee.energy import check_energy
from lastmile.referee.fleet import check_fleet
from lastmile.referee.identity import check_identity, check_network, check_orders
from lastmile.referee.kerb import check_kerb
from lastmile.referee.loads import check_loads
from lastmile.referee.phases import check_phases
from lastmile.referee.rounds import check_doors, check_rounds, check_snaps, check_supply
from lastmile.referee.schedule import check_goods, check_schedule, check_walks
from lastmile.referee.services import check_expected, check_reach, check_services
from lastmile.referee.sites import check_ground, check_sites
from lastmile.referee.targets import check_targets
from lastmile.referee.travel import check_travel, drive_legs
from lastmile.referee.walking import measure_walks

__all__ = ["check"]


def check(scenario: Scenario, network: RoadNetwork, demand: Demand, plan: Plan) -> tuple[Violation, ...]:
    """Find every violation of a plan; an empty tuple means that it can be carried out as written.

    Parameters
    ----------
    scenario
        With its tables, as :func:`lastmile.loading.load_scenario` returns it.
    network
        The streets that the plan was made on; with any other, one violation says so and what depends on streets is
        not looked at.
    demand
        The orders of the planned day.

    Returns
    -------
    tuple of Violation
        In the order of the rules, each as often as it is broken.

    Notes
    -----
    An order that is declared unserved and a target that is truthfully reported as missed break no rule;
    :attr:`lastmile.plans.Plan.feasible` accounts for them.
    """
    return tuple(_violations(Case(scenario=scenario, network=network, demand=demand, plan=plan)))


def _violations(case: Case) -> Iterator[Violation]:
    other_network = list(check_network(case))
    yield from other_network
    yield from check_identity(case)
    yield from check_orders(case)
    yield from check_services(case)
    yield from check_sites(case)
    yield from check_ground(case)
    yield from check_phases(case)
    yield from check_rounds(case)
    yield from check_doors(case)
    yield from check_supply(case)
    yield from check_loads(case)
    yield from check_schedule(case)
    yield from check_goods(case)
    yield from check_breaks(case)
    yield from check_permits(case)
    yield from check_fleet(case)
    yield from check_costs(case)
    if other_network:
        yield from check_energy(case, {})
        yield from check_targets(case, walks=None)
        return
    drives = drive_legs(case)
    walks = measure_walks(case)
    yield from check_snaps(case)
    yield from check_walks(case)
    yield from check_travel(case, drives)
    yield from check_energy(case, drives)
    yield from check_roads(case, drives)
    yield from check_zones(case, drives)
    yield from check_hours(case, drives)
    yield from check_kerb(case, drives)
    yield from check_reach(case, walks)
    yield from check_expected(case, walks)
    yield from check_targets(case, walks)
