"""VRPLIB files and their dialect with sections for fleets, releases, prizes and groups, read with the package vrplib.

The dialect is that of https://github.com/PyVRP/Instances (PyVRP's documentation, "Supported VRPLIB fields").
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import vrplib
from numpy.typing import NDArray

from benchmarks.routing.instance import Facts, Instance, Measure, Node, Vehicles
from benchmarks.routing.posing import Scale, pose
from lastmile.errors import InputError

_DIMACS: Final = Measure(multiplier=10, rounding="down")
_THOUSANDTHS: Final = Measure(multiplier=1000, rounding="nearest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a family's convention makes of the numbers of its files.

    Parameters
    ----------
    cost_unit
        Units of the instance in one unit of the published costs.
    """

    type: str
    measure: Measure
    cost_unit: float = 1.0


# Ten units in one of the file where distances are cut after one decimal, a thousand where they are kept to three.
# Costs are published in the file's units for vrptw, in 100,000ths for hfvrp (its costs are hundredfold already), else
# in the instance's.
DIALECTS: Final = {
    "cvrp": Dialect(type="CVRP", measure=Measure(rounding="nearest")),
    "cvrp-large": Dialect(type="CVRP", measure=Measure(rounding="nearest")),
    "vrptw-1000": Dialect(type="VRPTW", measure=_DIMACS, cost_unit=10),
    "mdvrptw": Dialect(type="MDVRPTW", measure=_THOUSANDTHS),
    "sdvrptw": Dialect(type="SDVRPTW", measure=_THOUSANDTHS),
    "hfvrp": Dialect(type="HFVRP", measure=_THOUSANDTHS, cost_unit=100_000),
    "mtvrptw": Dialect(type="MTVRPTWR", measure=_DIMACS),
    "pcvrptw": Dialect(type="PCVRPTW", measure=_DIMACS),
    "gvrp": Dialect(type="GVRP", measure=Measure(rounding="nearest")),
}
_KNOWN: Final = frozenset(
    {
        *("name", "type", "comment", "dimension", "edge_weight_type", "vehicles", "capacity", "service_time"),
        *("node_coord", "demand", "time_window", "depot", "release_time", "prize", "mutually_exclusive_group"),
        *("vehicles_depot", "vehicles_max_duration", "vehicles_allowed_clients", "vehicles_reload_depot"),
        *("vehicles_fixed_cost", "vehicles_unit_distance_cost"),
    }
)


def read(path: Path, family: str) -> Instance:
    """Read one instance of a family of :data:`DIALECTS`.

    Raises
    ------
    InputError
        When the file is not of the family's format.
    """
    dialect = DIALECTS[family]
    content = _content(path)
    found = str(content.get("type", "")).strip()
    if found != dialect.type:
        raise _fault(path, f"its type is {found!r}, not {dialect.type}", f"name the family that {path.name} is of")
    try:
        return pose(_Reader(path, family, dialect, content).facts(), Scale())
    except ValueError as error:
        raise _fault(path, str(error), "mend the file") from error


def _content(path: Path) -> dict[str, Any]:
    try:
        _check_numbering(path.read_text(encoding="utf-8"))
        content = dict(vrplib.read_instance(path, compute_edge_weights=False))
    except (ValueError, RuntimeError, IndexError, TypeError, KeyError, UnicodeDecodeError) as error:
        raise _fault(
            path, f"it is no VRPLIB file: {error}", "name a file with KEY : VALUE lines and sections"
        ) from error
    if unknown := sorted(set(content) - _KNOWN):
        raise _fault(path, f"it has {unknown[0].upper()}, a rule that is not known here", "leave the instance out")
    if content.get("edge_weight_type") != "EUC_2D":
        raise _fault(path, f"EDGE_WEIGHT_TYPE is {content.get('edge_weight_type')!r}, not EUC_2D", "leave it out")
    return content


def _check_numbering(text: str) -> None:
    """Rows of every section are numbered from 1: the package drops these numbers unread."""
    section, expected = "", 0
    for line in text.splitlines():
        words = line.split()
        if words and words[0].rstrip(":").endswith("_SECTION"):
            section, expected = words[0], 1
        elif words and section and words[0] != "EOF" and not section.startswith("DEPOT"):
            if words[0] != str(expected):
                raise ValueError(f"{section} has a row {words[0]} where row {expected} is expected")
            expected += 1


def _fault(path: Path, cause: str, remedy: str) -> InputError:
    return InputError.single(place=str(path), cause=cause, remedy=remedy)


