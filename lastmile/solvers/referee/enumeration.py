"""The cheapest solution of a tiny problem, by trying everything."""

from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise, permutations, product

from lastmile.solvers.problem import Cost, Round, RoutingProblem, Tour
from lastmile.solvers.referee.rounds import evaluate
from lastmile.solvers.referee.solutions import unserved_fen

_Value = tuple[int, float]  # required orders and groups left out, fen


def cheapest(problem: RoutingProblem) -> tuple[Cost, tuple[Tour, ...]]:
    """The solution that leaves out fewest required orders and groups and, of those, costs least.

    All sequences of options of all sets of orders are tried, cut into trips in every way: for about six orders.
    """
    rounds = [_rounds_of(problem, v) for v in range(len(problem.vehicles))]
    grouped = {order for group in problem.groups for order in group.orders}

    def left_out(served: frozenset[int]) -> _Value:
        single = sum(
            problem.price_fen[order] < 0 and order not in served and order not in grouped
            for order in range(problem.orders)
        )
        groups = sum(group.price_fen < 0 and not served & set(group.orders) for group in problem.groups)
        return int(single + groups), unserved_fen(problem, served)

    @cache
    def best(v: int, used: tuple[int, ...], served: frozenset[int]) -> tuple[_Value, tuple[Round, ...]]:
        """With the types before v decided and so many vehicles in use of each type."""
        if v == len(problem.vehicles):
            return left_out(served), ()
        found = best(v + 1, used, served)
        more = (*used[:v], used[v] + 1, *used[v + 1 :])
        if more[v] > problem.vehicles[v].count or not _within_pools(problem, more):
            return found
        for orders, driven in rounds[v].items():
            if orders & served or any(len((orders | served) & set(group.orders)) > 1 for group in problem.groups):
                continue
            (missing, fen), rest = best(v, more, orders | served)
            value = missing, fen + driven.cost.total
            if value < found[0]:
                found = value, (driven, *rest)
        return found

    _, chosen = best(0, (0,) * len(problem.vehicles), frozenset())
    served = frozenset(int(problem.option_order[option]) for driven in chosen for option in driven.options)
    cost = Cost(
        fixed=sum(driven.cost.fixed for driven in chosen),
        distance=sum(driven.cost.distance for driven in chosen),
        duration=sum(driven.cost.duration for driven in chosen),
        overtime=sum(driven.cost.overtime for driven in chosen),
        options=sum(driven.cost.options for driven in chosen),
        unserved=unserved_fen(problem, served),
    )
    return cost, tuple(driven.tour for driven in chosen)


def _within_pools(problem: RoutingProblem, used: tuple[int, ...]) -> bool:
    return all(
        sum(count for count, vehicle in zip(used, problem.vehicles, strict=True) if pool in vehicle.pools) <= most
        for pool, most in problem.pools.items()
    )


def _rounds_of(problem: RoutingProblem, v: int) -> dict[frozenset[int], Round]:
    """The cheapest round of a vehicle type for each set of orders that it can serve."""
    found: dict[frozenset[int], Round] = {}
    if problem.vehicles[v].count == 0:
        return found
    for orders, tour in _tours(problem, v):
        driven = evaluate(problem, tour)
        if isinstance(driven, Round) and (orders not in found or driven.cost.total < found[orders].cost.total):
            found[orders] = driven
    return found


def _tours(problem: RoutingProblem, v: int) -> Iterator[tuple[frozenset[int], Tour]]:
    vehicle = problem.vehicles[v]
    options = [
        [k for k in range(problem.options) if problem.option_order[k] == order and problem.allowed[k, v]]
        for order in range(problem.orders)
    ]
    for size in range(1, problem.orders + 1):
        for orders in combinations(range(problem.orders), size):
            for sequence in permutations(orders):
                for chosen in product(*(options[order] for order in sequence)):
                    for trips in _cuts(chosen, vehicle.max_trips):
                        for reloads in product(range(len(vehicle.reloads)), repeat=len(trips) - 1):
                            yield frozenset(orders), Tour(vehicle=v, trips=trips, reloads=reloads)


def _cuts(chosen: tuple[int, ...], most: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """All ways to cut a sequence into at most so many trips."""
    for count in range(1, min(most, len(chosen)) + 1):
        for cuts in combinations(range(1, len(chosen)), count - 1):
            edges = (0, *cuts, len(chosen))
            yield tuple(chosen[a:b] for a, b in pairwise(edges))
