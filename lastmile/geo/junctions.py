"""Turns: junctions where turning costs or is restricted are taken apart, so that plain searches obey the rules.

Every road arrives at such a junction and leaves it at nodes of its own; a turn is a one-way segment of no length from
an arrival to a departure. A restriction over ways needs memory of where one came from: who makes its first turn goes on
over copies of the ways between (*detours*), whose turns lack the forbidden one. The states of that memory are the
prefixes of all rules, and from any state the next is the longest suffix that is a prefix again, as in the automaton of
Aho and Corasick (1975, doi:10.1145/360825.360855), so that rules which overlap are all obeyed.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.conditions import TurnCondition
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.osm import Highways
from lastmile.geo.tags import MODE_BIT, TurnRule

NO_TURN, STRAIGHT, RIGHT, LEFT, U_TURN = range(5)
_STRAIGHT_DEG: Final = 45.0
_U_TURN_DEG: Final = 170.0
_WHEELS: Final = np.uint8(0xFF ^ MODE_BIT["walk"])

_MOST_STATES: Final = 10_000  # ways to drive over the ways of one restriction; real ones have a handful
_State = tuple[int, ...]  # directed pieces driven one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Roads between cuts, before their nodes are numbered; column 0 along the geometry, column 1 against it.

    Parameters
    ----------
    tail, head
        int64, shape (pieces, 2): nodes where each direction begins and ends.
    modes
        uint8, shape (pieces, 2): who may go there at some hour.
    origin
        int64: the piece that a turn or detour was made from, of roads their own index.
    geometry, points
        int64: piece ``p`` has the node references ``points[geometry[p]:geometry[p + 1]]``.
    turn
        uint8: ``NO_TURN`` for roads, else what kind of turn it is.
    condition
        int32, index of what changes by the hour, -1 where nothing does.
    first_position
        int64: for every node a reference to it, by which its place is known.
    """

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    modes: NDArray[np.uint8]
    way_index: NDArray[np.int64]
    origin: NDArray[np.int64]
    geometry: NDArray[np.int64]
    points: NDArray[np.int64]
    length_m: NDArray[np.float64]
    turn: NDArray[np.uint8]
    detour: NDArray[np.bool_]
    condition: NDArray[np.int32]
    first_position: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Ban:
    """What a rule says in the state it ends in."""

    to: int
    only: bool
    modes: int
    when: str

    def forbids(self, departure: int) -> bool:
        return (departure == self.to) != self.only


@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """What must be remembered of where one came from.

    Parameters
    ----------
    rules
        By the directed pieces that were driven before the turn they forbid.
    bound
        Whom the rules that begin with these two or more pieces bind: they drive the last of them on a detour.
    """

    rules: dict[_State, list[_Ban]]
    bound: dict[_State, int]

    @classmethod
    def of(cls, rules: dict[_State, list[_Ban]]) -> "_Memory":
        bound: dict[_State, int] = defaultdict(int)
        for state, bans in rules.items():
            for length in range(2, len(state) + 1):
                for ban in bans:
                    bound[state[:length]] |= ban.modes
        return cls(rules=rules, bound=dict(sorted(bound.items())))

    def bans(self, state: _State, departure: int) -> list[_Ban]:
        """Everything that forbids the departure after the pieces driven."""
        suffixes = (state[k:] for k in range(len(state)))
        return [ban for suffix in suffixes for ban in self.rules.get(suffix, ()) if ban.forbids(departure)]

    def onward(self, state: _State, departure: int, modes: int) -> Iterator[tuple[_State | None, int]]:
        """Where each mode goes on: the detour of the longest remembered suffix, or None for the road itself."""
        driven = (*state, departure)
        for k in range(len(driven) - 1):
            if taken := modes & self.bound.get(driven[k:], 0):
                yield driven[k:], taken
                modes &= ~taken
        if modes:
            yield None, modes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turns:
    """Turns as rows: between directed pieces, from node to node, for whom; ``bans`` are those by the hour."""

    arrival: NDArray[np.int64]
    departure: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    modes: NDArray[np.uint8]
    bans: dict[int, tuple[tuple[int, str], ...]]


