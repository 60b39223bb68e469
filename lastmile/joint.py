"""The same demand served by firms apart or together: what is saved, and each firm's share of the joint cost.

Every coalition of firms is planned as if only its orders were there, by the stages that plan the whole city.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lastmile.errors import InputError
from lastmile.geo.demand import NONE
from lastmile.indicators import running_yuan
from lastmile.pipeline import Planned, plan_city
from lastmile.solvers.shapley import exact_shares, objecting, sampled_shares
from lastmile.stages.prepare import City, Progress
from lastmile.units import fen

EXACT_FIRMS: Final = 4  # up to so many, all coalitions are planned
PERMUTATIONS: Final = 10
_TOLERANCE_FEN: Final = 0.5  # costs are whole fen
_Members = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coalition:
    """Some firms' orders, planned without those of the others.

    Parameters
    ----------
    cost_fen
        Per day: sites opened, vehicles, permits, and the price of orders left out that have one.
    sites
        Opened, beyond those that exist already.
    parcels
        Served.
    unserved, unpriced, violations
        Orders left out, those of them without a price, and rules broken.
    notes
        What the plan's clock ended.
    """

    firms: tuple[str, ...]
    cost_fen: int
    sites: int
    rounds: int
    vehicles: int
    km: float
    parcels: int
    unserved: int
    unpriced: int
    violations: int
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every order is served or its price paid, and no rule broken: else the cost lacks something."""
        return not self.unpriced and not self.violations


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmShare:
    """What one firm would pay alone, and what it pays of the joint cost.

    Parameters
    ----------
    alone_fen
        Cost per day of the plan for its orders only.
    share_fen
        Its Shapley value, per day.
    error_fen
        Standard error of the share, None where it is exact.
    better_alone
        Coalitions with this firm, of those that were planned, which would pay less alone than their shares.
    """

    id: str
    name: str
    orders: int
    parcels: int
    alone_fen: int
    share_fen: float
    error_fen: float | None
    better_alone: tuple[tuple[str, ...], ...]

    @property
    def saving(self) -> float | None:
        """Saved by joining, as a share of the cost alone; None where that is nothing."""
        return 1 - self.share_fen / self.alone_fen if self.alone_fen else None


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDelivery:
    """Firms apart and together.

    Parameters
    ----------
    coalitions
        All that were planned: every firm alone first, all together last.
    permutations
        Orders of joining that were drawn (each also taken backwards), 0 where the shares are exact.
    synthetic
        The map is a made-up city.
    """

    firms: tuple[FirmShare, ...]
    coalitions: tuple[Coalition, ...]
    permutations: int
    synthetic: bool

    @property
    def exact(self) -> bool:
        """Whether all coalitions were planned, so that shares have no error and the core is decided."""
        return self.permutations == 0

    @property
    def together(self) -> Coalition:
        """All firms in one plan."""
        return self.coalitions[-1]

    @property
    def apart(self) -> Coalition:
        """The plans of the firms alone, added up."""
        alone = self.coalitions[: len(self.firms)]
        return Coalition(
            firms=self.together.firms,
            cost_fen=sum(one.cost_fen for one in alone),
            sites=sum(one.sites for one in alone),
            rounds=sum(one.rounds for one in alone),
            vehicles=sum(one.vehicles for one in alone),
            km=sum(one.km for one in alone),
            parcels=sum(one.parcels for one in alone),
            unserved=sum(one.unserved for one in alone),
            unpriced=sum(one.unpriced for one in alone),
            violations=sum(one.violations for one in alone),
        )

    @property
    def comparable(self) -> bool:
        """Whether no plan's cost lacks something; else they are not the costs of one service."""
        return all(coalition.whole for coalition in self.coalitions)

    def paid_fen(self, coalition: Coalition) -> float:
        """What the coalition's firms pay of the joint cost."""
        return sum(firm.share_fen for firm in self.firms if firm.id in coalition.firms)


