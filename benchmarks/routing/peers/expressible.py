"""What a peer can take: rules of the problem that none of the peers here is given, and money as they count it."""

import numpy as np

from benchmarks.routing.found import CannotExpress
from lastmile.solvers.problem import Reload, RoutingProblem


def refuse_beyond_plain(problem: RoutingProblem) -> None:
    """Refuse what no family that these peers can solve needs, so that nothing is dropped unseen."""
    if problem.options != problem.orders:
        raise CannotExpress("orders with several options")
    if len(problem.window_s) != problem.options:
        raise CannotExpress("several windows of an order")
    if len(problem.pairs) or problem.pools or (problem.on_board_s >= 0).any():
        raise CannotExpress("pairs, pools or times on board")
    if any(group.price_fen >= 0 for group in problem.groups):
        raise CannotExpress("groups that may be left out")
    for vehicle in problem.vehicles:
        if vehicle.battery is not None:
            raise CannotExpress("batteries and chargers")
        if vehicle.end != vehicle.start or vehicle.breaks or vehicle.overtime_s or vehicle.fen_per_hour:
            raise CannotExpress("ends elsewhere, breaks, overtime or costs of time")
        if vehicle.max_distance_m is not None or vehicle.max_orders is not None:
            raise CannotExpress("longest distances or most orders of a trip")
        if vehicle.fen_per_km % 1000:
            raise CannotExpress("costs that are not whole for a metre")
        if any(reload != Reload(location=vehicle.start) for reload in vehicle.reloads):
            raise CannotExpress("reloading elsewhere, at some hours or for some time")


def vehicles_to_model(problem: RoutingProblem) -> list[int]:
    """Vehicle type of each vehicle, for models that hold every vehicle by itself and slow down with them.

    Files list up to a vehicle per order and more; so many are given as twice the total load fills, and 25 more.
    """
    total = (problem.delivery + problem.pickup).sum(axis=0)
    used: list[int] = []
    for kind, vehicle in enumerate(problem.vehicles):
        full = int(np.ceil(total / np.maximum(vehicle.capacity, 1)).max(initial=0))
        used += [kind] * min(vehicle.count, 2 * full + 25)
    return used


def vehicle_surcharge(problem: RoutingProblem, *, fewest_vehicles: bool) -> int:
    """Fixed cost that puts fewer vehicles before a shorter way: more than serving every order by a trip of its own."""
    if not fewest_vehicles:
        return 0
    most = 0
    for vehicle in problem.vehicles:
        table = problem.profiles[vehicle.profile].distance_m
        there_and_back = table[vehicle.start, problem.location].astype(int) + table[problem.location, vehicle.start]
        most = max(most, int(there_and_back.sum()) * (vehicle.fen_per_km // 1000))
    return most + 1