def take_apart(
    highways: Highways, roads: Pieces, *, first_condition: int
) -> tuple[Pieces, tuple[TurnCondition, ...], dict[str, int]]:
    """Lay the turns of every junction that has signals, restrictions, or a barrier between two roads.

    Parameters
    ----------
    first_condition
        Number of the first condition that is made for turns.

    Returns
    -------
    The roads, turns and detours; conditions of turns by the hour; and what was not applied, counted.
    """
    names = highways.node[roads.first_position]  # ascending, as they come from np.unique
    rules, unclear = _sequences(highways, roads, names)
    memory = _Memory.of(rules)
    copies = list(memory.bound)
    heads, tails, allowed = roads.head.ravel(), roads.tail.ravel(), roads.modes.ravel()
    kept_out, ambiguous = _barriers(highways, roads, names)
    apart = kept_out > 0
    apart[[int(heads[d]) for state in rules for d in state]] = True
    apart[_signalled(highways, roads, names)] = True
    counted = {
        "turn restrictions whose roads are unclear (not applied)": unclear,
        "barriers where three or more roads meet (not applied: whose barrier it is, is not mapped)": ambiguous,
    }
    counted = {reason: number for reason, number in counted.items() if number}
    arrivals = np.flatnonzero(apart[heads] & (allowed > 0))
    departures = np.flatnonzero(apart[tails] & (allowed > 0))
    if not len(arrivals) or not len(departures):
        return roads, (), counted
    arrivals = arrivals[np.argsort(heads[arrivals], kind="stable")]
    departures = departures[np.argsort(tails[departures], kind="stable")]
    # New nodes: one per arrival, one per departure, two per detour.
    nodes = len(names)
    head, tail = heads.copy(), tails.copy()
    head[arrivals] = nodes + np.arange(len(arrivals))
    tail[departures] = nodes + len(arrivals) + np.arange(len(departures))
    first_copy = nodes + len(arrivals) + len(departures)
    copy_tail = {state: first_copy + 2 * k for k, state in enumerate(copies)}

    arrival, departure = _cross(heads, tails, arrivals, departures, nodes)
    modes = allowed[arrival] & allowed[departure]
    through = (arrival >> 1) != (departure >> 1)
    modes &= np.where(through, np.uint8(0xFF) ^ kept_out[heads[arrival]], np.uint8(0xFF))
    turns = _remember(
        _Turns(arrival=arrival, departure=departure, start=head[arrival], end=tail[departure], modes=modes, bans={}),
        memory, copy_tail, heads=heads, tails=tails, allowed=allowed, departures=departures, tail=tail,
    )  # fmt: skip

    wanted = turns.modes > 0
    kind = _kinds(highways, roads, turns.arrival, turns.departure)
    conditions: dict[TurnCondition, int] = {}
    condition = np.full(len(turns.modes), -1, dtype=np.int32)
    for row, bans in turns.bans.items():
        made = TurnCondition(bans=bans)
        condition[row] = first_condition + conditions.setdefault(made, len(conditions))
    owner = np.concatenate((turns.arrival[wanted] >> 1, np.array([s[-1] >> 1 for s in copies], dtype=np.int64)))
    count = int(wanted.sum())
    both = np.column_stack((turns.start[wanted], turns.end[wanted]))
    detours = np.array([s[-1] for s in copies], dtype=np.int64)
    begin = first_copy + 2 * np.arange(len(copies))
    along = (detours & 1) == 0
    bound = allowed[detours] & np.array(list(memory.bound.values()), dtype=np.uint8)
    laid = _append(
        replace(
            roads,
            tail=_filled(tail.reshape(-1, 2), head.reshape(-1, 2), roads.modes),
            head=_filled(head.reshape(-1, 2), tail.reshape(-1, 2), roads.modes),
            first_position=np.concatenate(
                (
                    roads.first_position,
                    roads.first_position[heads[arrivals]],
                    roads.first_position[tails[departures]],
                    roads.first_position[np.column_stack((tails[detours], heads[detours])).ravel()],
                )
            ),
        ),
        owner,
        count,
        tail=np.concatenate((both, np.column_stack((begin + ~along, begin + along)))),
        head=np.concatenate((both[:, ::-1], np.column_stack((begin + along, begin + ~along)))),
        modes=np.concatenate(
            (
                np.column_stack((turns.modes[wanted], np.zeros(count, dtype=np.uint8))),
                np.column_stack((bound * along, bound * ~along)).astype(np.uint8),
            )
        ),
        turn=kind[wanted],
        condition=condition[wanted],
        at=roads.first_position[heads[turns.arrival[wanted]]],
    )
    return laid, tuple(conditions), counted


