"""How fast traffic moves at each moment, from the speed table's documentation."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lastmile.geo.junctions import LEFT, RIGHT, U_TURN
from lastmile.geo.network import RoadNetwork
from lastmile.geo.speeds import CAR_KMH, REGIMES, TRIKE_FACTOR, TRIKE_LIMIT_KMH, TRUCK_FACTOR, Regime
from lastmile.geo.tags import ROAD_CLASSES, Mode
from lastmile.scenario import Speeds
from lastmile.units import DAY_S, parse_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One edge of a drive: its share that is driven, when it is entered and left (milliseconds after midnight)."""

    edge: int
    share: float
    enter_ms: float
    leave_ms: float


class Traffic:
    """Milliseconds per edge for every mode and regime of traffic, and the regimes of the day."""

    def __init__(self, network: RoadNetwork, speeds: Speeds, measured: Any = None) -> None:
        self._network = network
        self._speeds = speeds
        self._measured = [] if measured is None else measured.to_dict("records")
        self._times: dict[tuple[Mode, Regime], list[int]] = {}
        self._regimes = _regimes(speeds)

    def times_ms(self, mode: Mode, regime: Regime) -> list[int]:
        """Milliseconds to drive every edge from end to end."""
        if (mode, regime) not in self._times:
            self._times[mode, regime] = self._edge_times(mode, regime).tolist()
        return self._times[mode, regime]

    def _edge_times(self, mode: Mode, regime: Regime) -> NDArray[np.int64]:
        network, column = self._network, REGIMES.index(regime)
        kmh = np.zeros(network.segments)
        for code, name in enumerate(ROAD_CLASSES):
            named = self._speeds.kmh.get(name) or CAR_KMH[name]
            kmh[network.segment_road == code] = named[column]
        posted = network.segment_max_kmh.astype(np.float64)
        kmh = np.where((posted > 0) & (posted < kmh), posted, kmh)[network.edge_segment]
        for row in self._measured:
            if not row["vehicle_class"] and row["period"] in ("all", regime):
                kmh[self._edges_of(row)] = np.float32(row["kmh"])
        if mode == "e_trike":
            kmh = np.minimum(kmh, TRIKE_LIMIT_KMH) * TRIKE_FACTOR
        elif mode in ("truck_light", "truck_medium"):
            kmh = kmh * TRUCK_FACTOR
        for row in self._measured:
            if row["vehicle_class"] == mode and row["period"] in ("all", regime):
                kmh[self._edges_of(row)] = np.float32(row["kmh"])
        whole = np.ceil(network.segment_length_m[network.edge_segment] / kmh * 3600 + self.delays_s() * 1000)
        return np.maximum(whole, 1).astype(np.int64)

    def _edges_of(self, row: dict[str, Any]) -> NDArray[np.bool_]:
        """The edges that a row of measured speeds speaks of."""
        network = self._network
        there: NDArray[np.bool_] = np.zeros(network.edges, dtype=bool)
        if pd.notna(row["edge_id"]):
            there[int(row["edge_id"])] = True
            return there
        there |= network.segment_way[network.edge_segment] == row["way_id"]
        if row["direction"] != "both":
            there &= network.edge_forward == (row["direction"] == "forward")
        return there

    def delays_s(self) -> NDArray[np.float64]:
        """Seconds lost on every edge at signals, humps and turns."""
        network, speeds = self._network, self._speeds
        lost = network.edge_signals.astype(np.float64) * speeds.signal_s
        lost += network.edge_calming.astype(np.float64) * speeds.calming_s
        turn = network.segment_turn[network.edge_segment]
        for kind, seconds in (
            (LEFT, speeds.left_turn_s), (RIGHT, speeds.right_turn_s), (U_TURN, speeds.u_turn_s)
        ):  # fmt: skip
            lost[turn == kind] += seconds
        return lost

    def drive(self, mode: Mode, edges: tuple[int, ...], shares: list[float], depart_s: float) -> list[Crossing]:
        """Drive along edges from a moment on, at the pace of each moment.

        Where the regime changes inside an edge, the rest of it goes on at the new pace.
        """
        now, span = depart_s * 1000.0, 0
        crossings = []
        for edge, whole in zip(edges, shares, strict=True):
            enter, share = now, whole
            while share > 0:
                until, regime = self._regimes[span]
                if now >= until:
                    span += 1
                    continue
                pace = self.times_ms(mode, regime)[edge]
                if now + share * pace <= until:
                    now += share * pace
                    share = 0.0
                else:
                    share -= (until - now) / pace
                    now = until
            crossings.append(Crossing(edge=edge, share=whole, enter_ms=enter, leave_ms=now))
        return crossings


def _regimes(speeds: Speeds) -> list[tuple[float, Regime]]:
    """The end (milliseconds after midnight) of each stretch of one regime, in order; the last never ends."""
    spans: dict[Regime, list[tuple[int, int]]] = {"peak": [], "night": []}
    for found, texts in ((spans["peak"], speeds.peak), (spans["night"], speeds.night)):
        for text in texts:
            start, end = parse_hours(text)
            found += [(start + day * DAY_S, end + day * DAY_S) for day in range(-2, 4)]

    def regime_at(second: float) -> Regime:
        for regime, found in spans.items():
            if any(start <= second < end for start, end in found):
                return regime
        return "free"

    cuts = sorted({second for found in spans.values() for span in found for second in span})
    if not cuts:
        return [(math.inf, "free")]
    before: list[tuple[float, Regime]] = [(cuts[0] * 1000.0, regime_at(cuts[0] - 1))]
    between = [(b * 1000.0, regime_at(a)) for a, b in pairwise(cuts)]
    return [*before, *between, (math.inf, regime_at(cuts[-1]))]
