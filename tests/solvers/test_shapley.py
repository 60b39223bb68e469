"""Shapley's value: its axioms on games drawn by chance, against all permutations, and a game with a known answer."""

from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.solvers.shapley import exact_shares, objecting, sampled_shares


def coalitions(players):
    return [frozenset(members) for size in range(1, len(players) + 1) for members in combinations(players, size)]


@st.composite
def games(draw, players=None):
    """Players, and a cost for each coalition; nothing else holds of them."""
    players = draw(st.integers(1, 5)) if players is None else players
    names = "abcde"[:players]
    costs = st.integers(-1000, 1000)
    return names, {coalition: float(draw(costs)) for coalition in coalitions(names)}


def by_permutations(players, costs):
    """Shapley's definition to the letter."""
    orders = list(permutations(players))
    shares = dict.fromkeys(players, 0.0)
    for order in orders:
        before = 0.0
        for k, player in enumerate(order):
            after = costs[frozenset(order[: k + 1])]
            shares[player] += (after - before) / len(orders)
            before = after
    return shares


@given(games())
def test_exact_shares_are_the_mean_over_all_orders(game):
    players, costs = game
    assert exact_shares(players, costs.__getitem__).shares == pytest.approx(by_permutations(players, costs), abs=1e-6)


@given(games(), st.integers(2, 6), st.integers(0, 99))
def test_shares_sum_to_the_joint_cost(game, drawn, seed):
    players, costs = game
    joint = costs[frozenset(players)]
    assert sum(exact_shares(players, costs.__getitem__).shares.values()) == pytest.approx(joint, abs=1e-6)
    sampled = sampled_shares(players, costs.__getitem__, permutations=drawn, seed=seed)
    assert sum(sampled.shares.values()) == pytest.approx(joint, abs=1e-6)


@given(games(players=4))
def test_players_that_add_the_same_pay_the_same(game):
    players, costs = game

    def alike(coalition):  # a and b are exchangeable: what counts is how many of them are in
        return costs[frozenset("ab"[: len(coalition & {"a", "b"})]) | coalition - {"a", "b"}]

    shares = exact_shares(players, alike).shares
    assert shares["a"] == pytest.approx(shares["b"], abs=1e-6)


@given(games(players=4), st.integers(0, 500))
def test_who_adds_always_the_same_pays_just_that(game, own):
    players, costs = game

    def with_dummy(coalition):
        others = coalition - {"z"}
        return (costs[others] if others else 0.0) + own * ("z" in coalition)

    assert exact_shares([*players, "z"], with_dummy).shares["z"] == pytest.approx(own, abs=1e-6)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=6), st.integers(0, 500), st.integers(0, 99))
def test_a_fixed_cost_and_costs_of_ones_own_leave_nothing_to_chance(own, fixed, seed):
    found = sampled_shares(
        range(len(own)), lambda members: fixed + sum(own[k] for k in members), permutations=2, seed=seed
    )
    assert list(found.shares.values()) == pytest.approx([cost + fixed / len(own) for cost in own], abs=1e-6)
    assert list(found.errors.values()) == pytest.approx([0.0] * len(own), abs=1e-6)


@given(games(players=4))
def test_sampled_shares_aim_at_the_exact_ones(game):
    players, costs = game
    exact = exact_shares(players, costs.__getitem__).shares
    found = sampled_shares(players, costs.__getitem__, permutations=300, seed=3)
    for player in players:
        assert abs(found.shares[player] - exact[player]) <= 6 * found.errors[player] + 1e-6


@given(games(players=4), games(players=4))
def test_shares_of_two_games_add_up_to_those_of_their_sum(one, other):
    players, first = one
    _, second = other
    both = exact_shares(players, lambda coalition: first[coalition] + second[coalition]).shares
    parts = [exact_shares(players, costs.__getitem__).shares for costs in (first, second)]
    for player in players:
        assert both[player] == pytest.approx(parts[0][player] + parts[1][player], abs=1e-6)


# Runways of 1, 2, 5 and 9 km. All four share the first km (1/4 each), three the second (1/3 each), two the next three
# (3/2 each), one the last four: Littlechild & Owen (1973), doi:10.1287/mnsc.20.3.370.
RUNWAYS = {"a": 1.0, "b": 2.0, "c": 5.0, "d": 9.0}
SHARES = {"a": 1 / 4, "b": 1 / 4 + 1 / 3, "c": 1 / 4 + 1 / 3 + 3 / 2, "d": 1 / 4 + 1 / 3 + 3 / 2 + 4}


def runway(coalition):
    return max(RUNWAYS[player] for player in coalition)


def test_airport_game_has_its_closed_form_and_is_in_the_core():
    found = exact_shares("abcd", runway)
    assert found.shares == pytest.approx(SHARES)
    assert found.errors is None
    assert len(found.costs) == 2**4 - 1
    assert objecting(found.shares, found.costs, tolerance=1e-9) == ()


def test_sampled_shares_of_the_airport_game_are_within_their_errors():
    found = sampled_shares("abcd", runway, permutations=400, seed=1)
    for player, share in SHARES.items():
        assert 0 < found.errors[player] < 0.2
        assert abs(found.shares[player] - share) < 4 * found.errors[player]


def test_sampling_is_repeatable_and_asks_for_no_coalition_twice():
    asked = []

    def counted(coalition):
        asked.append(coalition)
        return runway(coalition)

    first = sampled_shares("abcd", counted, permutations=3, seed=5)
    assert len(asked) == len(set(asked)) == len(first.costs) <= 2 * 3 * 2 + 4 + 1
    assert sampled_shares("abcd", runway, permutations=3, seed=5) == first
    assert sampled_shares("abcd", runway, permutations=3, seed=6) != first


def test_who_would_pay_less_alone_is_named():
    # Any two pay 2 and all three 6: shares of 2 each, so each pair would rather pay 2 than 4.
    costs = {1: 2.0, 2: 2.0, 3: 6.0}
    found = exact_shares("abc", lambda coalition: costs[len(coalition)])
    assert objecting(found.shares, found.costs, tolerance=1e-9) == tuple(map(frozenset, ("ab", "ac", "bc")))


@pytest.mark.parametrize("players", ["", "aba"])
def test_players_must_be_there_and_differ(players):
    with pytest.raises(ValueError, match="players that differ"):
        exact_shares(players, lambda _: 0.0)


def test_one_order_tells_no_error():
    with pytest.raises(ValueError, match="at least 2"):
        sampled_shares("ab", lambda _: 0.0, permutations=1, seed=1)
