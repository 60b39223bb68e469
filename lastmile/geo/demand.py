"""Parcels of the planned day: from a table of orders, or made from population, residential areas and buildings."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.plan import Channel

NONE: Final = -1  # in integer columns: not stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Orders of one day, as columns of length n.

    Parameters
    ----------
    channels
        Per order the channels its receiver has agreed to, best first.
    lon, lat
        Degrees, WGS-84, of the receiver's place.
    parcels, pickups
        int32, delivered and collected.
    weight_g, volume_cm3
        int64, of the delivered parcels together.
    window_start_s, window_end_s
        int32, in which service at the door must begin.
    service_s
        int32, time at the door; ``NONE`` where the scenario's service times hold.
    release_s
        int32, when the parcels are at the base.
    on_board_s
        int32, longest time between leaving the base and delivery, ``NONE`` without limit.
    price_fen
        int64, what leaving the order out costs; ``NONE``: it must be served.
    notes
        How the demand came about and what was assumed, for the report.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    district: tuple[str, ...]
    channels: tuple[tuple[Channel, ...], ...]
    skill: tuple[str, ...]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    parcels: NDArray[np.int32]
    pickups: NDArray[np.int32]
    weight_g: NDArray[np.int64]
    volume_cm3: NDArray[np.int64]
    window_start_s: NDArray[np.int32]
    window_end_s: NDArray[np.int32]
    service_s: NDArray[np.int32]
    release_s: NDArray[np.int32]
    on_board_s: NDArray[np.int32]
    price_fen: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.id)