class _Reader:
    """The sections of one file, each checked for its length."""

    def __init__(self, path: Path, family: str, dialect: Dialect, content: dict[str, Any]) -> None:
        self.path, self.family, self.dialect, self.content = path, family, dialect, content
        self.multiplier = dialect.measure.multiplier
        self.count = int(self._number("dimension"))
        self.depots = tuple(int(depot) for depot in np.atleast_1d(content.get("depot", [0])))
        if self.depots != tuple(range(len(self.depots))) or not self.depots:
            raise ValueError(f"its depots are nodes {[depot + 1 for depot in self.depots]}, not the first of the file")

    def facts(self) -> Facts:
        """All that the file says."""
        nodes = self._nodes()
        return Facts(
            name=self.path.stem,
            family=self.family,
            nodes=nodes,
            depots=self.depots,
            customers=tuple(range(len(self.depots), self.count)),
            vehicles=self._vehicles(),
            measure=self.dialect.measure,
            clusters=self._clusters(),
            cost_unit=self.dialect.cost_unit,
        )

    def _number(self, key: str) -> float:
        value = self.content.get(key)
        if not isinstance(value, int | float) or value < 0:
            raise ValueError(f"{key.upper()} is {value!r}, not a number")
        return value

    def _column(self, key: str, rows: int, usual: float | None = None) -> NDArray[np.float64]:
        """Numbers of a section or, where one number stands for all, of its key."""
        value = self.content.get(key, usual)
        if value is None:
            raise ValueError(f"it has no {key.upper()}")
        if isinstance(value, list):
            raise ValueError(f"{key.upper()}_SECTION has rows that differ in length")
        column = np.asarray(value)
        if column.dtype.kind not in "iuf" or not np.isfinite(column).all():
            raise ValueError(f"{key.upper()} holds what is not a number")
        if column.ndim and column.shape != (rows,):
            raise ValueError(f"{key.upper()} has shape {column.shape}, not ({rows},)")
        return np.broadcast_to(column.astype(float), (rows,))

    def _pairs(self, key: str) -> NDArray[np.float64]:
        rows = self.content.get(key, [])
        table = np.array([]) if isinstance(rows, list) else np.asarray(rows)  # a list where rows differ in length
        if table.dtype.kind not in "iuf" or table.shape != (self.count, 2) or not np.isfinite(table).all():
            raise ValueError(f"{key.upper()}_SECTION is not {self.count} rows of two numbers")
        return table.astype(float)

    def _nodes(self) -> tuple[Node, ...]:
        coordinates = self._pairs("node_coord")
        demand = self._column("demand", self.count)
        windows = np.tile([0.0, np.inf], (self.count, 1))
        if "time_window" in self.content:
            windows = self._pairs("time_window") * self.multiplier
        service = self._column("service_time", self.count, 0) * self.multiplier
        if np.ndim(self.content.get("service_time", 0)) == 0:
            service[: len(self.depots)] = 0  # one number for all customers
        release = self._column("release_time", self.count, 0) * self.multiplier
        prizes = self._column("prize", self.count, 0) * self.multiplier
        if service[: len(self.depots)].any() or demand[: len(self.depots)].any():
            raise ValueError("a depot has a demand or a service time")
        return tuple(
            Node(
                id=index,
                x=float(coordinates[index, 0]),
                y=float(coordinates[index, 1]),
                delivery=float(demand[index]),
                window=(float(windows[index, 0]), float(windows[index, 1])),
                service=float(service[index]),
                release=float(release[index]),
                prize=float(prizes[index]) if prizes[index] > 0 else None,  # customers without a prize must be served
            )
            for index in range(self.count)
        )

    def _vehicles(self) -> tuple[Vehicles, ...]:
        """Vehicles that are alike are counted, in the sequence in which their kind first appears."""
        customers = self.count - len(self.depots)
        count = int(self._number("vehicles")) if "vehicles" in self.content else customers
        capacity = self._column("capacity", count)
        fixed = self._column("vehicles_fixed_cost", count, 0) * self.multiplier
        per_distance = self._column("vehicles_unit_distance_cost", count, 1)
        duration = self._column("vehicles_max_duration", count, 0) * self.multiplier
        depot = self._column("vehicles_depot", count, 1).astype(int) - 1
        serves = self._lists("vehicles_allowed_clients", count)
        reloads = self._lists("vehicles_reload_depot", count)
        limited = "vehicles_max_duration" in self.content
        alike: dict[Vehicles, list[int]] = {}
        for index in range(count):
            if depot[index] not in self.depots:
                raise ValueError(f"vehicle {index + 1} belongs to node {depot[index] + 1}, which is no depot")
            if reloads is not None and reloads[index] not in ((), (int(depot[index]),)):
                raise ValueError(f"vehicle {index + 1} reloads elsewhere than at its depot")
            kind = Vehicles(
                numbers=(),
                depot=int(depot[index]),
                capacity=float(capacity[index]),
                fixed=float(fixed[index]),
                per_distance=float(per_distance[index]),
                max_duration=float(duration[index]) if limited else None,
                serves=None if serves is None else frozenset(serves[index]),
                reloads=reloads is not None and bool(reloads[index]),
            )
            alike.setdefault(kind, []).append(index + 1)
        return tuple(replace(kind, numbers=tuple(numbers)) for kind, numbers in alike.items())

    def _lists(self, key: str, rows: int) -> list[tuple[int, ...]] | None:
        """Indices of nodes in each row of a section; None without the section."""
        if key not in self.content:
            return None
        lists = [tuple(int(node) - 1 for node in np.atleast_1d(row)) for row in self.content[key]]
        if len(lists) != rows:
            raise ValueError(f"{key.upper()}_SECTION has {len(lists)} rows, not {rows}")
        for row in lists:
            if any(not 0 <= node < self.count for node in row):
                raise ValueError(f"{key.upper()}_SECTION names a node that is not there")
        return lists

    def _clusters(self) -> tuple[tuple[int, ...], ...]:
        content = self.content.get("mutually_exclusive_group", [])
        clusters = self._lists("mutually_exclusive_group", len(content)) or []
        inside = [node for cluster in clusters for node in cluster]
        if len(set(inside)) != len(inside) or set(inside) & set(self.depots) or not all(clusters):
            raise ValueError("a group is empty or holds a depot, or two groups share a node")
        return tuple(clusters)