def serve_jointly(city: City, *, permutations: int = PERMUTATIONS, on_progress: Progress) -> JointDelivery:
    """Plan the firms' orders apart and together, and split the joint cost by Shapley's value.

    Each coalition has all of the city's candidates, depots, vehicles and permits, and obeys all its zones. Targets are
    of the whole city and mean nothing for one firm's parcels (at least so many lockers, such a share covered, at most
    so much money): every coalition, also that of all firms, is planned without them, so that costs compare. Sites that
    exist stand for everyone, and what they cost to run is in no coalition's cost.

    Sites open where their parcels are worth it (``economics.parcel_yuan``), not where the day's whole cost is least: a
    firm of few parcels may open none and drive far instead, and together there may be more sites than apart. Rounds are
    found by a search, so a coalition may cost a little more than it need, and joining may seem to cost where it saves
    little.

    Parameters
    ----------
    permutations
        Orders of joining to draw, each also taken backwards, where the shares are sampled. They are exact, from all
        coalitions, for up to four firms and wherever sampling could need as many plans.

    Raises
    ------
    InputError
        When there are fewer than two firms, or an order has none.

    References
    ----------
    .. [1] Shapley (1953). A value for n-person games. doi:10.1515/9781400881970-018
    .. [2] Castro, Gómez, Tejada (2009). Polynomial calculation of the Shapley value based on sampling. Computers &
       Operations Research 36. doi:10.1016/j.cor.2008.04.004
    """
    names = _firms(city)
    exact = _all_planned(len(names), permutations)
    most = 2 ** len(names) - 1 if exact else _plans_at_most(len(names), permutations)
    untargeted = city.scenario.file.model_copy(update={"targets": ()})
    city = replace(city, scenario=replace(city.scenario, file=untargeted))
    firm_of = np.array(city.demand.firm, dtype=object)
    planned: dict[_Members, Coalition] = {}

    def cost(members: _Members) -> float:
        ids = tuple(firm for firm in names if firm in members)
        on_progress("joint", f"plan {len(planned) + 1:,} of at most {most:,}: {' + '.join(ids)}")
        orders = np.flatnonzero(np.isin(firm_of, ids))
        planned[members] = _coalition(plan_city(city.of_orders(orders)), ids)
        return planned[members].cost_fen

    # Each coalition is asked for once, single firms first.
    firms = list(names)
    if exact:
        shares = exact_shares(firms, cost)
    else:
        shares = sampled_shares(firms, cost, permutations=permutations, seed=city.scenario.file.seed)
    unhappy = [planned[members].firms for members in objecting(shares.shares, shares.costs, tolerance=_TOLERANCE_FEN)]
    orders_of = Counter(city.demand.firm)
    return JointDelivery(
        firms=tuple(
            FirmShare(
                id=firm,
                name=name,
                orders=orders_of[firm],
                parcels=int(city.demand.parcels[firm_of == firm].sum()),
                alone_fen=planned[frozenset({firm})].cost_fen,
                share_fen=shares.shares[firm],
                error_fen=None if shares.errors is None else shares.errors[firm],
                better_alone=tuple(coalition for coalition in unhappy if firm in coalition),
            )
            for firm, name in names.items()
        ),
        coalitions=tuple(sorted(planned.values(), key=lambda coalition: len(coalition.firms))),
        permutations=0 if exact else permutations,
        synthetic=city.network.synthetic,
    )


def _plans_at_most(firms: int, permutations: int) -> int:
    """Plans that sampling may need: each firm, all together, and those between in every order, both ways."""
    return firms + 1 + 2 * permutations * (firms - 2)


def _all_planned(firms: int, permutations: int) -> bool:
    return firms <= EXACT_FIRMS or 2**firms - 1 <= _plans_at_most(firms, permutations)


def _firms(city: City) -> dict[str, str]:
    """Ids of the firms that have orders, and their names: as the scenario lists them, else in their ids' order."""
    file, demand = city.scenario.file, city.demand
    if file.demand.orders is None:
        place = f"{city.scenario.path.name}, demand.firms"
        remedy = "list two firms or more, each with id and share"
    else:
        place = f"{file.demand.orders.file}, column firm"
        remedy = "name in it the firm of every order, two firms or more"
    without = [order for order, firm in zip(demand.id, demand.firm, strict=True) if not firm]
    there = set(demand.firm) - {""}
    if without and there:
        raise InputError.single(
            place=place, cause=f"{len(without):,} orders have no firm: {', '.join(without[:5])}", remedy=remedy
        )
    if len(there) < 2:
        cause = f"only {next(iter(there))!r} has orders" if there else "no order has a firm"
        raise InputError.single(place=place, cause=cause, remedy=remedy)
    listed = {firm.id: firm.name for firm in file.demand.firms if firm.id in there}
    return listed or dict.fromkeys(sorted(there), "")


def _coalition(planned: Planned, firms: tuple[str, ...]) -> Coalition:
    plan, demand = planned.plan, planned.city.demand
    facilities = {facility.id: facility for facility in planned.scenario.file.facilities}
    standing = sum(running_yuan(site, facilities[site.facility]) for site in plan.sites if site.existing)
    left_out = {left.order_id for left in plan.unserved}
    prices = demand.price_fen[[k for k, order in enumerate(demand.id) if order in left_out]]
    running = fen(planned.indicators["money"]["day_total_yuan"] - standing)
    return Coalition(
        firms=firms,
        cost_fen=running + int(prices[prices != NONE].sum()),
        sites=sum(not site.existing for site in plan.sites),
        rounds=len(plan.routes),
        vehicles=len({route.vehicle_id for route in plan.routes}),
        km=sum(route.distance_m for route in plan.routes) / 1000,
        parcels=sum(service.parcels for service in plan.services),
        unserved=len(prices),
        unpriced=int((prices == NONE).sum()),
        violations=len(plan.violations),
        notes=plan.warnings[len(planned.city.warnings) :],
    )
