"""Which order goes to which site."""

from collections.abc import Mapping

from lastmile.plans import Service, Site, Unserved
from lastmile.scenario import CHILLED
from lastmile.stages.prepare import City
from lastmile.stages.room import Room, lacks, loaded
from lastmile.stages.walks import Pairs


def assign(
    city: City, sites: tuple[Site, ...], reach: Pairs
) -> tuple[tuple[Site, ...], tuple[Service, ...], tuple[Unserved, ...]]:
    """Give every order its best channel that still has room, nearest orders first.

    Returns the sites with their load, the channel and site of every order, and the orders that no site takes.

    Orders stay whole, so a site may be left with a little room that no order fits into. All parcels of an order need
    compartments of its size; a chilled order needs refrigerated modules.
    """
    demand = city.demand
    chilled = demand.chilled().tolist()
    facilities = {facility.id: facility for facility in city.scenario.file.facilities}
    room = [Room.of(facilities[site.facility], site.modules, site.chilled_modules) for site in sites]
    near: dict[int, list[tuple[float, int]]] = {}
    for j, place, metres in zip(reach.origin.tolist(), reach.target.tolist(), reach.metres.tolist(), strict=True):
        facility = facilities[sites[j].facility]
        if facility.channel is not None and metres <= facility.reach_m:
            near.setdefault(place, []).append((metres, j))
    taken: list[tuple[str, int] | None] = [None] * len(demand)
    full: dict[int, set[str]] = {}
    unfit: dict[int, dict[str, str]] = {}
    for choice in range(max((len(channels) for channels in demand.channels), default=0)):
        waiting = []
        for order, channels in enumerate(demand.channels):
            if taken[order] is not None or choice >= len(channels):
                continue
            if channels[choice] == "door":
                taken[order] = ("door", -1)
                continue
            for metres, j in near.get(int(city.place_of[order]), ()):
                facility = facilities[sites[j].facility]
                if facility.channel != channels[choice]:
                    continue
                if lacking := lacks(sites[j], facility, demand.size[order], chilled[order]):
                    unfit.setdefault(order, {})[sites[j].id] = lacking
                else:
                    waiting.append((metres, order, j))
        for _, order, j in sorted(waiting):
            parcels = int(demand.parcels[order])
            if taken[order] is None:
                if parcels <= room[j].left(demand.size[order], chilled[order]):
                    room[j].take(parcels, demand.size[order], chilled[order])
                    taken[order] = (demand.channels[order][choice], j)
                else:
                    full.setdefault(order, set()).add(sites[j].id)
    services, unserved = [], []
    for order, answer in enumerate(taken):
        if answer is None:
            unserved.append(_unserved(city, order, full.get(order, set()), unfit.get(order, {})))
            continue
        channel, j = answer
        services.append(
            Service(order_id=demand.id[order], channel=channel, site_id=sites[j].id if j >= 0 else None,  # type: ignore[arg-type]
                    parcels=int(demand.parcels[order]))
        )  # fmt: skip
    return loaded(sites, services, demand, facilities.values()), tuple(services), tuple(unserved)


def _unserved(city: City, order: int, full: set[str], unfit: Mapping[str, str]) -> Unserved:
    """``full`` and ``unfit`` are ids of sites within reach: those that had no room, and what others have none of."""
    demand = city.demand
    channels = demand.channels[order]
    chilled, size = demand.skill[order] == CHILLED, demand.size[order]
    if full:
        by_size = size and any(facility.compartments for facility in city.scenario.file.facilities)
        of_what = " of chilled parcels" if chilled else f" for size {size}" if by_size else ""
        reason = f"every {' or '.join(channels)} within walking reach is full{of_what}: {', '.join(sorted(full))}"
        modules = "refrigerated modules" if chilled else "modules"
        remedy = f"allow more {modules} or sites there, or let the receiver also agree to the door"
    elif unfit:
        lacking = " or ".join(sorted(set(unfit.values())))
        reason = f"no {' or '.join(channels)} within walking reach has {lacking}: {', '.join(sorted(unfit))}"
        remedy = f"allow {lacking} there, or let the receiver also agree to the door"
    else:
        reason = f"no {' or '.join(channels)} opens within walking reach"
        remedy = "let the receiver also agree to the door, raise reach_m, or add a candidate nearby"
    return Unserved(
        order_id=demand.id[order],
        channel=channels[0],
        parcels=int(demand.parcels[order]),
        lon=float(demand.lon[order]),
        lat=float(demand.lat[order]),
        reasons=(reason,),
        remedy=remedy,
    )
