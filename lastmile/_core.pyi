import numpy as np
from numpy.typing import NDArray

UNREACHABLE: int

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

def many_to_many(
    graph: Graph, weight: NDArray[np.int32], length: NDArray[np.float64], points: Positions, threads: int = 1
) -> tuple[NDArray[np.int32], NDArray[np.float32]]: ...
def within(
    graph: Graph, weight: NDArray[np.int32], origins: Positions, targets: Positions, bound: int, threads: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]: ...
def path(
    graph: Graph, weight: NDArray[np.int32], points: Positions, origin: int, target: int
) -> NDArray[np.int32]: ...
