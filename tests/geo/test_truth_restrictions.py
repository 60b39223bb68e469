"""Real extracts with their turn restrictions and barriers, against a slow search from road to road in plain Python.

The search shares the reading of tags with the network, and nothing else: ways are cut, turns allowed and paths found by
code of its own, without any junction being taken apart.
"""

import heapq
import math
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from lastmile import _core
from lastmile.geo.network import RoadNetwork
from lastmile.geo.osm import read_highways
from lastmile.geo.tags import MODE_BIT

A, E2 = 6_378_137.0, 0.006_694_379_990_14


def metres(a, b):
    lat = math.radians((a[1] + b[1]) / 2)
    root = math.sqrt(1 - E2 * math.sin(lat) ** 2)
    east = math.radians(b[0] - a[0]) * A / root * math.cos(lat)
    north = math.radians(b[1] - a[1]) * A * (1 - E2) / root**3
    return math.hypot(east, north)


class SlowTown:
    """Roads as lists, turns as a question."""

    def __init__(self, highways, mode):
        bit = MODE_BIT[mode]
        blocked = dict(zip(highways.marks.node.tolist(), highways.marks.barrier.tolist(), strict=True))
        self.blocked = {node for node, bits in blocked.items() if bits & bit}
        barriers = {node for node, bits in blocked.items() if bits}
        uses = Counter()
        runs = []  # (way, tags, [(node, place)])
        for w in range(len(highways.way)):
            run = []
            part = range(highways.offset[w], highways.offset[w + 1])
            for k in [*part, None]:
                if k is None or math.isnan(highways.lon[k]):
                    if run:
                        runs.append((int(highways.way[w]), highways.tags[highways.kind[w]], run))
                    run = []
                elif not run or run[-1][0] != highways.node[k]:
                    run.append((int(highways.node[k]), (float(highways.lon[k]), float(highways.lat[k]))))
        for _, _, run in runs:
            uses.update(node for node, _ in run)
        self.roads = []  # (way, from node, to node, metres, first place, last place)
        self.leaving = defaultdict(list)  # node -> directed roads 2 r (along) and 2 r + 1 (against)
        self.meeting = Counter()
        self.all_arriving, self.all_leaving = defaultdict(list), defaultdict(list)
        for way, tags, run in runs:
            piece = run[:1]
            for node, place in run[1:]:
                piece.append((node, place))
                if uses[node] > 1 or node in barriers or node == run[-1][0]:
                    self._add(way, tags, piece, bit)
                    piece = piece[-1:]
        self.rules = defaultdict(list)
        for rule in highways.turns:
            assert rule.via_node is not None
            if rule.when:
                continue  # lengths here are those of no particular hour
            # As everyone may use them who uses the way at all: the rule speaks of ways, not of modes.
            froms = [d for d in self.all_arriving[rule.via_node] if self.way(d) == rule.from_way]
            tos = [d for d in self.all_leaving[rule.via_node] if self.way(d) == rule.to_way]
            if len(froms) == len(tos) == 1 and rule.modes & bit:
                self.rules[froms[0]].append((tos[0], rule.only))

    def _add(self, way, tags, piece, bit):
        r = len(self.roads)
        length = sum(metres(a[1], b[1]) for a, b in pairwise(piece))
        self.roads.append((way, piece[0][0], piece[-1][0], length, piece[0][1], piece[-1][1]))
        self.meeting[piece[0][0]] += 1
        self.meeting[piece[-1][0]] += 1
        for d, bits in ((2 * r, tags.forward), (2 * r + 1, tags.backward)):
            if bits:
                self.all_leaving[self.start(d)].append(d)
                self.all_arriving[self.end(d)].append(d)
            if bits & bit:
                self.leaving[self.start(d)].append(d)

    def way(self, d):
        return self.roads[d // 2][0]

    def start(self, d):
        return self.roads[d // 2][1 + d % 2]

    def end(self, d):
        return self.roads[d // 2][2 - d % 2]

    def onward(self, d):
        node = self.end(d)
        for t in self.leaving[node]:
            if node in self.blocked and self.meeting[node] == 2 and t // 2 != d // 2:
                continue
            if any((t == to) != only for to, only in self.rules[d]):
                continue
            yield t

    def from_middle(self, road):
        """Metres from the middle of a road to the middles of all others."""
        best = {road: 0.0}
        half = self.roads[road][3] / 2
        queue = [(half, d) for d in (2 * road, 2 * road + 1) if d in self.leaving[self.start(d)]]
        seen = set()
        while queue:
            far, d = heapq.heappop(queue)
            if d in seen:
                continue
            seen.add(d)
            for t in self.onward(d):
                length = self.roads[t // 2][3]
                if far + length / 2 < best.get(t // 2, math.inf):
                    best[t // 2] = far + length / 2
                heapq.heappush(queue, (far + length, t))
        return best


@pytest.mark.parametrize("mode", ["e_van", "e_trike"])
@pytest.mark.parametrize("name", ["helsinki-clipped.osm.pbf", "shenzhen-longgang.osm", "andorra.osm.pbf"])
def test_real_restrictions_equal_a_search_from_road_to_road(data_folder, name, mode):
    path = data_folder / "osm" / name
    slow = SlowTown(read_highways(path), mode)
    network = RoadNetwork.from_osm(path)
    assert name == "shenzhen-longgang.osm" or len(slow.rules) > 10
    edge_of = np.full((2, network.segments), -1, dtype=np.int32)
    usable = np.flatnonzero(network.permitted(mode)).astype(np.int32)
    edge_of[(~network.edge_forward[usable]).astype(int), network.edge_segment[usable]] = usable
    ours = {}
    for s in np.flatnonzero((edge_of >= 0).any(axis=0) & (network.segment_length_m > 0)).tolist():
        line = network.segment_line(s)
        ours[int(network.segment_way[s]), tuple(line[0]), tuple(line[-1])] = s
    theirs = {(way, first, last): r for r, (way, _, _, _, first, last) in enumerate(slow.roads)}
    both = sorted(set(ours) & set(theirs))
    assert len(both) > 0.99 * len(ours)
    chance = np.random.default_rng(11)
    chosen = [both[k] for k in chance.choice(len(both), 40, replace=False)]
    segments = np.array([ours[key] for key in chosen])
    points = _core.Positions(edge_of[0, segments].copy(), edge_of[1, segments].copy(), np.full(len(segments), 0.5))
    graph = _core.Graph(network.first_out, network.edge_target)
    millimetres = np.where(network.permitted(mode), np.rint(network.edge_length_m * 1000), -1).astype(np.int32)
    _, _, reached = _core.within(graph, millimetres, points, points, 2_000_000_000)
    assert len(reached) == len(chosen) ** 2  # one component
    table = reached.reshape(len(chosen), -1) / 1000
    for row, key in enumerate(chosen):
        far = slow.from_middle(theirs[key])
        expected = [far[theirs[other]] for other in chosen]
        # Every edge is rounded to the nearest millimetre.
        np.testing.assert_allclose(table[row], expected, rtol=1e-6, atol=0.6)
