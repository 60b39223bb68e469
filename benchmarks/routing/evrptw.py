"""Electric vehicle routing with time windows and recharging stations.

Schneider, Stenger, Goeke (2014), Transportation Science 48(4), doi:10.1287/trsc.2013.0490: batteries are charged full
at every visit. Keskin, Çatay (2016), Transportation Research C 65, doi:10.1016/j.trc.2016.01.013: as much as one likes.
Doubles; fewest vehicles, then distance.
"""

import re
from pathlib import Path
from typing import Final

from benchmarks.routing.instance import Facts, Instance, Measure, Node, Traction, Vehicles
from benchmarks.routing.posing import pose
from benchmarks.routing.solomon import DOUBLES
from lastmile.errors import InputError

CONVENTIONS: Final = ("partial", "full")
_PARAMETER: Final = re.compile(r"(?P<letter>[QCrgv])\s[^/]*/(?P<value>[\d.]+)/\s*")
_HEADER: Final = ["StringID", "Type", "x", "y", "demand", "ReadyTime", "DueDate", "ServiceTime"]


def read(path: Path, convention: str) -> Instance:
    """Read one instance; ``convention`` says how batteries are charged. Ids are the file's strings.

    The depot charges only where the file has a station there.

    Raises
    ------
    InputError
        When the file is not of this format.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or lines[0].split() != _HEADER:
        raise _fault(path, 1, f"its first line is not {' '.join(_HEADER)}")
    nodes: list[Node] = []
    kinds: dict[str, list[int]] = {"d": [], "f": [], "c": []}
    parameters: dict[str, float] = {}
    for row, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        if parameter := _PARAMETER.fullmatch(line):
            parameters[parameter["letter"]] = float(parameter["value"])
            continue
        fields = line.split()
        try:
            identifier, kind = fields[:2]
            x, y, demand, ready, due, service = map(float, fields[2:])
            kinds[kind].append(len(nodes))
        except (ValueError, KeyError) as error:
            raise _fault(path, row, f"it is neither a node nor a parameter: {line.strip()!r}") from error
        nodes.append(Node(id=identifier, x=x, y=y, delivery=demand, window=(ready, due), service=service))
    if sorted(parameters) != sorted("QCrgv") or len(kinds["d"]) != 1 or len({node.id for node in nodes}) != len(nodes):
        raise _fault(path, len(lines), "it needs one depot, ids that differ, and the parameters Q, C, r, g and v")
    depot = nodes[kinds["d"][0]]
    for charger in kinds["f"]:
        station = nodes[charger]
        if station.window[0] > depot.window[0] or station.window[1] < depot.window[1] or station.service:
            raise _fault(path, charger + 2, f"station {station.id} has hours or a service time of its own")
    facts = Facts(
        name=path.stem,
        family="evrptw",
        convention=convention,
        nodes=tuple(nodes),
        depots=tuple(kinds["d"]),
        customers=tuple(kinds["c"]),
        chargers=tuple(kinds["f"]),
        vehicles=(
            Vehicles(
                numbers=tuple(range(1, max(1, len(kinds["c"])) + 1)), depot=kinds["d"][0], capacity=parameters["C"]
            ),
        ),
        measure=Measure(speed=parameters["v"]),
        traction=Traction(
            capacity=parameters["Q"],
            per_distance=parameters["r"],
            time_per_energy=parameters["g"],
            full_only=convention == "full",
        ),
        fewest_vehicles=True,
    )
    try:
        return pose(facts, DOUBLES)
    except (ValueError, ZeroDivisionError) as error:
        raise _fault(path, 1, str(error)) from error


def _fault(path: Path, row: int, cause: str) -> InputError:
    return InputError.single(place=f"{path}, line {row}", cause=cause, remedy="name an instance in the E-VRPTW format")
