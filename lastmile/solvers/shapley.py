"""Shares of a joint cost by Shapley's value: what each player adds, on average over all orders in which they may join.

A game is a cost function over coalitions, which are frozensets of players; the empty one costs nothing and is never
asked for. No coalition is asked for twice.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Generic, TypeVar

import numpy as np

Player = TypeVar("Player", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares(Generic[Player]):
    """How a joint cost is split, with the cost of every coalition that was asked for.

    Parameters
    ----------
    shares
        In the unit of the costs; they sum to the cost of all players together.
    errors
        Standard errors of the shares, None where these are exact.
    costs
        By coalition, in the order in which they were asked for.
    """

    shares: dict[Player, float]
    errors: dict[Player, float] | None
    costs: dict[frozenset[Player], float]


def exact_shares(players: Sequence[Player], cost: Callable[[frozenset[Player]], float]) -> Shares[Player]:
    """Shapley's value from the costs of all ``2 ** n - 1`` coalitions, the smaller ones asked for first.

    Raises
    ------
    ValueError
        When there is no player, or one is named twice.

    References
    ----------
    .. [1] Shapley (1953). A value for n-person games. doi:10.1515/9781400881970-018
    """
    _require(players)
    count = len(players)
    costs = {
        frozenset(members): cost(frozenset(members))
        for size in range(1, count + 1)
        for members in combinations(players, size)
    }
    shares = dict.fromkeys(players, 0.0)
    for coalition, value in costs.items():
        size = len(coalition)
        # The share of all orders in which the coalition's other members come before the player, and all others after.
        joined = factorial(size - 1) * factorial(count - size) / factorial(count)
        left = factorial(size) * factorial(count - size - 1) / factorial(count) if size < count else 0.0
        for player in players:
            shares[player] += joined * value if player in coalition else -left * value
    return Shares(shares=shares, errors=None, costs=costs)


def sampled_shares(
    players: Sequence[Player], cost: Callable[[frozenset[Player]], float], *, permutations: int, seed: int
) -> Shares[Player]:
    """Estimate Shapley's value from some orders in which the players may join, drawn with equal chance [1]_.

    Every order drawn is also taken backwards: who joins early in one joins late in the other, so the mean of the two
    varies less than that of two drawn independently [2]_. Errors are those of the mean over such pairs; from few of
    them they are rough.

    What is averaged is how far additions are from those of a game with a known answer (a control variate): whoever is
    there first pays a fixed cost, everyone a cost of its own. The two are chosen so that this game costs the same for
    each player alone and for all together; where sharing a fixed cost is what joining is about, little is left to
    chance. In every order what is left sums to nothing, so the estimates sum to the cost of all players exactly.

    Parameters
    ----------
    permutations
        Orders drawn, at least 2. At most ``2 * permutations * (n - 2) + n + 1`` coalitions are asked for.

    Raises
    ------
    ValueError
        When there is no player or one is named twice, or fewer than two orders are to be drawn.

    References
    ----------
    .. [1] Castro, Gómez, Tejada (2009). Polynomial calculation of the Shapley value based on sampling. Computers &
       Operations Research 36. doi:10.1016/j.cor.2008.04.004
    .. [2] Mitchell, Cooper, Frank, Holmes (2022). Sampling permutations for Shapley value estimation. JMLR 23.
    """
    _require(players)
    if permutations < 2:
        raise ValueError(f"need at least 2 permutations to tell an error, got {permutations}")
    count = len(players)
    costs = {frozenset({player}): cost(frozenset({player})) for player in players}
    if frozenset(players) not in costs:
        costs[frozenset(players)] = cost(frozenset(players))
    alone = np.array([costs[frozenset({player})] for player in players])
    fixed = (float(alone.sum()) - costs[frozenset(players)]) / max(count - 1, 1)

    def additions(order: Sequence[int]) -> Iterator[tuple[int, float]]:
        members: frozenset[Player] = frozenset()
        before = 0.0
        for k in order:
            members |= {players[k]}
            if members not in costs:
                costs[members] = cost(members)
            yield k, costs[members] - before - (alone[k] - fixed if len(members) > 1 else alone[k])
            before = costs[members]

    rng = np.random.default_rng(seed)
    added = np.zeros((permutations, count))
    for row in added:
        order = rng.permutation(count).tolist()
        for direction in (order, order[::-1]):
            for k, amount in additions(direction):
                row[k] += amount / 2
    # Of the game with the known answer: each player's own cost, and an equal part of the fixed one.
    means = alone - fixed + fixed / count + added.mean(axis=0)
    errors = added.std(axis=0, ddof=1) / np.sqrt(permutations)
    return Shares(
        shares=dict(zip(players, means.tolist(), strict=True)),
        errors=dict(zip(players, errors.tolist(), strict=True)),
        costs=costs,
    )


def objecting(
    shares: Mapping[Player, float], costs: Mapping[frozenset[Player], float], *, tolerance: float
) -> tuple[frozenset[Player], ...]:
    """Coalitions that would pay less alone than their members' shares; the shares are in the core if there is none.

    Only the coalitions in ``costs`` are looked at: unless these are all, none found does not prove the core.

    Parameters
    ----------
    tolerance
        A gain up to this is none, in the unit of the costs.
    """
    return tuple(
        coalition
        for coalition, value in costs.items()
        if sum(shares[player] for player in shares if player in coalition) > value + tolerance
    )


def _require(players: Sequence[Hashable]) -> None:
    if not players or len(set(players)) < len(players):
        raise ValueError(f"need players that differ, got {list(players)!r}")
