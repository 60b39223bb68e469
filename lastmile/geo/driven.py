"""The roads that a vehicle drove, edge by edge, and when: from positions chosen on edges to ways with times."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MATCHED, OFF_ROAD, LEFT_OUT = range(3)
_APART_M: Final = 1e3  # between the parts of a trace, on the scale on which times are looked up
_AT_M: Final = 0.05  # from the end of an edge a vehicle stands at it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatchedTrace:
    """The roads of one trace.

    Parameters
    ----------
    edge
        int32, shape (v,): the edges driven, in order; one that is driven again is listed again. Within a part the next
        edge begins where this one ends, or is its other direction, on which the vehicle turned around.
    start, end
        float64 in [0, 1], where on the edge's length driving begins and ends.
    metres
        float64, driven on the edge.
    enter_s, leave_s
        float64. Between fixes they are interpolated by length along the way, so that they err by seconds at turns and
        where fixes are far apart.
    part
        int32, number of the part of the trace, from 0; nothing is known of the way from one part to the next.
    at_s, at_m, at_part
        float64, float64, int32, shape (f,): when the vehicle was how far along its way, for every matched fix; metres
        are those of the visits, counted over all parts, and never fall.
    state
        int8, shape (n,), one per given fix: ``MATCHED``; ``OFF_ROAD`` (no road within the radius); ``LEFT_OUT``
        (nothing leads to it, but to a fix after it).
    sigma_m
        The standard deviation of a fix that was used; the median, where the receiver states it per fix.
    """

    edge: NDArray[np.int32]
    start: Floats
    end: Floats
    metres: Floats
    enter_s: Floats
    leave_s: Floats
    part: NDArray[np.int32]
    at_s: Floats
    at_m: Floats
    at_part: NDArray[np.int32]
    state: NDArray[np.int8]
    sigma_m: float

    @property
    def parts(self) -> int:
        """Number of parts; a fix that nothing leads to or from is a part of its own."""
        return int(self.at_part[-1]) + 1 if len(self.at_part) else 0

    @property
    def breaks(self) -> int:
        """How often the trace is broken."""
        return max(self.parts - 1, 0)

    @property
    def matched_share(self) -> float:
        """Share of the fixes that lie on the roads found; 0 of no fix."""
        return float(np.mean(self.state == MATCHED)) if len(self.state) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ways:
    """The ways between chosen positions, over all traces of a batch.

    Parameters
    ----------
    edge, start, end, metres
        One per edge driven in one go (a visit), as in :class:`MatchedTrace`.
    part
        Of the visit, counted over the batch.
    after_m
        Metres driven until the visit ends, counted over the batch.
    fix_m, fix_part
        Of every chosen position.
    piece_offset, piece_visit, piece_start, piece_end
        The pieces of visits that lead to each chosen position, as compressed rows.
    """

    edge: NDArray[np.int32]
    start: Floats
    end: Floats
    metres: Floats
    part: NDArray[np.int64]
    after_m: Floats
    fix_m: Floats
    fix_part: NDArray[np.int64]
    piece_offset: NDArray[np.int64]
    piece_visit: NDArray[np.int64]
    piece_start: Floats
    piece_end: Floats


def join_ways(
    fraction: Floats,
    begins: NDArray[np.bool_],
    turned: NDArray[np.bool_],
    offset: NDArray[np.int64],
    edges: NDArray[np.int32],
    length_m: Floats,
) -> Ways:
    """Join the ways from position to position where one ends on the edge on which the next begins.

    Parameters
    ----------
    fraction
        Of each chosen position on its edge, shape (c,).
    begins
        Positions with which a part begins.
    turned
        Positions on the way to which the vehicle turned around within the edge it came from.
    offset, edges
        Compressed rows: the edges to each position from the one before it, both partly driven edges included.
    length_m
        Of every edge of the network.
    """
    part = np.cumsum(begins) - 1
    rows = np.diff(offset)
    to = np.repeat(np.arange(len(rows)), rows)
    index = np.arange(len(edges))
    first = index == offset[to]
    last = index == offset[to + 1] - 1
    piece_start = np.where(first, fraction[to - 1], 0.0)  # the first position of a part has no way to it
    piece_end = np.where(last, fraction[to], 1.0)
    # Turned around where it was; or further on, where the next position lies there on the way back.
    turning = offset[:-1][turned]
    at = fraction[to[turning] - 1]
    at = np.where(rows[turned] == 2, np.maximum(at, 1.0 - fraction[turned]), at)
    piece_end[turning], piece_start[turning + 1] = at, 1.0 - at
    opens = np.ones(len(edges), dtype=bool)
    opens[1:] = ~first[1:] | (part[to[1:]] != part[to[:-1]])
    opening = np.flatnonzero(opens)
    visit = np.cumsum(opens) - 1
    start = piece_start[opening]
    # Noise may take a position back on its edge: the furthest counts.
    end = np.maximum.reduceat(piece_end, opening) if len(opening) else np.empty(0)
    back = visit[turning + 1]
    start[back] = 1.0 - end[back - 1]
    edge = edges[opening]
    metres = (end - start) * length_m[edge]
    after = np.cumsum(metres)
    before = np.concatenate(([0.0], after[:-1])) if len(after) else after
    # The visit on which a position lies: that of the last piece to it, else of the last before, else of the next after.
    visit_part = part[to[opening]]
    reached = np.concatenate(([-1], visit))[offset[1:]]
    ahead = np.minimum(reached + 1, len(edge) - 1)
    if len(edge):
        lies = np.where((reached >= 0) & (visit_part[reached] == part), reached, ahead)
        on_way = visit_part[lies] == part
        along = np.clip(fraction - start[lies], 0.0, end[lies] - start[lies]) * length_m[edge[lies]]
        still = np.concatenate(([0.0], after))[reached + 1]  # a part that never leaves its position
        fix_m = np.where(on_way, before[lies] + along, still)
    else:
        fix_m = np.zeros(len(fraction))
    return Ways(
        edge=edge,
        start=start,
        end=end,
        metres=metres,
        part=visit_part,
        after_m=after,
        fix_m=fix_m,
        fix_part=part,
        piece_offset=offset,
        piece_visit=visit,
        piece_start=piece_start,
        piece_end=piece_end,
    )


def without_empty(ways: Ways, length_m: Floats) -> Ways:
    """Leave out edges that were only touched: at whose very end a part begins, or at whose very beginning it ends.

    The pieces keep the old numbers of their visits; what is looked up by them must be looked up before.
    """
    keep = (ways.metres > 0) | (length_m[ways.edge] == 0)
    return replace(
        ways,
        edge=ways.edge[keep],
        start=ways.start[keep],
        end=ways.end[keep],
        metres=ways.metres[keep],
        part=ways.part[keep],
        after_m=ways.after_m[keep],
    )


def crossing_times(
    after_m: Floats, part: NDArray[np.int64], at_s: Floats, at_m: Floats, at_part: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Seconds at which every edge of a trace is entered and left.

    A vehicle that stands where one edge ends and the next begins stands on the first: it waits before the junction.

    Parameters
    ----------
    after_m, part
        Metres driven until each edge is left, counted over all parts, and the edge's part.
    at_s, at_m, at_part
        When the vehicle was how far along its way, rising, with at least one entry for every part.
    """
    if not len(part):
        return np.empty(0), np.empty(0)
    scale = at_m + _APART_M * at_part
    opens = np.searchsorted(at_part, part, side="left")
    closes = np.searchsorted(at_part, part, side="right") - 1
    sought = after_m + _APART_M * part
    j = np.clip(np.searchsorted(scale, sought + _AT_M, side="right") - 1, opens, closes)
    k = np.minimum(j + 1, closes)
    width = scale[k] - scale[j]
    share = np.divide(sought - scale[j], width, out=np.zeros_like(width), where=width > 0)
    leave: Floats = at_s[j] + np.clip(share, 0.0, 1.0) * (at_s[k] - at_s[j])
    first = np.append(True, part[1:] != part[:-1])
    last = np.append(first[1:], True)
    leave[last] = at_s[closes[last]]
    enter = np.concatenate(([0.0], leave[:-1]))
    enter[first] = at_s[opens[first]]
    return enter, leave