def _filled(own: NDArray[np.int64], other: NDArray[np.int64], modes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Directions that nobody may go end where the other direction begins, so that no node is left over."""
    return np.where(modes > 0, own, other[:, ::-1])


def _append(
    roads: Pieces,
    owner: NDArray[np.int64],
    turns: int,
    *,
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    modes: NDArray[np.uint8],
    turn: NDArray[np.uint8],
    condition: NDArray[np.int32],
    at: NDArray[np.int64],
) -> Pieces:
    """The roads, then turns (two references to one node each), then detours (with the geometry of their roads)."""
    detours = owner[turns:]
    sizes = np.diff(roads.geometry)[detours]
    own = np.repeat(roads.geometry[detours] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    points = np.concatenate((roads.points, np.repeat(at, 2), roads.points[own]))
    lengths = np.concatenate((np.diff(roads.geometry), np.full(turns, 2), sizes))
    return Pieces(
        tail=np.concatenate((roads.tail, tail)),
        head=np.concatenate((roads.head, head)),
        modes=np.concatenate((roads.modes, modes)),
        way_index=np.concatenate((roads.way_index, roads.way_index[owner])),
        origin=np.concatenate((roads.origin, owner)),
        geometry=np.concatenate(([0], np.cumsum(lengths))),
        points=points,
        length_m=np.concatenate((roads.length_m, np.zeros(turns), roads.length_m[detours])),
        turn=np.concatenate((roads.turn, turn, np.zeros(len(detours), dtype=np.uint8))),
        detour=np.concatenate((roads.detour, np.zeros(turns, dtype=bool), np.ones(len(detours), dtype=bool))),
        condition=np.concatenate((roads.condition, condition, roads.condition[detours])),
        first_position=roads.first_position,
    )


def _barriers(highways: Highways, roads: Pieces, names: NDArray[np.int64]) -> tuple[NDArray[np.uint8], int]:
    """Per node whom a barrier keeps from going through, and at how many it is open whose barrier it is."""
    kept_out = np.zeros(len(names), dtype=np.uint8)
    node, bits = _known(names, highways.marks.node, highways.marks.barrier)
    degree = np.bincount(roads.tail.ravel(), minlength=len(names))[node]
    between = degree == 2
    kept_out[node[between]] = bits[between]
    return kept_out, int((degree > 2).sum())


def _signalled(highways: Highways, roads: Pieces, names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Nodes with signals at which three or more roads for vehicles meet."""
    node, _ = _known(names, highways.marks.node, highways.marks.signals)
    driven = ((roads.modes[:, 0] | roads.modes[:, 1]) & _WHEELS) > 0
    return node[np.bincount(roads.tail[driven].ravel(), minlength=len(names))[node] > 2]


def _known(
    names: NDArray[np.int64], marked: NDArray[np.int64], bits: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Indices of marked nodes that are cuts, with their bits; those with none are left out."""
    marked, bits = marked[bits > 0], bits[bits > 0]
    at = np.minimum(np.searchsorted(names, marked), len(names) - 1)
    found = names[at] == marked
    return at[found], bits[found]


def _cross(
    heads: NDArray[np.int64],
    tails: NDArray[np.int64],
    arrivals: NDArray[np.int64],
    departures: NDArray[np.int64],
    nodes: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of an arrival and a departure of the same junction."""
    per_node = np.bincount(tails[departures], minlength=nodes)
    begin = np.cumsum(per_node) - per_node
    repeat = per_node[heads[arrivals]]
    arrival = np.repeat(arrivals, repeat)
    within = np.arange(len(arrival)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    return arrival, departures[begin[heads[arrival]] + within]


def _remember(
    turns: _Turns,
    memory: _Memory,
    copy_tail: dict[_State, int],
    *,
    heads: NDArray[np.int64],
    tails: NDArray[np.int64],
    allowed: NDArray[np.uint8],
    departures: NDArray[np.int64],
    tail: NDArray[np.int64],
) -> _Turns:
    """Replace the turns after which something must be remembered or is forbidden, and add those of detours."""
    if not memory.rules:
        return turns
    by_node = tails[departures]
    ruled = np.isin(turns.arrival, list({state[0] for state in memory.rules}))
    plain = zip(turns.arrival[ruled].tolist(), turns.departure[ruled].tolist(), turns.start[ruled].tolist(),
                turns.modes[ruled].tolist(), strict=True)  # fmt: skip
    again: list[tuple[_State, int, int, int]] = [
        ((arrival,), departure, start, modes) for arrival, departure, start, modes in plain
    ]
    for state, begin in copy_tail.items():
        node = heads[state[-1]]
        around = departures[np.searchsorted(by_node, node) : np.searchsorted(by_node, node, side="right")]
        may = memory.bound[state] & int(allowed[state[-1]])
        again += [(state, departure, begin + 1, may & int(allowed[departure])) for departure in around.tolist()]
    rows: list[tuple[int, int, int, int, int]] = []
    bans: dict[int, tuple[tuple[int, str], ...]] = {}
    for state, departure, start, may in again:
        against = memory.bans(state, departure)
        forbidden = reduce(or_, (ban.modes for ban in against if not ban.when), 0)
        hourly = tuple((ban.modes, ban.when) for ban in against if ban.when)
        for onward, who in memory.onward(state, departure, may & ~forbidden):
            if hourly:
                bans[len(turns.arrival) - int(ruled.sum()) + len(rows)] = hourly
            end = int(tail[departure]) if onward is None else copy_tail[onward]
            rows.append((state[-1], departure, start, end, who))
    added = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    return _Turns(
        arrival=np.concatenate((turns.arrival[~ruled], added[0])),
        departure=np.concatenate((turns.departure[~ruled], added[1])),
        start=np.concatenate((turns.start[~ruled], added[2])),
        end=np.concatenate((turns.end[~ruled], added[3])),
        modes=np.concatenate((turns.modes[~ruled], added[4].astype(np.uint8))),
        bans=bans,
    )


def _kinds(
    highways: Highways, roads: Pieces, arrival: NDArray[np.int64], departure: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Straight on, right, left or back, by the angle between the last step and the next."""
    first, last = roads.geometry[:-1], roads.geometry[1:] - 1

    def step(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        start, end = roads.points[a], roads.points[b]
        per_lon, per_lat = metres_per_degree(highways.lat[start])
        return (
            (highways.lon[end] - highways.lon[start]) * per_lon,
            (highways.lat[end] - highways.lat[start]) * per_lat,
        )

    a, b = arrival >> 1, departure >> 1
    against, back = (arrival & 1) == 1, (departure & 1) == 1
    x0, y0 = step(np.where(against, first[a] + 1, last[a] - 1), np.where(against, first[a], last[a]))
    x1, y1 = step(np.where(back, last[b], first[b]), np.where(back, last[b] - 1, first[b] + 1))
    degrees = np.degrees(np.arctan2(x0 * y1 - y0 * x1, x0 * x1 + y0 * y1))
    kind = np.full(len(arrival), STRAIGHT, dtype=np.uint8)
    kind[degrees >= _STRAIGHT_DEG] = LEFT
    kind[degrees <= -_STRAIGHT_DEG] = RIGHT
    kind[(np.abs(degrees) > _U_TURN_DEG) | ((a == b) & (against != back))] = U_TURN
    return kind


def _sequences(highways: Highways, roads: Pieces, names: NDArray[np.int64]) -> tuple[dict[_State, list[_Ban]], int]:
    """Rules by what was driven before the forbidden turn, and how many rules leave open which roads they mean."""
    rules: dict[_State, list[_Ban]] = defaultdict(list)
    if not highways.turns:
        return rules, 0
    mentioned = {way for rule in highways.turns for way in (rule.from_way, *rule.via_ways, rule.to_way)}
    ways = highways.way[roads.way_index]
    of_way: dict[int, list[int]] = defaultdict(list)
    for piece in np.flatnonzero(np.isin(ways, list(mentioned))).tolist():
        of_way[int(ways[piece])].append(piece)
    around = _Around(tail=roads.tail.ravel(), head=roads.head.ravel(), modes=roads.modes.ravel(), of_way=of_way)
    unclear = 0
    for rule in highways.turns:
        via = rule.via_node
        found = list(_over_ways(rule, around)) if via is None else _over_node(rule, via, names, around)
        if len(found) != 1:
            unclear += 1
            continue
        ((state, to),) = found
        rules[state].append(_Ban(to=to, only=rule.only, modes=rule.modes, when=rule.when))
    return rules, unclear


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """Directed pieces of the ways that rules speak of, those that somebody may drive."""

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    modes: NDArray[np.uint8]
    of_way: dict[int, list[int]]

    def directed(self, *ways: int) -> Iterator[int]:
        for way in dict.fromkeys(ways):
            for piece in self.of_way.get(way, ()):
                for directed in (2 * piece, 2 * piece + 1):
                    if self.modes[directed]:
                        yield directed


def _over_node(rule: TurnRule, via: int, names: NDArray[np.int64], around: _Around) -> list[tuple[_State, int]]:
    """The one arrival and the one departure at a node; a road that goes on behind it leaves open which is meant."""
    node = min(int(np.searchsorted(names, via)), len(names) - 1)
    if names[node] != via:
        return []
    froms = [d for d in around.directed(rule.from_way) if around.head[d] == node]
    tos = [d for d in around.directed(rule.to_way) if around.tail[d] == node]
    return [((a,), b) for a in froms for b in tos]


def _over_ways(rule: TurnRule, around: _Around) -> Iterator[tuple[_State, int]]:
    """Every way to drive from the first way over all ways between, each piece once, to the last."""
    between = list(around.directed(*rule.via_ways))
    tos = list(around.directed(rule.to_way))
    way_of = {d >> 1: way for way in rule.via_ways for d in around.directed(way)}
    looked_at = 0
    for start in around.directed(rule.from_way):
        queue: deque[_State] = deque([(start,)])
        while queue and looked_at < _MOST_STATES:
            looked_at += 1
            state = queue.popleft()
            node = around.head[state[-1]]
            if {way_of[d >> 1] for d in state[1:]} == set(rule.via_ways):
                reached = [(state, to) for to in tos if around.tail[to] == node and to >> 1 != state[-1] >> 1]
                yield from reached
                if reached:
                    continue
            if len(state) <= len(way_of):
                driven = {d >> 1 for d in state}
                queue.extend((*state, d) for d in between if around.tail[d] == node and d >> 1 not in driven)
