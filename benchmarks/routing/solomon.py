"""Solomon's vehicle routing with time windows: text with a line per customer (Operations Research 35, 1987).

Three conventions: DIMACS (distances and times cut after one decimal, any number of vehicles, distance only),
hierarchical (doubles, fewest vehicles, then distance) and distance (doubles, distance only).
"""

import re
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.routing.instance import Facts, Instance, Measure, Node, Vehicles
from benchmarks.routing.posing import Scale, pose
from lastmile.errors import InputError

CONVENTIONS: Final = ("dimacs", "hierarchical", "distance")
DOUBLES: Final = Scale(distance=10_000, time=10_000, cost=10_000)
_LAYOUT: Final = re.compile(
    r"\s*(?P<name>\S+)\s+VEHICLE\s+NUMBER\s+CAPACITY\s+(?P<count>\d+)\s+(?P<capacity>\d+)\s+CUSTOMER\s+"
    r"CUST NO\.[^\n]*\n(?P<rows>[\s\d.]+)"
)


def read(path: Path, convention: str) -> Instance:
    """Read one instance. The file's number of vehicles never binds: the best known solutions use far fewer.

    Raises
    ------
    InputError
        When the file is not of this format.
    """
    layout = _LAYOUT.fullmatch(path.read_text(encoding="utf-8", errors="replace"))
    if layout is None:
        raise _fault(path, "it does not have Solomon's blocks VEHICLE and CUSTOMER with numbers only")
    try:
        values = np.array([row.split() for row in layout["rows"].splitlines() if row.strip()], dtype=float)
    except ValueError as error:
        raise _fault(path, f"its rows of customers are not alike: {error}") from error
    if values.ndim != 2 or values.shape[1] != 7 or (values[:, 0] != np.arange(len(values))).any():
        raise _fault(path, "its customers are not rows of seven numbers, numbered from 0, the depot")
    measure = Measure(multiplier=10, rounding="down") if convention == "dimacs" else Measure()
    factor = measure.multiplier
    nodes = tuple(
        Node(
            id=int(number),
            x=x,
            y=y,
            delivery=demand,
            window=(ready * factor, due * factor),
            service=service * factor,
        )
        for number, x, y, demand, ready, due, service in values.tolist()
    )
    facts = Facts(
        name=path.stem,
        family="vrptw-100",
        convention=convention,
        nodes=nodes,
        depots=(0,),
        customers=tuple(range(1, len(nodes))),
        vehicles=(
            Vehicles(numbers=tuple(range(1, int(layout["count"]) + 1)), depot=0, capacity=float(layout["capacity"])),
        ),
        measure=measure,
        fewest_vehicles=convention == "hierarchical",
        cost_unit=factor,
    )
    try:
        return pose(facts, Scale() if convention == "dimacs" else DOUBLES)
    except ValueError as error:
        raise _fault(path, str(error)) from error


def _fault(path: Path, cause: str) -> InputError:
    return InputError.single(place=str(path), cause=cause, remedy="name an instance in Solomon's format")
