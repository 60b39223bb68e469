"""Siting problems of a few sites, and what each plan of them is worth: for enumeration."""

import numpy as np
from scipy.optimize import linprog

from lastmile.solvers.siting_problem import SitingProblem


def problem(
    fixed, weight, serve, *, module=None, most=None, capacity=10, existing=None, attract=(), parcel_fen=100.0, **rules
):
    """``serve`` lists (demand, site, metres), ``attract`` (demand, site)."""
    sites = len(fixed)
    return SitingProblem(
        fixed_fen=np.array(fixed, dtype=np.int64),
        module_fen=np.array(module or [0] * sites, dtype=np.int64),
        modules_max=np.array(most or [1] * sites, dtype=np.int32),
        module_capacity=np.full(sites, capacity, dtype=np.int32),
        existing=np.array(existing or [0] * sites, dtype=np.int32),
        weight=np.array(weight, dtype=np.float64),
        serve_demand=np.array([i for i, _, _ in serve], dtype=np.int32),
        serve_site=np.array([j for _, j, _ in serve], dtype=np.int32),
        serve_metres=np.array([d for _, _, d in serve], dtype=np.float64),
        attract_demand=np.array([i for i, _ in attract], dtype=np.int32),
        attract_site=np.array([j for _, j in attract], dtype=np.int32),
        parcel_fen=parcel_fen,
        **rules,
    )


def best_shares(made, demand, site, share, modules):
    """Parcels of each demand, each times the greatest share of its open sites."""
    best = np.zeros(len(made.weight))
    for i, j, s in zip(demand, site, np.ones(len(site)) if share is None else share, strict=True):
        if modules[j] > 0:
            best[i] = max(best[i], s)
    return float((made.weight * best).sum())


def served_fen(made, modules):
    """The most that the parcels of a plan are worth: a transport problem, from places into single compartments."""
    come = np.ones(len(made.serve_site)) if made.serve_share is None else made.serve_share
    value = made.parcel_fen * best_shares(made, made.attract_demand, made.attract_site, made.attract_share, modules)
    furthest = max(made.serve_metres.max(initial=0.0), 1.0)
    minded = np.zeros(len(modules)) if made.minded_fen is None else made.minded_fen
    worth = np.maximum(made.parcel_fen - minded, 0)
    sizes = range(made.size_capacity.shape[1])
    # From each place to each site, and there into compartments of each size that is large enough.
    ways = [
        (i, j, d, s, c)
        for i, j, d, s in zip(made.serve_demand, made.serve_site, made.serve_metres, come, strict=True)
        if modules[j] > 0
        for c in (sizes if len(sizes) else [None])
        if c is None or c >= made.size[i]
    ]
    if not ways:
        return value
    gain = np.array([worth[j] * made.weight[i] * s * (1 - made.walk_discount * d / furthest) for i, j, d, s, _ in ways])
    rows, limits = [], []
    for i in range(len(made.weight)):
        rows.append([float(way[0] == i) for way in ways])
        limits.append(1.0)
    for j in range(len(modules)):
        rows.append([made.weight[i] * s * (at == j) for i, at, _, s, _ in ways])
        limits.append(float(made.module_capacity[j] * modules[j]))
        for size in sizes if sizes and np.isfinite(made.size_capacity[j, 0]) else ():
            of_size = made.size_capacity[j, size] - (made.size_capacity[j, size + 1] if size + 1 in sizes else 0)
            rows.append([made.weight[i] * s * (at == j and c == size) for i, at, _, s, c in ways])
            limits.append(float(of_size * modules[j]))
    return value - linprog(-gain, A_ub=np.array(rows), b_ub=np.array(limits), bounds=(0, 1)).fun


def value_fen(made, modules):
    """What a plan is worth: its parcels less what new sites cost."""
    cost = made.fixed_fen * (modules > 0) + made.module_fen * modules
    return served_fen(made, modules) - cost[made.existing == 0].sum()


def shares_short(made, modules):
    """By how many shares of each rule a plan falls short."""
    opened = modules > 0
    short = {}
    for row in made.rows:
        total = float((row.per_open * opened[row.site] + row.per_module * modules[row.site]).sum())
        below = max(row.lower - total, 0) / max(abs(row.lower), 1.0) if row.lower > 0 else 0.0
        above = 0.0 if np.isinf(row.upper) else max(total - row.upper, 0) / max(abs(row.upper), 1.0)
        short[row.name] = below + above
    for cover in made.coverage:
        total = cover.weight.sum()
        if total > 0:
            covered = best_shares(made, cover.demand, cover.site, cover.share, modules)
            short[cover.name] = max(cover.minimum - covered / total, 0.0)
    return short
