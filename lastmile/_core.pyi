from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

UNREACHABLE: int
MISSING_PLACE: int

class Graph:
    def __init__(self, first_out: NDArray[np.int32], head: NDArray[np.int32]) -> None: ...
    @property
    def nodes(self) -> int: ...
    @property
    def edges(self) -> int: ...

class Positions:
    def __init__(
        self, forward: NDArray[np.int32], backward: NDArray[np.int32], fraction: NDArray[np.float64]
    ) -> None: ...
    def __len__(self) -> int: ...

class Hierarchy:
    def __init__(self, graph: Graph, x: NDArray[np.float64], y: NDArray[np.float64], threads: int = 1) -> None: ...
    @staticmethod
    def from_order(graph: Graph, order: NDArray[np.int32]) -> Hierarchy: ...
    @property
    def order(self) -> NDArray[np.int32]: ...
    @property
    def nodes(self) -> int: ...
    @property
    def arcs(self) -> int: ...

class Metric:
    def __init__(
        self, hierarchy: Hierarchy, time: NDArray[np.int32], length: NDArray[np.int32], energy: NDArray[np.int32]
    ) -> None: ...
    def copy(self) -> Metric: ...
    def update(
        self,
        edges: NDArray[np.int32],
        time: NDArray[np.int32],
        length: NDArray[np.int32],
        energy: NDArray[np.int32],
    ) -> int: ...
    @property
    def up(self) -> NDArray[np.int32]: ...
    @property
    def down(self) -> NDArray[np.int32]: ...

def many_to_many(
    graph: Graph, metric: Metric, points: Positions, threads: int = 1
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]: ...
def travel_tables(
    graph: Graph, metric: Metric, points: Positions, threads: int = 1
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]: ...
def unmarked_paths(graph: Graph, metric: Metric, points: Positions, threads: int = 1) -> NDArray[np.bool_]: ...
def within(
    graph: Graph, weight: NDArray[np.int32], origins: Positions, targets: Positions, bound: int, threads: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]: ...
def path(graph: Graph, metric: Metric, points: Positions, origin: int, target: int) -> NDArray[np.int32]: ...
def strong_components(graph: Graph, open: NDArray[np.uint8] | NDArray[np.bool_]) -> NDArray[np.int32]: ...  # noqa: A002
def blob_header(message: bytes) -> tuple[bytes, int]: ...
def blob(message: bytes) -> tuple[str, int, int, int]: ...
def file_header(message: bytes) -> tuple[list[str], str]: ...
def holds_ways(block: bytes) -> bool: ...

class WayReader:
    def __init__(
        self,
        filters: list[tuple[str, list[str] | None]],
        keys: list[str],
        suffixes: list[str],
        relation: tuple[str, str],
        history: bool,
    ) -> None: ...
    def read(self, block: bytes) -> bool: ...
    def finish(self) -> dict[str, Any]: ...

class NodeReader:
    def __init__(self, references: NDArray[np.int64], keys: list[str], history: bool) -> None: ...
    def read(self, block: bytes) -> bool: ...
    def places(self, references: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]: ...
    def tagged(self) -> tuple[NDArray[np.int64], NDArray[np.int32], tuple[dict[str, str], ...]]: ...

def match(
    graph: Graph,
    weight: NDArray[np.int32],
    reverse: NDArray[np.int32],
    *,
    trace: NDArray[np.int64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    second: NDArray[np.float64],
    deviation: NDArray[np.float64],
    offset: NDArray[np.int64],
    edge: NDArray[np.int32],
    fraction: NDArray[np.float64],
    distance: NDArray[np.float64],
    beta: float,
    beta_per_deviation: float,
    beta_per_metre: float,
    excess: float,
    speed: float,
    slack: float,
    backtrack: float,
    turn: float,
    skip: int,
    threads: int = 1,
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int32]]: ...

class Location:
    def __init__(
        self,
        *,
        site: NDArray[np.int32],
        customer: NDArray[np.int32],
        cost: NDArray[np.int64],
        opening: NDArray[np.int64],
        unserved: NDArray[np.int64],
        standing: NDArray[np.uint8],
        capacity: NDArray[np.float64],
        amount: NDArray[np.float64],
        everyone: bool,
        kind: NDArray[np.int32],
        most: NDArray[np.int32],
    ) -> None: ...

class LocationSearch:
    def __init__(self, location: Location, seed: int) -> None: ...
    def start(self, sites: NDArray[np.int32]) -> None: ...
    def run(
        self,
        iterations: int,
        *,
        closed: int,
        blink: float,
        hot: float,
        cold: float,
        begin: float,
        end: float,
    ) -> None: ...
    @property
    def sites(self) -> NDArray[np.int32]: ...
    @property
    def cost(self) -> int: ...

