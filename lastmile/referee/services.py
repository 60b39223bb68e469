"""Receivers are served in a way they agreed to, at a site they can walk to."""

from collections import defaultdict

import numpy as np

from lastmile.plans import Service, Site, Violation
from lastmile.referee.case import Case, Violations
from lastmile.referee.walking import TOLERANCE_M, Walks, coming

_ROUNDING = 1e-3  # of a parcel


def check_services(case: Case) -> Violations:
    """Channels that the receiver agreed to, all the parcels, and a site that takes them."""
    for service in case.plan.services:
        row = case.orders.get(service.order_id)
        if row is None:
            continue
        order, agreed, parcels = service.order_id, case.demand.channels[row], int(case.demand.parcels[row])
        if service.channel not in agreed:
            yield Violation(
                rule="channel",
                place=order,
                amount=service.channel,
                detail=f"order {order} is served by {service.channel}, its receiver agreed to {', '.join(agreed)}",
            )
        if service.parcels != parcels:
            yield Violation(
                rule="order",
                place=order,
                amount=f"{service.parcels} parcels for {parcels}",
                detail=f"order {order} has {parcels} parcels, its service hands over {service.parcels}",
            )
        if service.channel != "door":
            yield from _at_site(case, service)


def _at_site(case: Case, service: Service) -> Violations:
    if service.site_id is None:
        yield Violation(
            rule="channel",
            place=service.order_id,
            amount="no site",
            detail=f"order {service.order_id} is served by {service.channel} but no site is named",
        )
        return
    facility = case.facility(service.site_id)
    if facility is not None and facility.channel != service.channel:
        yield Violation(
            rule="channel",
            place=service.order_id,
            amount=f"{service.channel} at {service.site_id}",
            detail=f"site {service.site_id} serves {facility.channel or 'no receiver'}, not {service.channel}",
        )


def check_reach(case: Case, walks: Walks) -> Violations:
    """Nobody walks further to their site than the facility's reach."""
    for service in case.plan.services:
        row = case.orders.get(service.order_id)
        if row is None or service.channel == "door" or service.site_id not in walks.orders:
            continue
        facility = case.facility(service.site_id)
        if facility is None:
            continue
        metres = float(walks.orders[service.site_id][row])
        if metres <= facility.reach_m + TOLERANCE_M:
            continue
        far = metres != float("inf")
        yield Violation(
            rule="reach",
            place=service.order_id,
            amount=f"+{metres - facility.reach_m:.0f} m" if far else f"over {walks.limit_m:.0f} m",
            detail=f"the walk from order {service.order_id} to {service.site_id} is "
            f"{f'{metres:.0f}' if far else f'more than {walks.limit_m:.0f}'} m, {facility.reach_m:.0f} m are allowed",
        )


def check_expected(case: Case, walks: Walks) -> Violations:
    """What a site expects to be fetched on foot, with walks a little shorter and a little longer than measured."""
    orders: dict[str, list[int]] = defaultdict(list)
    for service in case.plan.services:
        if service.site_id is not None and service.channel != "door" and service.order_id in case.orders:
            orders[service.site_id].append(case.orders[service.order_id])
    for site in case.plan.sites:
        facility, stated = case.facilities.get(site.facility), site.expected_parcels
        if facility is None or site.id not in walks.orders:
            continue
        if facility.channel is None or not facility.walk_shares:
            if stated is not None:
                yield _expected(site, f"{stated:g}", f"{facility.id} states no shares of who walks how far for parcels")
            continue
        rows = np.array(orders[site.id], dtype=np.int64)
        metres, parcels = walks.orders[site.id][rows], case.demand.parcels[rows]
        low, exact, high = (
            float((coming(facility, metres, shift) * parcels).sum()) for shift in (-TOLERANCE_M, 0.0, TOLERANCE_M)
        )
        if stated is None or not low - _ROUNDING <= stated <= high + _ROUNDING:
            said = "nothing" if stated is None else f"{stated:.1f}"
            yield _expected(site, f"{said} for {exact:.1f}", f"{exact:.1f} parcels are expected to be fetched on foot")


def _expected(site: Site, amount: str, detail: str) -> Violation:
    return Violation(rule="expected", place=site.id, amount=amount, detail=f"site {site.id}: {detail}")
