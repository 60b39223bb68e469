"""RoutingKit's customizable contraction hierarchies, through the package routingkit-cch: one sum, one thread.

It is given the open edges only, which is less than lastmile's hierarchy holds: ours is made once for all classes.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.roads.peers import absent
from benchmarks.roads.weighted import Weighted
from lastmile import _core

if TYPE_CHECKING:
    import routingkit_cch

NAME: Final = "RoutingKit"
ABSENT: Final = absent("routingkit_cch")
INFINITE: Final = 2_147_483_647


def contract(weighted: Weighted, edges: NDArray[np.bool_] | None = None) -> "routingkit_cch.CCH":
    """Order and contraction of the open edges, or of the edges given."""
    import routingkit_cch

    chosen = weighted.open if edges is None else edges
    tail, head = weighted.tail[chosen].astype(np.uint32), weighted.head[chosen].astype(np.uint32)
    order = routingkit_cch.compute_order_inertial(
        weighted.nodes, tail, head, weighted.lat.astype(np.float32), weighted.lon.astype(np.float32)
    )
    return routingkit_cch.CCH(order, tail, head, False)


def weights(weighted: Weighted, edges: NDArray[np.bool_] | None = None) -> NDArray[np.uint32]:
    """Milliseconds of the same edges, closed ones infinite."""
    chosen = weighted.open if edges is None else edges
    return np.where(weighted.time >= 0, weighted.time, INFINITE)[chosen].astype(np.uint32)


def customize(cch: "routingkit_cch.CCH", weight: NDArray[np.uint32]) -> "routingkit_cch.CCHMetric":
    """Customization from nothing."""
    import routingkit_cch

    return routingkit_cch.CCHMetric(cch, weight)


def updater(cch: "routingkit_cch.CCH") -> Any:
    """What changes the weights of a few edges."""
    import routingkit_cch

    return routingkit_cch.CCHMetricPartialUpdater(cch)


def sweep(metric: "routingkit_cch.CCHMetric", nodes: NDArray[np.int64]) -> list[list[int | None]]:
    """Times between all pairs of nodes, as the package gives them."""
    import routingkit_cch

    pinned = routingkit_cch.CCHOneToMany(metric, nodes.astype(np.uint32))
    return [pinned.distances_from(int(node)) for node in nodes]


def as_table(rows: list[list[int | None]]) -> NDArray[np.int32]:
    """The same times in lastmile's form."""
    return np.array([[_core.UNREACHABLE if one is None else one for one in row] for row in rows], dtype=np.int32)
