"""Judges plans of sites on the file's own numbers; shares nothing with what made them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.siting.orlib import Facts

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a plan costs and which rules it breaks."""

    cost: float
    violations: tuple[str, ...]


def check_median(facts: Facts, sites: Sequence[int]) -> Judged:
    """A p-median plan by its open vertices, from 0: every vertex goes to the nearest of them."""
    vertices = len(facts.cost)
    wrong = []
    if any(not 0 <= site < vertices for site in sites):
        return Judged(cost=np.inf, violations=(f"it opens a vertex outside 1..{vertices}",))
    if len(set(sites)) != len(sites):
        wrong.append("it opens a vertex twice")
    if len(sites) > (facts.median or 0):
        wrong.append(f"it opens {len(sites)} vertices, {facts.median} may be open")
    if not sites:
        return Judged(cost=np.inf, violations=("it opens no vertex",))
    cost = sum(min(float(facts.cost[site, vertex]) for site in sites) for vertex in range(vertices))
    return Judged(cost=cost, violations=tuple(wrong))


def check_flows(facts: Facts, flows: Sequence[tuple[int, int, float]]) -> Judged:
    """A plan of cflp by its flows (site, customer, share), from 0; sites that serve are open."""
    sites, customers = facts.cost.shape
    if facts.opening is None or facts.capacity is None or facts.demand is None:
        raise ValueError("only plans of cflp are judged by flows")
    share, load, cost = [0.0] * customers, [0.0] * sites, 0.0
    wrong = []
    for site, customer, part in flows:
        if not (0 <= site < sites and 0 <= customer < customers and part >= 0):
            return Judged(cost=np.inf, violations=(f"flow {site}, {customer}, {part} is impossible",))
        share[customer] += part
        load[site] += part * float(facts.demand[customer])
        cost += part * float(facts.cost[site, customer])
    cost += sum(float(facts.opening[site]) for site in {site for site, _, part in flows if part > 0})
    for customer, total in enumerate(share):
        if abs(total - 1) > _TOLERANCE:
            wrong.append(f"customer {customer + 1} is served {total:.9g} times")
    for site, total in enumerate(load):
        room = float(facts.capacity[site])
        if total > room + _TOLERANCE * max(1.0, room):
            wrong.append(f"site {site + 1} takes {total:.9g}, it holds {room:.9g}")
    return Judged(cost=cost, violations=tuple(wrong))
