"""Why a distance differs: the smallest set of causes that must be lifted for both programs to agree.

A cause is tried, not guessed: those of the map are lifted from the map that lastmile reads again, those of osmnx's
graph from that graph, and the distance is computed anew. Where everything lifted makes the two agree, causes are taken
back one by one while they still agree; what remains is needed.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.distances.lifts import LIFTS, lift
from benchmarks.distances.ours import VanNetwork, place_key
from benchmarks.distances.street_map import StreetMap, read_map
from benchmarks.distances.theirs import CHANGES, OsmnxGraph

TOLERANCE: Final = 0.01
ALL: Final = (*CHANGES, *LIFTS)


def agree(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether distances are within one per cent of each other, or neither exists."""
    with np.errstate(invalid="ignore"):
        close = np.abs(ours - theirs) <= TOLERANCE * theirs
    same: NDArray[np.bool_] = close | (np.isinf(ours) & np.isinf(theirs))
    return same


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One pair whose distances differ.

    ``causes`` is empty where nothing that was tried explains it; ``objects`` are the objects on the paths that the
    causes of the map touch, with what they carry.
    """

    origin: int
    target: int
    ours_m: float
    theirs_m: float
    causes: tuple[str, ...]
    objects: tuple[str, ...]

    @property
    def category(self) -> str:
        """The causes together."""
        return " + ".join(self.causes) or "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both programs' distances between the same pairs of nodes."""

    pairs: int
    common_nodes: int
    unreachable_in_both: int
    ours_km: float
    theirs_km: float
    differences: tuple[Difference, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Pairs by category, most frequent first."""
        return dict(Counter(one.category for one in self.differences).most_common())

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """Differences without a cause."""
        return tuple(one for one in self.differences if not one.causes)


def compare(path: Path, pairs: int, *, seed: int = 1) -> Comparison:
    """Compare distances between pairs of nodes drawn at random from those that both networks have."""
    town = read_map(path)
    with tempfile.TemporaryDirectory() as folder:
        trial = _Trial(town, Path(folder))
        theirs = trial.theirs
        common = np.intersect1d(trial.ours(frozenset()).nodes, theirs.nodes)
        random = np.random.default_rng(seed)
        ends = np.array([random.choice(common, 2, replace=False) for _ in range(pairs)], dtype=np.int64)
        ours_m, theirs_m = trial.ours(frozenset()).distances(ends), theirs.distances(ends)
        same = agree(ours_m, theirs_m)
        both = np.isfinite(ours_m) & np.isfinite(theirs_m)
        return Comparison(
            pairs=pairs,
            common_nodes=len(common),
            unreachable_in_both=int((np.isinf(ours_m) & np.isinf(theirs_m)).sum()),
            ours_km=float(ours_m[both].sum() / 1000),
            theirs_km=float(theirs_m[both].sum() / 1000),
            differences=trial.explain(ends[~same], ours_m[~same], theirs_m[~same]),
        )


class _Trial:
    """Distances with any set of causes lifted; every set is tried once, for all pairs."""

    def __init__(self, town: StreetMap, folder: Path) -> None:
        self._town = town
        self._folder = folder
        self._networks: dict[frozenset[str], VanNetwork] = {}
        self._touched: dict[frozenset[str], dict[str, dict[str, str]]] = {}
        self._agrees: dict[frozenset[str], NDArray[np.bool_]] = {}
        self.theirs = OsmnxGraph(town, folder)

    def ours(self, causes: frozenset[str]) -> VanNetwork:
        """lastmile's network with the map's causes among them lifted."""
        causes &= frozenset(LIFTS)
        if causes not in self._networks:
            altered, self._touched[causes] = lift(self._town, causes)
            self._networks[causes] = VanNetwork(altered, self._folder)
        return self._networks[causes]

    def explain(
        self, pairs: NDArray[np.int64], ours_m: NDArray[np.float64], theirs_m: NDArray[np.float64]
    ) -> tuple[Difference, ...]:
        """Find the causes of every pair."""
        self._agrees.clear()

        def meets(causes: frozenset[str], index: int) -> bool:
            if causes not in self._agrees:
                found = self.ours(causes).distances(pairs), self.theirs.distances(pairs, causes & frozenset(CHANGES))
                self._agrees[causes] = agree(*found)
            return bool(self._agrees[causes][index])

        differences = []
        for index, (origin, target) in enumerate(pairs.tolist()):
            causes = frozenset(ALL)
            if not meets(causes, index):
                causes = frozenset()
            else:
                for cause in ALL:
                    if meets(causes - {cause}, index):
                        causes -= {cause}
            differences.append(
                Difference(
                    origin=origin,
                    target=target,
                    ours_m=float(ours_m[index]),
                    theirs_m=float(theirs_m[index]),
                    causes=tuple(cause for cause in ALL if cause in causes),
                    objects=self._objects((origin, target), causes),
                )
            )
        return tuple(differences)

    def _objects(self, pair: tuple[int, int], causes: frozenset[str]) -> tuple[str, ...]:
        """What the causes touch on the path before or after they are lifted."""
        lifted = self.ours(causes)
        ways, places = lifted.leads_over(pair)
        ways_before, places_before = self.ours(frozenset()).leads_over(pair)
        ways, places = ways | ways_before, places | places_before
        found = []
        for touched in self._touched[causes & frozenset(LIFTS)].values():
            for name, said in touched.items():
                kind, _, number = name.partition("/")
                if self._is_on(kind, int(number), ways, places):
                    found.append(f"{name} ({said})")
        return tuple(found)

    def _is_on(self, kind: str, number: int, ways: set[int], places: set[tuple[float, float]]) -> bool:
        if kind == "way":
            return number in ways
        if kind == "node":
            node = self._town.nodes[number]
            return place_key(node.lon, node.lat) in places
        # Where a rule says "only", the path that it forbids leads anywhere but to its last member.
        kinds = {"w": "way", "n": "node"}
        return all(
            one in kinds and self._is_on(kinds[one], ref, ways, places)
            for one, ref, role in self._town.relations[number].members
            if role in ("from", "via")
        )
