"""Who walks how far: of the receivers who live at a distance from a site, the share that would fetch parcels there.

References
----------
.. [1] Church, Roberts (1983). Generalized coverage models and public facility location.
       doi:10.1111/j.1435-5597.1983.tb00802.x
.. [2] Berman, Krass, Drezner (2003). The gradual covering decay location problem on a network.
       doi:10.1016/S0377-2217(02)00604-5
"""

import numpy as np
from numpy.typing import NDArray

from lastmile.scenario import Facility


def walk_share(facility: Facility, metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share that walks so far to such a site, between 0 and 1.

    Between the points of ``walk_shares`` it is linear, up to the first it is the first's, and beyond the last or
    ``reach_m`` it is 0. A facility without points is used by all within its reach.
    """
    within = metres <= facility.reach_m
    if not facility.walk_shares:
        return within.astype(np.float64)
    far, share = np.array(facility.walk_shares).T
    found: NDArray[np.float64] = np.where(within, np.interp(metres, far, share, right=0.0), 0.0)
    return found
