"""JD Logistics' rounds in Beijing: electric vans, deliveries and pickups, 100 chargers, road metres and minutes.

Zheng, Liu, Ong, Tang: hybrid memetic search for electric vehicle routing with time windows, simultaneous
pickup-delivery and partial recharges, https://github.com/0SliverBullet/EVRP-TW-SPD-HMA. Each van costs
DISPATCHINGCOST, each metre UNITCOST. Capacity and loads are shares with 15 decimals.
"""

import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing.instance import Facts, Instance, Measure, Node, Traction, Vehicles
from benchmarks.routing.posing import Scale, pose
from lastmile.errors import InputError

_SCALE: Final = Scale(time=60, load=10**12, energy=1000, cost=1000)  # seconds, watt-hours, thousandths of a yuan
_HEADER: Final = ["ID,type,lng,lat,delivery,pickup,first_receive_tm,last_receive_tm,service_time"]
_TABLE: Final = ["ID,from_node,to_node,distance,spend_tm"]


def read(path: Path) -> Instance:
    """Read one instance. Ids are the numbers of the file's column ID.

    Raises
    ------
    InputError
        When the file is not of this format.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    parts = re.split(r"^(NODE|DISTANCETIME|DEPOT)_SECTION\s*$", text, flags=re.MULTILINE)
    if parts[1::2] != ["NODE", "DISTANCETIME", "DEPOT"]:
        raise _fault(path, "it does not have NODE, DISTANCETIME and DEPOT sections in this sequence")
    head = dict(_entry(path, line) for line in parts[0].splitlines() if line.strip())
    nodes, kinds = _nodes(path, parts[2])
    if parts[6].split() != [str(nodes[depot].id) for depot in kinds["d"]] or len(kinds["d"]) != 1:
        raise _fault(path, f"DEPOT_SECTION names {parts[6].split()}, not the one node of type d")
    distances, times = _tables(path, parts[4], [node.id for node in nodes])
    try:
        vehicles = Vehicles(
            numbers=tuple(range(1, int(head["VEHICLES"]) + 1)),
            depot=kinds["d"][0],
            capacity=float(head["CAPACITY"]),
            fixed=float(head["DISPATCHINGCOST"]),
            per_distance=float(head["UNITCOST"]),
        )
        traction = Traction(
            capacity=float(head["ELECTRIC_POWER"]),
            per_distance=float(head["CONSUMPTION_RATE"]),
            time_per_energy=float(head["RECHARGING_RATE"]),
            full_only=False,
        )
    except (KeyError, ValueError) as error:
        raise _fault(path, f"its head lacks a number: {error}") from error
    facts = Facts(
        name=path.stem,
        family="evrptwspd-jd",
        nodes=nodes,
        depots=tuple(kinds["d"]),
        customers=tuple(kinds["c"]),
        chargers=tuple(kinds["f"]),
        vehicles=(vehicles,),
        measure=Measure(distances=distances, times=times),
        traction=traction,
    )
    try:
        return pose(facts, _SCALE)
    except ValueError as error:
        raise _fault(path, str(error)) from error


def _entry(path: Path, line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    if not colon:
        raise _fault(path, f"its head has {line.strip()!r}, not KEY : VALUE")
    return key.strip(), value.strip()


def _nodes(path: Path, block: str) -> tuple[tuple[Node, ...], dict[str, list[int]]]:
    lines = block.split()
    if lines[:1] != _HEADER:
        raise _fault(path, f"NODE_SECTION does not begin with {_HEADER[0]}")
    nodes: list[Node] = []
    kinds: dict[str, list[int]] = {"d": [], "c": [], "f": []}
    for line in lines[1:]:
        try:
            identifier, kind, *rest = line.split(",")
            x, y, delivery, pickup, first, last, service = map(float, rest)
            kinds[kind].append(len(nodes))
            nodes.append(
                Node(
                    id=int(identifier),
                    x=x,
                    y=y,
                    delivery=delivery,
                    pickup=pickup,
                    window=(first, last),
                    service=service,
                )
            )
        except (ValueError, KeyError) as error:
            raise _fault(path, f"NODE_SECTION has {line!r}: {error}") from error
    if len({node.id for node in nodes}) != len(nodes) or len(kinds["d"]) != 1:
        raise _fault(path, "NODE_SECTION names a node twice, or has not one depot")
    opened = nodes[kinds["d"][0]].window
    if any(nodes[charger].window != opened or nodes[charger].service for charger in kinds["f"]):
        raise _fault(path, "a charger has hours or a service time of its own")
    return tuple(nodes), kinds


def _tables(path: Path, block: str, ids: list[int | str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lines = block.split()
    if lines[:1] != _TABLE:
        raise _fault(path, f"DISTANCETIME_SECTION does not begin with {_TABLE[0]}")
    try:
        rows = np.array([line.split(",") for line in lines[1:]], dtype=float)
        place = {identifier: index for index, identifier in enumerate(ids)}
        start = [place[int(identifier)] for identifier in rows[:, 1]]
        end = [place[int(identifier)] for identifier in rows[:, 2]]
    except (ValueError, KeyError, IndexError) as error:
        raise _fault(path, f"DISTANCETIME_SECTION has a row that cannot be read: {error}") from error
    distances = np.full((len(ids), len(ids)), np.nan)
    np.fill_diagonal(distances, 0.0)
    times = distances.copy()
    distances[start, end] = rows[:, 3]
    times[start, end] = rows[:, 4]
    if np.isnan(distances).any() or np.isnan(times).any() or min(distances.min(), times.min()) < 0:
        raise _fault(path, "DISTANCETIME_SECTION does not have a distance and a time for every pair of nodes")
    return distances, times


def _fault(path: Path, cause: str) -> InputError:
    return InputError.single(place=str(path), cause=cause, remedy="name an instance in the EVRP-TW-SPD format")