class CoveringSearch:
    def __init__(self, location: Location, seed: int) -> None: ...
    def start(self, sites: NDArray[np.int32]) -> None: ...
    def run(self, iterations: int, *, hot: float, cold: float, begin: float, end: float) -> None: ...
    @property
    def sites(self) -> NDArray[np.int32]: ...
    @property
    def cost(self) -> int: ...

class LocationBound:
    def __init__(self, location: Location) -> None: ...
    def decide(self, sites: NDArray[np.int8], prices: NDArray[np.float64]) -> None: ...
    def run(self, steps: int, target: int) -> None: ...
    @property
    def bound(self) -> float: ...
    @property
    def prices(self) -> NDArray[np.float64]: ...
    def forced(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...

class CoveringBound:
    def __init__(self, location: Location) -> None: ...
    def run(self, steps: int, limit: float) -> None: ...
    def cut(self) -> None: ...
    @property
    def bound(self) -> float: ...
    @property
    def missing(self) -> float: ...
    @property
    def sets(self) -> int: ...
    def forced(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...

class CoveringTree:
    def __init__(self, location: Location, decided: NDArray[np.int8]) -> None: ...
    def grow(self, visits: int, limit: float) -> None: ...
    @property
    def bound(self) -> float: ...
    @property
    def sites(self) -> NDArray[np.int32]: ...
    @property
    def cost(self) -> int: ...

class RoutingCore:
    def __init__(
        self,
        *,
        locations: int,
        dimensions: int,
        profiles: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32] | None]],
        vehicles: list[dict[str, object]],
        visit: NDArray[np.int64],
        windows: NDArray[np.int32],
        request: NDArray[np.int64],
        delivered: NDArray[np.int64],
        gained: NDArray[np.int64],
        capacity: NDArray[np.int64],
        allowed: NDArray[np.uint8],
        pools: list[int],
        chargers: list[int],
    ) -> None: ...
    def solve(
        self,
        *,
        seconds: float,
        iterations: int,
        seed: int,
        threads: int,
        fewest_vehicles: bool,
        start: list[tuple[int, list[list[int]], list[int], int]],
        poll: Callable[[float, int, int, int, int], bool],
    ) -> tuple[
        list[tuple[int, list[list[int]], list[int], int, int]],
        list[tuple[int, list[list[int]], list[int], int, int]],
        int,
        Literal["iterations", "time", "interrupted"],
    ]: ...
    @property
    def prices(self) -> list[int]: ...
    def schedule(
        self, tour: tuple[int, list[list[int]], list[int], int]
    ) -> tuple[list[tuple[float, float, int, list[tuple[int, int, int, float, float, float]]]], int] | None: ...

class Charging:
    def __init__(
        self,
        duration_s: NDArray[np.int32],
        distance_m: NDArray[np.int32],
        energy_wh: NDArray[np.int32] | None,
        *,
        places: NDArray[np.int32],
        chargers: NDArray[np.int32],
        capacity_wh: float,
        reserve_wh: float,
        wh_per_m: float,
        wh_per_m_load: float,
        seconds_per_wh: float,
        full_only: bool,
        fen_per_m: float,
        fen_per_s: float,
        max_load: float,
        ways: int = 6,
        labels: int = 16,
    ) -> None: ...
    @property
    def bytes(self) -> int: ...
    def least(self, origin: int, target: int) -> tuple[int, int]: ...
    def drive(
        self, origin: int, steps: ChargingSteps, ready: float, due: float, limit: float = ...
    ) -> tuple[float, float, float] | None: ...
    def exact(
        self, origin: int, steps: ChargingSteps, ready: float, due: float
    ) -> tuple[float, float, float] | None: ...
    def schedule(
        self, origin: int, steps: ChargingSteps, ready: float, due: float
    ) -> tuple[int, float, float, list[tuple[int, int, float, float, float]]] | None: ...
    def insertions(
        self,
        origin: int,
        steps: ChargingSteps,
        stop: ChargingSteps,
        ready: float,
        due: float,
        limit: float = ...,
    ) -> list[tuple[float, float, float] | None]: ...

class ChargingSteps:
    def __init__(
        self,
        *,
        place: NDArray[np.int32],
        window_offset: NDArray[np.int64],
        window_s: NDArray[np.int32],
        service_s: NDArray[np.float64],
        load: NDArray[np.float64],
    ) -> None: ...
