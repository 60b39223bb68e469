"""What driving an edge takes from the battery: a part for the empty vehicle, and a part for every kilogram aboard.

Flat model: kWh per kilometre and per ton-kilometre. With ``battery.physics``, longitudinal dynamics at the edge's
moving speed v, for mass m = curb + load, length L, ascent h, descent d, n signals, time t (delays included):

    ((c_r m g + rho CdA v^2 / 2) L + m g h) / efficiency - regeneration m g d      rolling, air, slope
    + n STOP_SHARE m v^2 / 2 (1 / efficiency - regeneration)                       stops at signals
    + auxiliaries t

as in Bektas & Laporte (2011), doi:10.1016/j.trb.2011.02.004, and Goeke & Schneider (2015),
doi:10.1016/j.ejor.2015.01.049. All of it is linear in m. Two things are simpler than there, both on the side of
caution. A descent gives back ``regeneration`` of its whole height, while rolling and air are paid in full: the truth,
in which the slope first pays for these, is never more, since regeneration <= 1 / efficiency. And the cosine of the
slope is 1. Regeneration is energy that reaches the battery.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.elevation import Climbs
from lastmile.geo.network import RoadNetwork
from lastmile.scenario import Battery, Physics

GRAVITY: Final = 9.81  # m/s2
AIR_KG_M3: Final = 1.2041  # at 20 degrees (Goeke & Schneider 2015)
STOP_SHARE: Final = 0.5  # part of the signals at which a vehicle stops [est.]

_J_PER_WH: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EdgeEnergy:
    """Energy per edge, end to end.

    Parameters
    ----------
    empty_wh, wh_per_kg
        float64, shape (edges,): of the empty vehicle, and what a kilogram of load adds. Below 0 where a descent gives
        more back than the drive takes.
    """

    empty_wh: NDArray[np.float64]
    wh_per_kg: NDArray[np.float64]

    def at_most(self, other: "EdgeEnergy") -> "EdgeEnergy":
        """Per edge the larger of both: enough for either, at any load."""
        return EdgeEnergy(
            empty_wh=np.maximum(self.empty_wh, other.empty_wh), wh_per_kg=np.maximum(self.wh_per_kg, other.wh_per_kg)
        )


def flat_energy(network: RoadNetwork, battery: Battery | None) -> EdgeEnergy:
    """Energy by distance alone; nothing for a vehicle that burns fuel."""
    length = network.edge_length_m
    if battery is None:
        return EdgeEnergy(empty_wh=np.zeros_like(length), wh_per_kg=np.zeros_like(length))
    # 1 kWh/km is 1 Wh/m, and 1 kWh per ton and km is 1 Wh per 1000 kg and m.
    return EdgeEnergy(empty_wh=length * battery.kwh_per_km, wh_per_kg=length * (battery.kwh_per_ton_km / 1000))


def physical_energy(
    network: RoadNetwork,
    physics: Physics,
    *,
    kmh: NDArray[np.float64],
    time_ms: NDArray[np.int32],
    climbs: Climbs | None = None,
) -> EdgeEnergy:
    """Energy by longitudinal dynamics; see the module.

    Parameters
    ----------
    kmh
        float64, shape (edges,): moving speed, from :meth:`lastmile.geo.access.Access.kmh`. Taken as it is and not from
        length over time, whose rounding up to milliseconds is felt on edges of a few centimetres.
    time_ms
        int32, shape (edges,): from end to end, delays included; auxiliaries run that long.
    climbs
        Of the same network; flat where None.

    Notes
    -----
    An edge of no length, as a turn is, takes the auxiliaries' energy only.
    """
    length = network.edge_length_m
    taken, given = 1 / physics.drivetrain_efficiency, physics.regeneration
    squared = np.where(length > 0, kmh / 3.6, 0.0) ** 2
    j_per_kg = physics.rolling_resistance * GRAVITY * length * taken
    j_per_kg += network.edge_signals * STOP_SHARE * squared / 2 * (taken - given)
    if climbs is not None:
        up, down = climbs.along(network)
        j_per_kg += GRAVITY * (up * taken - down * given)
    air = AIR_KG_M3 * physics.drag_area_m2 / 2 * squared * length * taken
    auxiliary = physics.auxiliary_w * (time_ms / 1000)
    return EdgeEnergy(
        empty_wh=(physics.curb_kg * j_per_kg + air + auxiliary) / _J_PER_WH, wh_per_kg=j_per_kg / _J_PER_WH
    )
