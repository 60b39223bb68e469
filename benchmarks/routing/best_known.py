"""Best known costs, from the bks.csv beside the instances."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.routing.instance import Facts
from lastmile.errors import InputError

# How the column ``convention`` begins in the rows of each convention of a family that has several.
_ROWS: Final = {
    ("vrptw-100", "dimacs"): "distance-only; DIMACS",
    ("vrptw-100", "hierarchical"): "hierarchical",
    ("vrptw-100", "distance"): "distance-only; double",
    ("evrptw", "full"): "FULL",
    ("evrptw", "partial"): "PARTIAL",
}
_VALUE: Final = re.compile(r"(?:(?P<vehicles>\d+)/)?(?P<cost>\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """A published cost; ``vehicles`` is None where the convention does not rank by them."""

    cost: float
    vehicles: int | None = None


def best_known(path: Path, facts: Facts) -> Best | None:
    """Look up an instance in the table beside its file; None where there is no table, or no row in it.

    Raises
    ------
    InputError
        When the table's value cannot be read.
    """
    value = _value(path, facts.name, _ROWS.get((facts.family, facts.convention), ""))
    if value is None:
        return None
    found = _number(path, facts.name, value)
    cost = float(found["cost"])
    if facts.family == "hfvrp" and "." not in value:
        cost /= facts.cost_unit  # newer rows are in the instance's units, older ones in the paper's
    vehicles = int(found["vehicles"]) if found["vehicles"] and facts.fewest_vehicles else None
    return Best(cost=cost, vehicles=vehicles)


def best_cost(path: Path, name: str) -> float | None:
    """The same of a family with one convention and one number.

    Raises
    ------
    InputError
        When the table's value cannot be read.
    """
    value = _value(path, name, "")
    return None if value is None else float(_number(path, name, value)["cost"])


def _value(path: Path, name: str, begins: str) -> str | None:
    """What the table beside a file says of an instance, in the first row whose convention begins so."""
    table = path.parent / "bks.csv"
    if not table.is_file():
        return None
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("instance", "").rpartition("/")[2] == name and row.get("convention", "").startswith(begins):
                return row.get("bks", "")
    return None


def _number(path: Path, name: str, value: str) -> re.Match[str]:
    found = _VALUE.fullmatch(value)
    if found is None:
        raise InputError.single(
            place=f"{path.parent / 'bks.csv'}, instance {name}",
            cause=f"bks is {value!r}, neither a cost nor vehicles/cost",
            remedy="write a number such as 827.3 or 10/828.94",
        )
    return found
